//! The page: one file that needs no other.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

const PAGE: &str = include_str!("../web/page.html");
const STYLE: &str = include_str!("../web/style.css");

/// The scripts, in the order in which they run: the charts, then those of the page by their names.
pub(crate) const SCRIPTS: &[&str] = &[
    include_str!("../web/vendor/echarts.js"),
    include_str!("../web/app/00_format.js"),
    include_str!("../web/app/01_stats.js"),
    include_str!("../web/app/02_document.js"),
    include_str!("../web/app/03_theme.js"),
    include_str!("../web/app/10_events.js"),
    include_str!("../web/app/11_timeline.js"),
    include_str!("../web/app/12_scores.js"),
    include_str!("../web/app/13_importance.js"),
    include_str!("../web/app/14_heat.js"),
    include_str!("../web/app/15_parallel.js"),
    include_str!("../web/app/16_data.js"),
    include_str!("../web/app/17_model.js"),
    include_str!("../web/app/18_predictions.js"),
    include_str!("../web/app/19_learning.js"),
    include_str!("../web/app/20_compare.js"),
    include_str!("../web/app/21_all.js"),
    include_str!("../web/app/30_svg.js"),
    include_str!("../web/app/40_dom.js"),
    include_str!("../web/app/41_table.js"),
    include_str!("../web/app/42_filter.js"),
    include_str!("../web/app/43_figure.js"),
    include_str!("../web/app/50_answer.js"),
    include_str!("../web/app/51_compare.js"),
    include_str!("../web/app/52_leaderboard.js"),
    include_str!("../web/app/53_parameters.js"),
    include_str!("../web/app/54_timeline.js"),
    include_str!("../web/app/55_pipeline.js"),
    include_str!("../web/app/56_data.js"),
    include_str!("../web/app/57_model.js"),
    include_str!("../web/app/58_predictions.js"),
    include_str!("../web/app/59_notes.js"),
    include_str!("../web/app/60_repeat.js"),
    include_str!("../web/app/99_start.js"),
];

/// The page of a document.
pub(crate) fn page(document: &impl Serialize) -> serde_json::Result<String> {
    let data = for_script(&serde_json::to_string(document)?);
    let hashes = |texts: &[&str]| texts.iter().map(|text| hash(text)).collect::<Vec<_>>().join(" ");
    let policy = format!(
        "default-src 'none'; script-src {}; style-src {}; img-src data: blob:; base-uri 'none'; form-action 'none'",
        hashes(SCRIPTS),
        hashes(&[STYLE])
    );
    let scripts: String = SCRIPTS.iter().map(|script| format!("<script>{script}</script>\n")).collect();
    let mut page = String::with_capacity(PAGE.len() + STYLE.len() + data.len() + scripts.len() + 1024);
    let mut rest = PAGE;
    let parts = [
        ("<!-- CSP -->", format!("<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">")),
        ("<!-- STYLE -->", format!("<style>{STYLE}</style>")),
        ("<!-- DATA -->", format!("<script type=\"application/json\" id=\"data\">{data}</script>")),
        ("<!-- SCRIPTS -->", scripts),
    ];
    for (place, text) in parts {
        if let Some((before, after)) = rest.split_once(place) {
            page.push_str(before);
            page.push_str(&text);
            rest = after;
        }
    }
    page.push_str(rest);
    Ok(page)
}

/// JSON that ends no script element and begins no comment, whatever its strings hold.
fn for_script(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => text.push_str(&format!("\\u{:04x}", c as u32)),
            c => text.push(c),
        }
    }
    text
}

fn hash(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

/// The document that a page was made of; `None` if the text is not such a page.
pub(crate) fn document_of(page: &str) -> Option<Value> {
    let (_, rest) = page.split_once("<script type=\"application/json\" id=\"data\">")?;
    let (data, _) = rest.split_once("</script>")?;
    serde_json::from_str(data).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_script_of_the_page_is_in_it_in_the_order_of_names() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/web/app");
        let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
        names.sort();
        let texts: Vec<String> = names.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
        assert_eq!(texts, SCRIPTS[1..]);
        assert!(SCRIPTS[0].contains("Apache"), "the charts come with their licence");
        assert!(SCRIPTS.iter().all(|script| !script.contains("</script") && !script.contains("<!--")));
    }

    #[test]
    fn strings_end_no_script_and_come_back() {
        let hostile = "</script><script>alert(1)</script><!-- & \u{2028} \"quotes\" 'and' ${x}";
        let document = json!({"format": "luthier.report", hostile: [hostile, 0.1, null]});
        let page = page(&document).unwrap();
        assert_eq!(document_of(&page), Some(document));
        assert_eq!(page.matches("<script").count(), SCRIPTS.len() + 1);
        assert!(!page.contains("alert(1)</script>"));
    }

    #[test]
    fn the_policy_names_every_script_and_nothing_else_may_run() {
        let page = page(&json!({})).unwrap();
        let (_, policy) = page.split_once("http-equiv=\"Content-Security-Policy\" content=\"").unwrap();
        let (policy, _) = policy.split_once('"').unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
        assert_eq!(policy.matches("'sha256-").count(), SCRIPTS.len() + 1);
        assert!(!policy.contains("unsafe"));
        // By another implementation: printf '' | openssl dgst -sha256 -binary | base64
        assert_eq!(hash(""), "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='");
    }

    #[test]
    fn what_is_no_page_has_no_document() {
        assert_eq!(document_of("<html></html>"), None);
    }
}
