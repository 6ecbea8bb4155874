//! Changes of bytes.

use crate::chance::Chance;

/// Numbers that readers tend not to expect.
pub(crate) const EXTREMES: [&str; 24] = [
    "-1",
    "0",
    "1",
    "2",
    "255",
    "256",
    "65536",
    "1000000",
    "9999999",
    "16777216",
    "2147483647",
    "-2147483648",
    "4294967296",
    "1e10",
    "10000000000",
    "1000000000000000000",
    "1e18",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "1e300",
    "-1e300",
    "5e-324",
    "0.5",
];

/// How deep a file is nested to fill a stack.
const DEEP: usize = 100_000;

/// Some changes of a file, often a single one. `focus` is where changes tend to matter.
pub(crate) fn bytes(file: &mut Vec<u8>, focus: std::ops::Range<usize>, chance: &mut Chance) {
    for _ in 0..*chance.of(&[1, 1, 1, 2, 4]) {
        change(file, focus.clone(), chance);
    }
}

fn place(file: &[u8], focus: &std::ops::Range<usize>, chance: &mut Chance) -> usize {
    let end = focus.end.min(file.len());
    match chance.below(2) {
        0 if focus.start < end => focus.start + chance.below(end - focus.start),
        _ => chance.below(file.len()),
    }
}

fn change(file: &mut Vec<u8>, focus: std::ops::Range<usize>, chance: &mut Chance) {
    if file.is_empty() {
        return;
    }
    let at = place(file, &focus, chance);
    let most = *chance.of(&[1, 4, 16, 256]);
    let length = 1 + chance.below(most);
    let end = (at + length).min(file.len());
    match chance.below(10) {
        0 | 1 => file[at] ^= 1 << chance.below(8),
        2 => file[at] = chance.next() as u8,
        3 => file[at..end].fill(0),
        4 => file[at..end].fill(0xff),
        5 => drop(file.drain(at..end)),
        6 => {
            let copy = file[at..end].to_vec();
            file.splice(at..at, copy);
        }
        7 => {
            let noise: Vec<u8> = (at..end).map(|_| chance.next() as u8).collect();
            file.splice(at..at, noise);
        }
        8 => {
            let numbers = [0, 1, 0x7f, i64::from(i32::MAX), i64::from(i32::MIN), i64::MAX, -1, 1_000_000_000];
            let bytes = chance.of(&numbers).to_le_bytes();
            let end = (at + *chance.of(&[4, 8])).min(file.len());
            file[at..end].copy_from_slice(&bytes[..end - at]);
        }
        _ if chance.below(4) == 0 => file.truncate(at),
        _ => {
            let from = chance.below(file.len());
            let copy = file[from..(from + length).min(file.len())].to_vec();
            file.splice(at..end, copy);
        }
    }
}

/// Some changes of a text: of its numbers, words, lines or bytes.
pub(crate) fn text(file: &mut Vec<u8>, chance: &mut Chance) {
    for _ in 0..*chance.of(&[1, 1, 1, 2, 4]) {
        match chance.below(8) {
            0..=3 => number(file, chance),
            4 => word(file, chance),
            5 => line(file, chance),
            6 => change(file, 0..0, chance),
            _ if chance.below(8) == 0 => nest(file, chance),
            _ => number(file, chance),
        }
    }
}

/// The stretches of a file that consist of such bytes.
fn runs(file: &[u8], is: impl Fn(u8) -> bool) -> Vec<std::ops::Range<usize>> {
    let mut found: Vec<std::ops::Range<usize>> = Vec::new();
    for (at, byte) in file.iter().enumerate().filter(|(_, byte)| is(**byte)) {
        let _ = byte;
        match found.last_mut() {
            Some(last) if last.end == at => last.end = at + 1,
            _ => found.push(at..at + 1),
        }
    }
    found
}

fn number(file: &mut Vec<u8>, chance: &mut Chance) {
    let numbers = runs(file, |byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-');
    if !numbers.is_empty() {
        let at = chance.of(&numbers).clone();
        let special = ["nan", "inf", "-inf", "NaN", "\"NaN\"", "null", "", "1e400", "true"];
        let new = if chance.below(4) == 0 { *chance.of(&special) } else { *chance.of(&EXTREMES) };
        file.splice(at, new.bytes());
    }
}

/// Exchanges a word by another one of the file.
fn word(file: &mut Vec<u8>, chance: &mut Chance) {
    let words = runs(file, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !words.is_empty() {
        let (at, other) = (chance.of(&words).clone(), chance.of(&words).clone());
        let other = file[other].to_vec();
        file.splice(at, other);
    }
}

fn line(file: &mut Vec<u8>, chance: &mut Chance) {
    let lines = runs(file, |byte| byte != b'\n');
    if lines.is_empty() {
        return;
    }
    let (at, other) = (chance.of(&lines).clone(), chance.of(&lines).clone());
    match chance.below(3) {
        0 => drop(file.drain(at)),
        1 => {
            let mut copy = file[other].to_vec();
            copy.push(b'\n');
            file.splice(at.start..at.start, copy);
        }
        _ => {
            let copy = file[other].to_vec();
            file.splice(at, copy);
        }
    }
}

fn nest(file: &mut Vec<u8>, chance: &mut Chance) {
    let at = chance.below(file.len());
    let opening = *chance.of(&["[", "{\"a\":", "(", "{a=", "a.", "not "]);
    file.splice(at..at, opening.repeat(DEEP).into_bytes());
}
