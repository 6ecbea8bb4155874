//! The Luthier side of the comparison: one JSON request a line on stdin, one JSON answer a line on stdout.
//!
//! See `benches/peers/README.md`.

use std::io::{BufRead, Write, stdin, stdout};

use luthier_bench::peer::Peer;
use serde_json::json;

fn main() -> std::io::Result<()> {
    let mut peer = Peer::default();
    for line in stdin().lock().lines() {
        let answer = peer.answer(&line?).unwrap_or_else(|error| json!({ "error": format!("{error:#}") }));
        writeln!(stdout(), "{answer}")?;
        stdout().flush()?;
    }
    Ok(())
}
