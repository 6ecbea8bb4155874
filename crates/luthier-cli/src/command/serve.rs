//! `luthier serve`

use anyhow::{Context, Result};

use crate::args::ServeArgs;
use crate::failure::Interrupted;
use crate::model_file;
use crate::output::{note, print};
use crate::service::limits::descriptors_left;
use crate::service::serving::Outcome;
use crate::service::signals::Signals;
use crate::service::{listen, serve_between, service};

pub(crate) fn run(args: &ServeArgs) -> Result<()> {
    let model = model_file::load(&args.model)?;
    let service = model
        .of_named_columns()
        .and_then(|model| service(&model))
        .with_context(|| args.model.display().to_string())?
        .limits(args.limits());
    if let (Some(connections), Some(left)) = (args.max_connections, descriptors_left())
        && connections.get() >= left
    {
        note(&format!(
            "--max-connections is {connections}, but only {left} more files may be open: raise the limit (`ulimit -n`)"
        ));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(async {
        let signals = Signals::new().context("cannot listen for Ctrl-C")?;
        let listener = listen(args.address).with_context(|| format!("cannot listen on {}", args.address))?;
        print(&format!("listening on http://{}\n", listener.local_addr()?))?;
        let stop = async {
            signals.next().await;
            note("stopping; requests that are being answered are finished (once more: end at once)");
        };
        anyhow::Ok(serve_between(listener, service, stop, signals.next()).await)
    });
    // A prediction that took too long may still be computed.
    runtime.shutdown_background();
    match outcome? {
        Outcome::Stopped => Ok(()),
        Outcome::Interrupted => {
            Err(Interrupted("interrupted before all requests were answered".to_owned()).into())
        }
    }
}
