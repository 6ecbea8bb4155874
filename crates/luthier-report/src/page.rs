//! The page: one file that needs no other.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

const PAGE: &str = include_str!("../web/page.html");
const STYLE: &str = include_str!("../web/style.css");

/// The scripts, in the order in which they run: the charts, then those of the page by their names.
const SCRIPTS: &[&str] = &[
    include_str!("../web/vendor/echarts.js"),
    include_str!("../web/app/00_format.js"),
    include_str!("../web/app/01_stats.js"),
    include_str!("../web/app/02_document.js"),
    include_str!("../web/app/03_theme.js"),
    include_str!("../web/app/10_events.js"),
    include_str!("../web/app/11_timeline.js"),
    include_str!("../web/app/12_scores.js"),
    include_str!("../web/app/40_dom.js"),
    include_str!("../web/app/41_table.js"),
    include_str!("../web/app/42_filter.js"),
    include_str!("../web/app/43_figure.js"),
    include_str!("../web/app/50_answer.js"),
    include_str!("../web/app/51_leaderboard.js"),
    include_str!("../web/app/52_parameters.js"),
    include_str!("../web/app/53_timeline.js"),
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
