//! Experiments on what a search says of itself: are its scores honest, and do its strategies find what a grid finds?
//!
//! See `README.md` beside this file.

mod coverage;
mod noise;
mod simulated;
mod statistics;
mod strategies;

use std::str::FromStr;

use anyhow::{Context, bail};

const USAGE: &str =
    "usage: experiments noise [DATA SETS] | coverage [REPETITIONS] | strategies FOLDER [SEEDS]";

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["noise", ref rest @ ..] => noise::run(number(rest, 200)?),
        ["coverage", ref rest @ ..] => coverage::run(number(rest, 2_000)?),
        ["strategies", folder, ref rest @ ..] => strategies::run(folder, number(rest, 20)?),
        _ => bail!(USAGE),
    }
}

fn number<T: FromStr>(args: &[&str], default: T) -> anyhow::Result<T> {
    match args {
        [] => Ok(default),
        [text] => text.parse().ok().with_context(|| format!("`{text}` is not a number: {USAGE}")),
        _ => bail!(USAGE),
    }
}
