//! Which rows are test rows.

use anyhow::{Result, bail};
use luthier::frame::DataFrame;
use luthier::tune::hold_out::{grouped, latest, random, stratified, wanted};

use super::{keys, times};
use crate::args::SplitArgs;
use crate::data::DataSource;

/// For each row whether it is a test row.
pub(super) fn test_rows(args: &SplitArgs, frame: &DataFrame, source: &DataSource) -> Result<Vec<bool>> {
    let (rows, ratio) = (frame.num_rows(), args.test_ratio);
    if !(ratio > 0.0 && ratio < 1.0) {
        bail!("--test-ratio is {ratio}, expected a number between 0 and 1, such as 0.2");
    }
    let wanted = wanted(rows, ratio);
    let test = match (&args.stratify, &args.group, &args.time) {
        (Some(column), ..) => stratified(&keys(frame, column, source)?, wanted, args.seed),
        (_, Some(column), _) => grouped(&keys(frame, column, source)?, wanted, args.seed),
        (.., Some(column)) => latest(&times::of_rows(args, frame, column, source)?, wanted),
        _ => random(rows, wanted, args.seed),
    };
    let count = test.iter().filter(|is_test| **is_test).count();
    if count == 0 || count == rows {
        let shared = |what: &str, column: &String| format!("all {rows} rows have the same {what} `{column}`");
        let why = match (&args.group, &args.time) {
            (Some(column), _) if rows > 1 => {
                format!("{}: split by another column", shared("value in", column))
            }
            (_, Some(column)) if rows > 1 => {
                format!("{}: split by another column", shared("time in", column))
            }
            _ => format!("{rows} rows cannot be split in two: give more rows"),
        };
        bail!("{}: {why}", args.data.display());
    }
    Ok(test)
}
