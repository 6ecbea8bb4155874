//! The command line.

#[cfg(feature = "serve")]
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::{Args as ClapArgs, Parser, Subcommand};
use luthier::tune::Parallelism;

use crate::config::positive_time;
use crate::data::{DeclaredType, Format, MissingLabel, Reading, reading};
#[cfg(feature = "serve")]
use crate::service::Limits;

const EXAMPLES: &str = "\
Examples:
  luthier tune examples/diabetes.toml --out out     try every candidate and save the best model
  luthier tune examples/diabetes.toml --explain     print the plan without running the search
  luthier inspect out/model.json                    show what the model learned
  luthier predict out/model.json new.csv --out predictions.csv
  luthier evaluate out/model.json test.csv          compute all metrics on rows with labels
  luthier stages pca                                list the parameters of a stage";

const CONFIGURATION: &str = "\
Configuration:
  seed = 7
  [data]
  path = \"data.csv\"                 # a CSV (also .gz, .zst) or Parquet file, relative to this file;
                                    # also a folder or a glob; \"-\" is standard input
                                    # more keys: format, partitions; for CSV: delimiter, header,
                                    # skip_lines, comment, null_values, decimal, thousands,
                                    # encoding, max_bytes, types = { zip = \"text\" }
  shards = true                     # each file is split by itself, so that files can be added
  where = \"age >= 18\"               # which rows to use; also: drop_nulls = [\"x\"],
                                    # missing_label = \"drop\"
  test = 0.2                        # rows that the search does not see and on which the best model is
                                    # scored: a share, the name of a column (true or 1), or a file
  label = \"y\"                       # default of every label_col; also: weight, fold
  features = [\"x*\"]                 # names and globs of the columns for the vector \"features\";
                                    # default \"*\": all columns of numbers without another role;
                                    # []: do not assemble a vector
  categories = [\"color\"]            # columns that become indicators in \"features\"; also: exclude
  [[stage]]
  name = \"lr\"
  type = \"linear_regression\"        # and its parameters, see `luthier stages linear_regression`
                                    # type \"pipeline\" contains stages [[stage.stage]];
                                    # type \"column_transformer\" contains parts [[stage.part]] with
                                    # columns and stages [[stage.part.stage]]
  [grid]                            # or several [[grid]]
  \"lr.reg_param\" = [0.01, 0.1, 1.0]
                                    # or random search: [space] \"lr.reg_param\" = { log = [0.001, 10.0] }
                                    # (also uniform, integers, log_integers) with max_candidates in [search];
                                    # or single candidates: [[candidate]] \"lr.reg_param\" = 0.1
                                    # \"STAGE.type\" = [\"pca\", \"standard_scaler\"] tries several types,
                                    # \"STAGE.enabled\" = [true, false] also tries without the stage
  [[pipeline]]                      # several pipelines compete; stages outside come first in each:
  name = \"ridge\"                    # each has [[pipeline.stage]] and [pipeline.grid]
  [search]
  method = \"cross_validator\"        # the default, with num_folds or fold_col; or
                                    # \"train_validation_split\" with train_ratio; \"repeated_k_fold\",
                                    # \"group_k_fold\", \"rolling_origin\" or another splitter
  parallelism = 2                   # or \"auto\"; also: memory_budget = \"512 MB\"
  executor = \"thread_pool\"          # the default; also: executor_options, sharing = false,
                                    # nested = true (or false) for the score of the procedure
  strategy = \"grid\"                 # the default; or \"random\", \"halving\", \"racing\", \"bayesian\" with
                                    # strategy_options = { … }, max_candidates, max_fits
                                    # limits: max_seconds, max_fit_seconds, max_failures, on_error;
                                    # isolate = true: each fit in a process that it may end
  selection = \"best\"                # the default; or \"one_standard_error\", or a share such as 0.01:
                                    # the simplest candidate within reach of the best
  [evaluator]                       # or several [[evaluator]]; the first ranks the candidates;
                                    # default: regression with its defaults
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
    /// Try every candidate of a grid and fit the best one on all rows.
    #[command(after_help = CONFIGURATION)]
    Tune(TuneArgs),
    /// Fit a pipeline on all rows, without a grid.
    #[command(
        after_help = "Example:\n  luthier fit pipeline.toml --model model.json\n\nThe configuration is that of `luthier tune` without [grid]. With `test` in [data], the test rows are left out, as by `luthier tune`, and the model is scored on them; otherwise [search] and [evaluator] are ignored."
    )]
    Fit(FitArgs),
    /// Append the columns of a fitted pipeline to the rows of a file.
    #[command(
        after_help = "Example:\n  luthier predict out/model.json new.csv --out predictions.parquet --columns id,prediction\n\nThe file must have the columns of the features; it needs no label. In CSV, a vector v becomes the columns v_0, v_1, …, and the cells of a CSV file are copied unchanged. Without --out, the rows are written as CSV to standard output, and notes to standard error. Use `-` for standard input."
    )]
    Predict(PredictArgs),
    /// Score a fitted pipeline on the rows of a file.
    #[command(
        after_help = "Examples:\n  luthier evaluate out/model.json test.csv\n  luthier evaluate out/model.json test.csv --curves out\n  luthier evaluate out/model.json test.csv --metric rmse,mae --set weight_col=w\n\nBy default, the label is that of the configuration with which the model was fitted. `luthier stages NAME` lists the parameters of an evaluator, including its metrics."
    )]
    Evaluate(EvaluateArgs),
    /// Split the rows of a file into a training file and a test file.
    #[command(
        after_help = "Examples:\n  luthier split data.csv --out-train train.csv --out-test test.csv\n  luthier split data.csv --out-train train.csv --out-test test.csv --test-ratio 0.3 --stratify species --seed 7\n  luthier split visits.parquet --out-train train.parquet --out-test test.parquet --group patient\n  luthier split sales/ --out-train train.csv --out-test test.csv --time date\n\nRows keep their order, and the cells of a CSV file are copied unchanged. The same seed gives the same split."
    )]
    Split(SplitArgs),
    /// Write the report of a search as one HTML file, also beside that of another search.
    #[command(
        after_help = "Examples:\n  luthier report out\n  luthier report out --compare earlier --out both.html\n  luthier report out --plots pictures\n\nThe folder is one that `luthier tune --out` has written."
    )]
    Report(ReportArgs),
    /// Show the stages of a fitted pipeline: their parameters and what they learned.
    #[command(after_help = "Example:\n  luthier inspect out/model.json --json")]
    Inspect(InspectArgs),
    /// Serve the predictions of a fitted pipeline over HTTP, as JSON.
    #[cfg(feature = "serve")]
    #[command(
        after_help = "Example:\n  luthier serve out/model.json &\n  curl -s localhost:8080/model\n  curl -s localhost:8080/predict -d '{\"x2\": 0.05, \"x3\": 0.06}'\n\nGET /model lists the columns that a row must have. POST /predict takes a row or a list of rows. GET /metrics has counters for Prometheus. An answer that is an error says why as {\"error\": …}; 503 means to try again.\n\nThe service uses plain HTTP without authentication: it belongs behind a proxy. Ctrl-C (or SIGTERM) stops it after what is being answered; the second time, at once."
    )]
    Serve(ServeArgs),
    /// Write what a search needs to know of rows to a file that holds no rows.
    #[command(
        after_help = "Example, at each of two sites and then anywhere:\n  luthier summarize search.toml oslo.csv --out oslo.lsum\n  luthier summarize search.toml bergen.csv --out bergen.lsum\n  luthier tune search.toml oslo.lsum bergen.lsum --out out\n\nThe search is the one over all rows, bit for bit, each site being split by itself. It has to follow from summaries, such as linear regression and PCA behind scalers; what needs rows is named before anything is written. `method = \"leave_one_shard_out\"` in [search] holds out one site after the other."
    )]
    Summarize(SummarizeArgs),
    /// List the parts that a configuration can name, or the parameters of one part.
    #[command(after_help = "Example:\n  luthier stages linear_regression")]
    Stages(StagesArgs),
}

/// A number of seconds above 0.
fn seconds(text: &str) -> Result<Duration, String> {
    let time = text.parse().ok().and_then(positive_time);
    time.ok_or_else(|| "expected a number of seconds above 0".to_owned())
}

#[derive(Debug, ClapArgs)]
pub(crate) struct TuneArgs {
    /// The configuration file.
    pub(crate) config: PathBuf,
    /// Search over rows that are elsewhere: files that `luthier summarize` has written. The rows of the configuration are not read.
    #[arg(value_name = "SUMMARIES")]
    pub(crate) summaries: Vec<PathBuf>,
    /// Directory for report.html, results.csv, results.json, model.json, events.json, trace.json and summaries.lsum; created if missing.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Add the rows of a file to those of the last search in DIR, which are not read again. The result is the one of a search over all rows with
    /// `shards = true` in [data].
    #[arg(long, requires = "out", value_name = "FILE")]
    pub(crate) append: Vec<PathBuf>,
    /// Compute all scores anew. Otherwise those in DIR/journal are taken, which the same search or one with other candidates has left
    /// there, also if it was interrupted.
    #[arg(long, requires = "out")]
    pub(crate) fresh: bool,
    /// Work together with other processes that run the same command: each score is computed by one of them, and those of a process
    /// that dies by another. All of them end with the same results.
    #[arg(long, requires = "out", conflicts_with = "fresh")]
    pub(crate) join: bool,
    /// Fit and score in processes of their own, as many as `parallelism`, so that a fit that ends its process (a stack overflow, an
    /// abort, too much memory) costs its row of the results and not the search; overrides the configuration.
    #[arg(long)]
    pub(crate) isolate: bool,
    /// A CSV or Parquet file for the predictions of the best candidate for the rows that each fold held out: `row` counts the
    /// rows of the search from 0, without test rows and those that [data] leaves out; `place` is the place of the row in its file.
    #[arg(long, value_name = "FILE")]
    pub(crate) out_of_fold: Option<PathBuf>,
    /// The largest number of units that run at the same time; overrides the configuration.
    #[arg(long, value_name = "N|auto")]
    pub(crate) parallelism: Option<Parallelism>,
    /// The longest time that scoring may take, in seconds; overrides the configuration.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) max_seconds: Option<Duration>,
    /// The longest time that a fit may take, in seconds; overrides the configuration.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) max_fit_seconds: Option<Duration>,
    /// The number of fits that may fail before the search ends; overrides the configuration.
    #[arg(long, value_name = "N")]
    pub(crate) max_failures: Option<u64>,
    /// The executor that runs the units of work: thread_pool, rayon, serial, or another registered one; overrides the
    /// configuration.
    #[arg(long, value_name = "NAME")]
    pub(crate) executor: Option<String>,
    /// Print the plan of the search without running it.
    #[arg(long)]
    pub(crate) explain: bool,
    /// Show no progress.
    #[arg(long)]
    pub(crate) quiet: bool,
    /// Print lines of JSON in place of tables: each event as it happens, and then the result.
    #[arg(long, conflicts_with = "explain")]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SummarizeArgs {
    /// The configuration file of the search.
    pub(crate) config: PathBuf,
    /// The rows: a CSV or Parquet file, a folder or a glob [default: those of the configuration].
    pub(crate) data: Option<PathBuf>,
    /// The file to write.
    #[arg(long, value_name = "FILE.lsum")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct FitArgs {
    /// The configuration file.
    pub(crate) config: PathBuf,
    /// The file to which the fitted pipeline is written.
    #[arg(long, value_name = "FILE")]
    pub(crate) model: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PredictArgs {
    /// A fitted pipeline.
    pub(crate) model: PathBuf,
    /// The rows to predict: a CSV or Parquet file, a folder or a glob; - for standard input.
    pub(crate) data: PathBuf,
    /// The file to write: .csv (also .csv.gz, .csv.zst) or .parquet (.pq); - writes CSV to standard output.
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(crate) out: PathBuf,
    /// The columns to write, in this order, including any that a stage appends [default: the columns of the file, the
    /// prediction and the probabilities].
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub(crate) columns: Option<Vec<String>>,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct EvaluateArgs {
    /// A fitted pipeline.
    pub(crate) model: PathBuf,
    /// The rows to score, with their labels: a CSV or Parquet file, a folder or a glob; - for standard input.
    pub(crate) data: PathBuf,
    /// The evaluator: regression, binary_classification, multiclass_classification, or another registered one [default:
    /// those that suit the columns that the model appends].
    #[arg(long, value_name = "NAME")]
    pub(crate) evaluator: Option<String>,
    /// The metrics [default: all metrics of the evaluator].
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub(crate) metric: Vec<String>,
    /// The label column [default: that of the configuration].
    #[arg(long, value_name = "NAME")]
    pub(crate) label: Option<String>,
    /// How to treat rows without a label: error or drop [default: that of the configuration].
    #[arg(long, value_name = "WHAT", value_parser = MissingLabel::parse)]
    pub(crate) missing_label: Option<MissingLabel>,
    /// Sets a parameter of the evaluator; may be given several times.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// Directory for roc.csv, pr.csv, thresholds.csv and calibration.csv (two classes only); created if missing.
    #[arg(long, value_name = "DIR")]
    pub(crate) curves: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SplitArgs {
    /// The rows: a CSV or Parquet file, a folder or a glob; - for standard input.
    pub(crate) data: PathBuf,
    /// The file for the training rows: .csv (also .csv.gz, .csv.zst) or .parquet (.pq); - writes CSV to standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) out_train: PathBuf,
    /// The file for the test rows.
    #[arg(long, value_name = "FILE")]
    pub(crate) out_test: PathBuf,
    /// The fraction of the rows that become test rows, between 0 and 1.
    #[arg(long, value_name = "RATIO", default_value_t = 0.2)]
    pub(crate) test_ratio: f64,
    /// Seed for choosing the test rows.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// A column of classes, whose proportions are kept the same in both files.
    #[arg(long, value_name = "COLUMN", conflicts_with_all = ["group", "time"])]
    pub(crate) stratify: Option<String>,
    /// A column of groups, such as patients: the rows of a group stay together.
    #[arg(long, value_name = "COLUMN", conflicts_with = "time")]
    pub(crate) group: Option<String>,
    /// A column of times (dates, timestamps or numbers): the latest rows become test rows. Rows of the same time stay
    /// together.
    #[arg(long, value_name = "COLUMN", conflicts_with = "seed")]
    pub(crate) time: Option<String>,
    /// How the dates of --time are written, such as %d.%m.%Y [default: as 2024-02-29 or 2024-02-29T12:30].
    #[arg(long, value_name = "PATTERN", requires = "time")]
    pub(crate) time_format: Option<String>,
    /// Leaves out the rows without a value in a column: they are in neither file. May be given several times.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) drop_nulls: Vec<String>,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

/// How the file is read.
#[derive(Debug, ClapArgs)]
#[command(
    next_help_heading = "Reading the file (default: as when the model was fitted; for split: detected)"
)]
pub(crate) struct ReadArgs {
    /// The format, csv or parquet [default: by the file extension].
    #[arg(long, value_name = "FORMAT", value_parser = Format::parse)]
    format: Option<Format>,
    /// The character that separates the cells of a CSV file, such as ';' or '\t'.
    #[arg(long, value_name = "CHAR", value_parser = reading::delimiter)]
    delimiter: Option<char>,
    /// The CSV file has no header line.
    #[arg(long, conflicts_with = "header")]
    no_header: bool,
    /// The CSV file has a header line.
    #[arg(long)]
    header: bool,
    /// The number of lines to skip before the header of a CSV file.
    #[arg(long, value_name = "N")]
    skip_lines: Option<u64>,
    /// A cell that means a missing value, as the empty cell does; may be given several times. These replace the ones that
    /// are known otherwise (NA, ?, …).
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    null_value: Vec<String>,
    /// The decimal separator of numbers in a CSV file.
    #[arg(long, value_name = "CHAR", value_parser = |text: &str| reading::character("decimal", text))]
    decimal: Option<char>,
    /// The thousands separator of numbers in a CSV file.
    #[arg(long, value_name = "CHAR", value_parser = |text: &str| reading::character("thousands", text))]
    thousands: Option<char>,
    /// The character with which comment lines begin.
    #[arg(long, value_name = "CHAR", value_parser = |text: &str| reading::character("comment", text))]
    comment: Option<char>,
    /// The encoding of a CSV file, such as latin1 or utf-16le.
    #[arg(long, value_name = "NAME")]
    encoding: Option<String>,
    /// The type of a column of a CSV file: text, number, integer or bool; may be given several times.
    #[arg(long = "type", value_name = "COLUMN=TYPE", value_parser = declared_type)]
    types: Vec<(String, DeclaredType)>,
    /// The largest number of bytes of text to read [default: 4 GiB for a pipe, no limit for a file].
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
pub(crate) struct ReportArgs {
    /// A folder that `luthier tune --out` has written.
    pub(crate) folder: PathBuf,
    /// The folder of another search, to show both on one axis of time.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) compare: Option<PathBuf>,
    /// Write each plot as SVG into this folder instead of the page; created if missing.
    #[arg(long, value_name = "FOLDER", conflicts_with = "out")]
    pub(crate) plots: Option<PathBuf>,
    /// Draw the plots on a dark ground.
    #[arg(long, requires = "plots")]
    pub(crate) dark: bool,
    /// Where to write the page [default: report.html in the folder, or compare.html beside another search].
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
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
    /// The address to listen on. With port 0, the system chooses a free port.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    pub(crate) address: std::net::SocketAddr,
    /// The largest number of connections that are open at a time; others wait [default: the files that the process may still open,
    /// less 16, and at most 4096].
    #[arg(long, value_name = "N")]
    pub(crate) max_connections: Option<NonZero<usize>>,
    /// The largest number of predictions that are computed at a time [default: the number of cores].
    #[arg(long, value_name = "N")]
    max_predictions: Option<NonZero<usize>>,
    /// The largest body of a request, in bytes [default: 2097152].
    #[arg(long, value_name = "N")]
    max_body_bytes: Option<usize>,
    /// The longest time, in seconds, that a client may take to send the head of a request, to send its body, and to take the
    /// answer, each as a whole [default: 10].
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    max_request_seconds: Option<Duration>,
    /// The longest time between two requests of a connection, in seconds [default: 75].
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    max_idle_seconds: Option<Duration>,
    /// The longest time that a request may wait for its prediction, in seconds [default: 30].
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    max_predict_seconds: Option<Duration>,
    /// The longest time, in seconds, for what is being answered when the service is stopped [default: 10].
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    max_stop_seconds: Option<Duration>,
}

#[cfg(feature = "serve")]
impl ServeArgs {
    /// The limits that are given, and the defaults of the others.
    pub(crate) fn limits(&self) -> Limits {
        fn given<T>(limits: Limits, value: Option<T>, set: impl FnOnce(Limits, T) -> Limits) -> Limits {
            match value {
                Some(value) => set(limits, value),
                None => limits,
            }
        }
        let limits = Limits::default();
        let limits = given(limits, self.max_connections.map(NonZero::get), Limits::max_connections);
        let limits = given(limits, self.max_predictions.map(NonZero::get), Limits::max_predictions);
        let limits = given(limits, self.max_body_bytes, Limits::max_body_bytes);
        let limits = given(limits, self.max_request_seconds, Limits::max_request_time);
        let limits = given(limits, self.max_idle_seconds, Limits::max_idle_time);
        let limits = given(limits, self.max_predict_seconds, Limits::max_predict_time);
        given(limits, self.max_stop_seconds, Limits::max_stop_time)
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct StagesArgs {
    /// The name of a stage, evaluator, splitter or executor.
    pub(crate) name: Option<String>,
}
