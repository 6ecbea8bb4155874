//! Changes of a JSON document that leave it one.

use serde_json::{Value, json};

use crate::chance::Chance;
use crate::mutation::EXTREMES;

pub(crate) fn change(document: &mut Value, chance: &mut Chance) {
    for _ in 0..[1, 1, 1, 2, 4][chance.below(5)] {
        let nodes = count(document);
        let other = chance.below(nodes);
        let other = nth(document, &mut { other }).cloned().unwrap_or_default();
        let at = chance.below(nodes);
        if let Some(node) = nth(document, &mut { at }) {
            alter(node, other, chance);
        }
    }
}

fn count(node: &Value) -> usize {
    1 + match node {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(entries) => entries.values().map(count).sum(),
        _ => 0,
    }
}

/// The node with this number, in the order of the text.
fn nth<'a>(node: &'a mut Value, left: &mut usize) -> Option<&'a mut Value> {
    if *left == 0 {
        return Some(node);
    }
    *left -= 1;
    match node {
        Value::Array(items) => items.iter_mut().find_map(|item| nth(item, left)),
        Value::Object(entries) => entries.values_mut().find_map(|item| nth(item, left)),
        _ => None,
    }
}

fn alter(node: &mut Value, other: Value, chance: &mut Chance) {
    let kind = chance.below(8);
    match node {
        Value::Array(items) if kind < 5 && !items.is_empty() => {
            let at = chance.below(items.len());
            match kind {
                0 => drop(items.remove(at)),
                1 => items.insert(at, items[at].clone()),
                2 => items.truncate(at),
                3 => items.push(other),
                _ => {
                    let last = items.len() - 1;
                    items.swap(at, last);
                }
            }
        }
        Value::Object(entries) if kind < 5 && !entries.is_empty() => {
            let key = entries.keys().nth(chance.below(entries.len())).cloned().unwrap_or_default();
            match kind {
                0..=2 => drop(entries.remove(&key)),
                3 => drop(entries.insert(key, other)),
                _ => {
                    let value = entries.remove(&key).unwrap_or_default();
                    entries.insert(format!("{key}s"), value);
                }
            }
        }
        Value::String(text) if kind < 3 => {
            *text = match kind {
                0 => String::new(),
                1 => text.repeat(1 + chance.below(100)),
                _ => ["NaN", "inf", "-inf", "\u{0}", "ü", "{}{}{}%s", "1e18"][chance.below(7)].to_owned(),
            };
        }
        _ => {
            *node = match kind {
                0..=4 => serde_json::from_str(EXTREMES[chance.below(EXTREMES.len())]).unwrap_or_default(),
                5 => [json!(null), json!([]), json!({}), json!(""), json!("NaN"), json!(true), json!("inf")]
                    [chance.below(7)]
                .clone(),
                6 => (0..chance.below(150)).fold(json!(1), |inner, _| json!([inner])),
                _ => other,
            };
        }
    }
}
