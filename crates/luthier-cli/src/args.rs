//! The command line.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args as ClapArgs, Parser, Subcommand};
use luthier::tune::Parallelism;

use crate::data::{DeclaredType, Format, MissingLabel, Reading, reading};

const EXAMPLES: &str = "\
Examples:
  luthier tune examples/diabetes.toml --out out     try every candidate, keep the best model
  luthier tune examples/diabetes.toml --explain     say what would be done, and do nothing
  luthier inspect out/model.json                    show what was learned
  luthier predict out/model.json new.csv --out predictions.csv
  luthier evaluate out/model.json test.csv          every metric on rows with labels
  luthier stages pca                                the parameters of a stage";

const CONFIGURATION: &str = "\
Configuration:
  seed = 7
  [data]
  path = \"data.csv\"                 # csv (also .gz, .zst) or parquet, relative to this file; \"-\" is
                                    # the standard input; also: partitions, format
                                    # how a CSV file is read: delimiter, header, skip_lines,
                                    # comment, null_values, decimal, thousands, encoding,
                                    # max_bytes, types = { zip = \"text\" }
  where = \"age >= 18\"              # the rows that are used; also: drop_nulls = [\"x\"],
                                    # missing_label = \"drop\"
  label = \"y\"                       # default of every label_col; also: weight, fold
  features = [\"x*\"]                 # names and globs, together the vector \"features\";
                                    # without it \"*\": all numbers that have no other role;
                                    # []: none, the stages take the columns as they are
  [[stage]]
  name = \"lr\"
  type = \"linear_regression\"        # and its parameters, see `luthier stages linear_regression`
                                    # type = \"pipeline\" has stages [[stage.stage]] of its own,
                                    # \"column_transformer\" parts [[stage.part]] with columns
                                    # and stages [[stage.part.stage]]
  [grid]                            # or several [[grid]]
  \"lr.reg_param\" = [0.01, 0.1, 1.0]
                                    # \"STAGE.type\" = [\"pca\", \"standard_scaler\"] exchanges a stage,
                                    # \"STAGE.enabled\" = [true, false] also leaves it out
  [[pipeline]]                      # several compete, behind the stages outside, if there are any:
  name = \"ridge\"                    # each has [[pipeline.stage]] and [pipeline.grid]
  [search]
  method = \"cross_validator\"        # the default; with num_folds or fold_col; or train_validation_split
                                    # with train_ratio; or the name of a splitter
  parallelism = 2                   # or \"auto\"; also: memory_budget = \"512 MB\"
  executor = \"thread_pool\"          # the default; with executor_options; also: sharing = false
  [evaluator]                       # or several [[evaluator]], of which the first decides;
                                    # without it regression with its defaults
  type = \"regression\"
  metric = \"rmse\"";

/// Tune, fit and apply machine-learning pipelines.
#[derive(Debug, Parser)]
#[command(name = "luthier", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Try every candidate of a grid, and fit the best one on all rows.
    #[command(after_help = CONFIGURATION)]
    Tune(TuneArgs),
    /// Fit a pipeline on all rows, without a grid.
    #[command(
        after_help = "Example:\n  luthier fit pipeline.toml --model model.json\n\nThe configuration is that of `luthier tune` without [grid]; [search] and [evaluator] play no part."
    )]
    Fit(FitArgs),
    /// Append the columns of a fitted pipeline to the rows of a file.
    #[command(
        after_help = "Example:\n  luthier predict out/model.json new.csv --out predictions.parquet --columns id,prediction\n\nThe file needs the columns of the features, no label. In CSV a vector v becomes v_0, v_1, …,\nand columns that the model does not read are written as they stand in the file. `-` as the file is the standard input,\nas --out the standard output."
    )]
    Predict(PredictArgs),
    /// Score a fitted pipeline on the rows of a file.
    #[command(
        after_help = "Examples:\n  luthier evaluate out/model.json test.csv\n  luthier evaluate out/model.json test.csv --curves out\n  luthier evaluate out/model.json test.csv --metric rmse,mae --set weight_col=w\n\nThe label is that of the configuration the model was fitted by, or --label. `luthier stages NAME` lists the parameters\nof an evaluator, its metrics among them."
    )]
    Evaluate(EvaluateArgs),
    /// Write the rows of a file into two: one to fit on, one to test with.
    #[command(
        after_help = "Examples:\n  luthier split data.csv --out-train train.csv --out-test test.csv\n  luthier split data.csv --out-train train.csv --out-test test.csv --test-ratio 0.3 --stratify species --seed 7\n  luthier split visits.parquet --out-train train.parquet --out-test test.parquet --group patient\n  luthier split sales/ --out-train train.csv --out-test test.csv --time date\n\nRows keep their order, and cells of a CSV file their spelling. The same seed gives the same rows."
    )]
    Split(SplitArgs),
    /// Show the stages of a fitted pipeline: parameters and what was learned.
    #[command(after_help = "Example:\n  luthier inspect out/model.json --json")]
    Inspect(InspectArgs),
    /// Serve the predictions of a fitted pipeline over HTTP, as JSON.
    #[cfg(feature = "serve")]
    #[command(
        after_help = "Example:\n  luthier serve out/model.json &\n  curl -s localhost:8080/model\n  curl -s localhost:8080/predict -d '{\"x2\": 0.05, \"x3\": 0.06}'\n\nGET /model lists the columns that a row must give. POST /predict takes a row, or a list of rows. The service speaks plain HTTP without authentication; Ctrl-C ends it."
    )]
    Serve(ServeArgs),
    /// List what can be named in a configuration, or the parameters of one part.
    #[command(after_help = "Example:\n  luthier stages linear_regression")]
    Stages(StagesArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct TuneArgs {
    /// The configuration.
    pub(crate) config: PathBuf,
    /// Directory for results.csv, results.json, model.json and events.json; made if it is not there.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// The largest number of units that run at the same time, in place of the configuration's.
    #[arg(long, value_name = "N|auto")]
    pub(crate) parallelism: Option<Parallelism>,
    /// The executor that runs the units of work, in place of the configuration's: thread_pool, rayon, serial, or any
    /// registered one.
    #[arg(long, value_name = "NAME")]
    pub(crate) executor: Option<String>,
    /// Say what the search would do, and do nothing.
    #[arg(long)]
    pub(crate) explain: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct FitArgs {
    /// The configuration.
    pub(crate) config: PathBuf,
    /// The file for the fitted pipeline.
    #[arg(long, value_name = "FILE")]
    pub(crate) model: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PredictArgs {
    /// A fitted pipeline.
    pub(crate) model: PathBuf,
    /// The rows, csv or parquet.
    pub(crate) data: PathBuf,
    /// The file to write: .csv, or .parquet (.pq); - for CSV to the standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// The columns to write, in this order; any that a stage appends may be among them [default: the columns of the file,
    /// the prediction and the probabilities].
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub(crate) columns: Option<Vec<String>>,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct EvaluateArgs {
    /// A fitted pipeline.
    pub(crate) model: PathBuf,
    /// The rows, csv or parquet, with their labels.
    pub(crate) data: PathBuf,
    /// Who scores: regression, binary_classification, multiclass_classification, or any registered [default: by the
    /// columns that the model appends].
    #[arg(long, value_name = "NAME")]
    pub(crate) evaluator: Option<String>,
    /// The metrics [default: all that the evaluator knows].
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub(crate) metric: Vec<String>,
    /// The column of labels [default: that of the configuration].
    #[arg(long, value_name = "NAME")]
    pub(crate) label: Option<String>,
    /// What is done with rows that have no label: error, or drop [default: that of the configuration].
    #[arg(long, value_name = "WHAT", value_parser = MissingLabel::parse)]
    pub(crate) missing_label: Option<MissingLabel>,
    /// A parameter of the evaluator; may be given several times.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// Directory for roc.csv, pr.csv, thresholds.csv and calibration.csv, of two classes; made if it is not there.
    #[arg(long, value_name = "DIR")]
    pub(crate) curves: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SplitArgs {
    /// The rows: a file, a folder of files or a pattern, csv or parquet.
    pub(crate) data: PathBuf,
    /// The file for the rows to fit on: .csv, or .parquet (.pq); - for CSV to the standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) out_train: PathBuf,
    /// The file for the rows to test with.
    #[arg(long, value_name = "FILE")]
    pub(crate) out_test: PathBuf,
    /// The share of the rows to test with, between 0 and 1.
    #[arg(long, value_name = "RATIO", default_value_t = 0.2)]
    pub(crate) test_ratio: f64,
    /// Seed of the random choice.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// A column of classes: each has its share of the test rows.
    #[arg(long, value_name = "COLUMN", conflicts_with_all = ["group", "time"])]
    pub(crate) stratify: Option<String>,
    /// A column of groups, such as patients: the rows of a group stay together.
    #[arg(long, value_name = "COLUMN", conflicts_with = "time")]
    pub(crate) group: Option<String>,
    /// A column of times (dates, timestamps, numbers, or texts such as 2024-02-29): the latest rows are test rows. Rows of
    /// one time stay together.
    #[arg(long, value_name = "COLUMN", conflicts_with = "seed")]
    pub(crate) time: Option<String>,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

/// How the file is read. What is not given is as in the data of the model.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "How the file is read (default: as the data that the model was fitted on)")]
pub(crate) struct ReadArgs {
    /// The format, csv or parquet [default: by the ending of the name].
    #[arg(long, value_name = "FORMAT", value_parser = Format::parse)]
    format: Option<Format>,
    /// What separates two cells of a CSV file, such as ';' or '\t'.
    #[arg(long, value_name = "CHAR", value_parser = reading::delimiter)]
    delimiter: Option<char>,
    /// The CSV file has no line of names.
    #[arg(long, conflicts_with = "header")]
    no_header: bool,
    /// The CSV file has a line of names.
    #[arg(long)]
    header: bool,
    /// Lines of the CSV file in front of its header that are passed over.
    #[arg(long, value_name = "N")]
    skip_lines: Option<u64>,
    /// A cell that stands for a missing value, besides the empty one; may be given several times.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    null_value: Vec<String>,
    /// The decimal sign of numbers in a CSV file.
    #[arg(long, value_name = "CHAR", value_parser = |text: &str| reading::character("decimal", text))]
    decimal: Option<char>,
    /// What separates thousands in numbers of a CSV file.
    #[arg(long, value_name = "CHAR", value_parser = |text: &str| reading::character("thousands", text))]
    thousands: Option<char>,
    /// The character that lines of comment begin with.
    #[arg(long, value_name = "CHAR", value_parser = |text: &str| reading::character("comment", text))]
    comment: Option<char>,
    /// The encoding of a CSV file, such as latin1 or utf-16le.
    #[arg(long, value_name = "NAME")]
    encoding: Option<String>,
    /// The type of a column of a CSV file: text, number, integer or bool; may be given several times.
    #[arg(long = "type", value_name = "COLUMN=TYPE", value_parser = declared_type)]
    types: Vec<(String, DeclaredType)>,
    /// The most bytes of text that are read [default: 4 GiB of a pipe, no limit for a file].
    #[arg(long, value_name = "N")]
    max_bytes: Option<u64>,
}

fn declared_type(text: &str) -> Result<(String, DeclaredType)> {
    let Some((column, name)) = text.rsplit_once('=') else {
        anyhow::bail!("expected COLUMN=TYPE, such as zip=text");
    };
    Ok((column.to_owned(), name.to_owned().try_into()?))
}

impl ReadArgs {
    /// What is given.
    pub(crate) fn reading(&self) -> Reading {
        let null_values = std::iter::once(String::new()).chain(self.null_value.iter().cloned());
        Reading {
            format: self.format,
            delimiter: self.delimiter,
            header: if self.header { Some(true) } else { self.no_header.then_some(false) },
            skip_lines: self.skip_lines,
            null_values: (!self.null_value.is_empty()).then(|| null_values.collect()),
            decimal: self.decimal,
            thousands: self.thousands,
            comment: self.comment,
            encoding: self.encoding.clone(),
            time_zone: None,
            types: self.types.iter().cloned().collect(),
            max_bytes: self.max_bytes,
        }
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct InspectArgs {
    /// A fitted pipeline.
    pub(crate) model: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(feature = "serve")]
#[derive(Debug, ClapArgs)]
pub(crate) struct ServeArgs {
    /// A fitted pipeline.
    pub(crate) model: PathBuf,
    /// The address to listen on. Port 0 takes any free port.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    pub(crate) address: std::net::SocketAddr,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct StagesArgs {
    /// A stage, evaluator, splitter or executor.
    pub(crate) name: Option<String>,
}
