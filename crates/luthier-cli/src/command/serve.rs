//! `luthier serve`

use anyhow::{Context, Result};
use tokio::net::TcpListener;

use crate::args::ServeArgs;
use crate::model_file;
use crate::output::print;
use crate::service::{serve, service};

pub(crate) fn run(args: &ServeArgs) -> Result<()> {
    let model = model_file::load(&args.model)?;
    let service = model
        .of_named_columns()
        .and_then(|model| service(&model))
        .with_context(|| args.model.display().to_string())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(args.address)
            .await
            .with_context(|| format!("cannot listen on {}", args.address))?;
        print(&format!("listening on http://{}\n", listener.local_addr()?))?;
        serve(listener, service).await
    })
}
