//! `luthier split`

mod assign;
mod times;

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use luthier::frame::{ColumnType, DataFrame, texts};

use crate::args::SplitArgs;
use crate::data::{DataSource, Format, without_nulls, writable, write};
use crate::output::{is_standard, note, print};
use crate::paths::Paths;
use crate::settings::quoted;

pub(crate) fn run(args: &SplitArgs) -> Result<()> {
    let (train, test) = (&args.out_train, &args.out_test);
    Paths::default().data(&args.data).output("--out-train", train)?.output("--out-test", test)?;
    if is_standard(train) && is_standard(test) {
        bail!("--out-train and --out-test are both standard output: name a file for one of them");
    }
    let formats = [writable(train).context("--out-train")?, writable(test).context("--out-test")?];
    let column = args.stratify.as_ref().or(args.group.as_ref()).or(args.time.as_ref());
    let source = DataSource::new(args.data.clone()).with_reading(args.read.reading());
    source.readable()?;
    // The cells of text files are copied unchanged.
    let source = match formats {
        [Format::Csv, Format::Csv] => {
            source.spelt_except(column.into_iter().chain(&args.drop_nulls).cloned().collect())
        }
        _ => source,
    };
    let source = match args.drop_nulls.as_slice() {
        [] => source,
        columns => {
            let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            let whole = without_nulls(&source.scan()?, &columns, None).context("--drop-nulls")?;
            source.with_rows(whole)
        }
    };
    let frame = source.scan()?;
    let test_rows = assign::test_rows(args, &frame, &source)?;
    let train_rows: Vec<bool> = test_rows.iter().map(|is_test| !is_test).collect();
    let frame = frame.as_spelt()?;
    let sizes = [write_rows(&frame, &train_rows, train)?, write_rows(&frame, &test_rows, test)?];
    let told = format!(
        "wrote {} rows to {} and {} rows to {}\n",
        sizes[0],
        train.display(),
        sizes[1],
        test.display()
    );
    if is_standard(train) || is_standard(test) {
        note(told.trim_end());
        return Ok(());
    }
    print(&told)
}

fn write_rows(frame: &DataFrame, mask: &[bool], path: &Path) -> Result<usize> {
    let rows = frame.filter(mask)?;
    write(&rows, path)?;
    Ok(rows.num_rows())
}

/// The values of a column as strings that can be compared for equality; none may be missing.
fn keys(frame: &DataFrame, column: &str, source: &DataSource) -> Result<Vec<String>> {
    let index = frame.schema().require_index(column)?;
    let column_type = frame.schema().fields().get(index).map(|field| field.column_type());
    if !column_type.is_some_and(is_single) {
        let found = column_type.map(|found| found.to_string()).unwrap_or_default();
        bail!("column `{column}` is {found}, expected text, numbers, booleans or dates");
    }
    let mut keys = Vec::with_capacity(frame.num_rows());
    for partition in frame.partitions() {
        for batch in partition.batches(Some(&[index]))? {
            for text in texts(batch?.column(0).as_ref())? {
                match text {
                    Some(text) => keys.push(text),
                    None => return Err(missing(column, &source.place_of(keys.len()))),
                }
            }
        }
    }
    Ok(keys)
}

/// The error for a row without a value in the column that decides.
fn missing(column: &str, place: &str) -> anyhow::Error {
    anyhow!(
        "{place}: column `{column}` is missing, expected a value in every row: fill it, or leave such rows out with \
         `--drop-nulls {}`",
        quoted(column)
    )
}

fn is_single(column_type: ColumnType) -> bool {
    column_type.is_numeric() || column_type.is_temporal() || column_type == ColumnType::Utf8
}
