//! The program `luthier`: tune, fit and apply pipelines that a configuration file describes.
//!
//! It is also a library. A crate with its own parts can build its own `luthier`, in which configurations can name
//! these parts:
//!
//! ```no_run
//! use luthier_cli as _; // replace this by `use my_crate as _;`
//!
//! fn main() -> std::process::ExitCode {
//!     luthier_cli::main()
//! }
//! ```

mod args;
mod build;
mod command;
mod config;
mod data;
mod failure;
mod interrupt;
mod isolate;
mod journal;
mod method;
mod model_file;
mod output;
mod paths;
mod place;
mod prepare;
mod results;
mod roles;
mod scores;
mod search_report;
mod select;
#[cfg(feature = "serve")]
pub mod service;
mod settings;
mod shards;
mod test_score;
mod unread;

// A crate that is not mentioned is not linked, and its stages would not be registered.
use luthier::stages as _;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use luthier::core::registry;

use args::{Args, Command};

/// Runs the program with the arguments of the process.
///
/// The exit code is 0 on success, 1 after an error, which is printed to stderr, 2 after wrong usage, and 130 after a search or a service that was interrupted.
pub fn main() -> ExitCode {
    run(std::env::args_os())
}

/// As [`main`], for the program that has only the built-in parts: its errors about unknown names do not mention linking
/// other crates.
#[doc(hidden)]
pub fn plain_main() -> ExitCode {
    registry::close();
    main()
}

/// Runs the program with these arguments; the first one is the name of the program.
pub fn run(args: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> ExitCode {
    let args = match Args::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => {
            // If help cannot be printed, there is nobody to read it.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    if matches!(args.command, Command::Predict(_) | Command::Evaluate(_) | Command::Split(_)) {
        settings::are_flags();
    }
    let starts_threads =
        !matches!(args.command, Command::Inspect(_) | Command::Report(_) | Command::Stages(_));
    let ready = if starts_threads { luthier::core::require_threads() } else { Ok(()) };
    let done = ready.map_err(anyhow::Error::from).and_then(|()| match args.command {
        Command::Tune(args) => command::tune::run(&args),
        Command::Fit(args) => command::fit::run(&args),
        Command::Evaluate(args) => command::evaluate::run(&args),
        Command::Predict(args) => command::predict::run(&args),
        Command::Split(args) => command::split::run(&args),
        Command::Inspect(args) => command::inspect::run(&args),
        Command::Report(args) => command::report::run(&args),
        #[cfg(feature = "serve")]
        Command::Serve(args) => command::serve::run(&args),
        Command::Stages(args) => command::stages::run(&args),
        Command::Summarize(args) => command::summarize::run(&args),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::error(&failure::message(&error));
            match error.is::<failure::Interrupted>() {
                true => ExitCode::from(interrupt::EXIT_CODE),
                false => ExitCode::FAILURE,
            }
        }
    }
}
