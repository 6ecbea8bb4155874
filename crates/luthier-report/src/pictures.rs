//! The plots of a report as pictures, without a browser.

use rquickjs::{CatchResultExt, Context, Ctx, Runtime};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::page;

/// The engine's stack: the charts nest calls deeply.
const STACK: usize = 16 << 20;

/// A plot of a report as SVG.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Picture {
    /// The name of the plot, such as `timeline` or `score-0`.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What it shows, in sentences.
    pub description: String,
    /// The picture: a whole SVG file.
    pub svg: String,
}

/// How pictures are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PictureOptions {
    /// The width of each picture in pixels.
    pub width: u32,
    /// Whether the ground is dark.
    pub is_dark: bool,
}

/// 900 pixels wide, on a light ground.
impl Default for PictureOptions {
    fn default() -> Self {
        Self { width: 900, is_dark: false }
    }
}

/// The plots of a report's [document](crate::Report::document_of) as SVG, drawn by the scripts of the page in a small JavaScript engine.
///
/// # Errors
/// What the engine says; a document that is not one of a report.
pub fn pictures(document: &Json, options: PictureOptions) -> Result<Vec<Picture>, String> {
    let (document, options) = (document.to_string(), serde_json::json!(options).to_string());
    // On a stack of its own, because that of a thread may be too small for the engine.
    let drawing = std::thread::Builder::new()
        .stack_size(2 * STACK)
        .spawn(move || drawn(&document, &options))
        .map_err(|error| error.to_string())?;
    let drawn = drawing.join().map_err(|_| "the JavaScript engine panicked".to_owned())??;
    serde_json::from_str(&drawn).map_err(|error| error.to_string())
}

fn drawn(document: &str, options: &str) -> Result<String, String> {
    let runtime = Runtime::new().map_err(|error| error.to_string())?;
    runtime.set_max_stack_size(STACK);
    let context = Context::full(&runtime).map_err(|error| error.to_string())?;
    context.with(|ctx| {
        let run = |script: &str| ctx.eval::<(), _>(script).catch(&ctx).map_err(|error| error.to_string());
        // Nothing waits, and nothing depends on chance.
        run("globalThis.setTimeout = () => 0; globalThis.clearTimeout = () => {}; Math.random = () => 0.5;")?;
        page::SCRIPTS.iter().try_for_each(|script| run(script))?;
        call(&ctx, document, options)
    })
}

fn call(ctx: &Ctx<'_>, document: &str, options: &str) -> Result<String, String> {
    let told = |error: rquickjs::Error| error.to_string();
    ctx.globals().set("source", document).map_err(told)?;
    ctx.globals().set("options", options).map_err(told)?;
    let draw = "JSON.stringify(luthier.svg(JSON.parse(source), JSON.parse(options)))";
    ctx.eval::<String, _>(draw).catch(ctx).map_err(|error| error.to_string())
}
