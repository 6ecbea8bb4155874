//! `luthier-serve MODEL.json`: a saved model as a service.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use luthier::core::PipelineModel;
use tokio::net::TcpListener;

/// Serves a saved model: POST rows as JSON to /predict, GET /model says what a row is.
#[derive(Debug, Parser)]
struct Args {
    /// The model: a file that `luthier tune --out`, `luthier fit` or `PipelineModel::save` wrote.
    model: PathBuf,
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:8080")]
    address: SocketAddr,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let args = Args::parse();
    let model = PipelineModel::load(&args.model)?;
    let service = luthier_serve::service(&model).with_context(|| args.model.display().to_string())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_io().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(args.address)
            .await
            .with_context(|| format!("cannot listen on {}", args.address))?;
        println!("listening on http://{}", listener.local_addr()?);
        luthier_serve::serve(listener, service).await
    })
}
