//! `luthier stages`

use anyhow::{Result, anyhow};
use luthier::core::params::{ParamInfo, closest};
use luthier::core::registry::{self, EvaluatorEntry, StageEntry};
use luthier::report::{Align, table_within};
use luthier::tune::{ExecutorEntry, SplitterEntry, StrategyEntry};

use crate::args::StagesArgs;
use crate::config::COLUMN_TRANSFORMER;
use crate::method::{Method, methods};
use crate::output::{line_width, print};

/// A registered part of any kind.
struct Part {
    kind: &'static str,
    name: &'static str,
    module: &'static str,
    doc: &'static str,
    params: Vec<ParamInfo>,
}

macro_rules! parts {
    ($entry:ty, $kind:expr) => {
        registry::entries::<$entry>()?.into_values().map(|entry| Part {
            kind: $kind(&entry),
            name: entry.name,
            module: entry.module,
            doc: entry.doc,
            params: (entry.params)().to_vec(),
        })
    };
}

fn parts() -> Result<Vec<Part>> {
    let stage = |entry: &StageEntry| match entry.create().as_model() {
        Some(_) => "transformer",
        None => "estimator",
    };
    let stages = parts!(StageEntry, stage);
    let column_transformer = Part {
        kind: "estimator",
        name: COLUMN_TRANSFORMER,
        module: env!("CARGO_CRATE_NAME"),
        doc: "Sends groups of columns through their own stages and assembles the results into one vector.",
        params: Vec::new(),
    };
    let mut stages: Vec<Part> = stages.chain([column_transformer]).collect();
    stages.sort_by_key(|part| part.name);
    let evaluators = parts!(EvaluatorEntry, |_: &EvaluatorEntry| "evaluator");
    let splitters = parts!(SplitterEntry, |_: &SplitterEntry| "splitter");
    let strategies = parts!(StrategyEntry, |_: &StrategyEntry| "strategy");
    let executors = parts!(ExecutorEntry, |_: &ExecutorEntry| "executor");
    let methods = methods()?.into_iter().map(|Method { name, doc, params }| Part {
        kind: "search",
        name,
        module: env!("CARGO_CRATE_NAME"),
        doc,
        params,
    });
    Ok(stages
        .into_iter()
        .chain(evaluators)
        .chain(methods)
        .chain(splitters)
        .chain(strategies)
        .chain(executors)
        .collect())
}

pub(crate) fn run(args: &StagesArgs) -> Result<()> {
    let parts = parts()?;
    let Some(name) = &args.name else { return print(&list(&parts)) };
    let found: Vec<&Part> = parts.iter().filter(|part| part.name == name).collect();
    if found.is_empty() {
        let names = || parts.iter().map(|part| part.name);
        let hint = closest(name, names()).map(|near| format!(", did you mean `{near}`?"));
        return Err(anyhow!(
            "no part is registered as `{name}`{}; the registered parts are: {}{}",
            hint.unwrap_or_default(),
            names().collect::<Vec<_>>().join(", "),
            registry::linking_advice()
        ));
    }
    print(&found.into_iter().map(describe).collect::<Vec<_>>().join("\n"))
}

fn list(parts: &[Part]) -> String {
    let columns = [("name", Align::Left), ("kind", Align::Left), ("what it does", Align::Left)];
    let row = |part: &Part| vec![part.name.to_owned(), part.kind.to_owned(), part.doc.to_owned()];
    format!(
        "{}\n`luthier stages NAME` lists the parameters of one of them.\n",
        table_within(&columns, &parts.iter().map(row).collect::<Vec<_>>(), line_width())
    )
}

fn describe(part: &Part) -> String {
    let Part { kind, name, module, doc, params } = part;
    let mut text = format!("{name}: {kind} of {module}\n{doc}\n\n");
    let entry = registry::find::<StageEntry>(name).ok().filter(|_| *kind == "estimator");
    let has_stages = entry.is_some_and(|entry| entry.create().children().are_possible());
    if has_stages {
        text.push_str("Its stages are tables [[stage.stage]].\n");
    }
    if params.is_empty() {
        text.push_str(match *name {
            _ if has_stages => "",
            COLUMN_TRANSFORMER => {
                "Its parts are tables [[stage.part]], each with a name, columns and stages [[stage.part.stage]]. The\n\
                 columns of these stages are set by the transformer.\n\
                 Further keys: passthrough, columns that go into the vector unchanged, and output_col, the name of\n\
                 the vector (default: features).\n\n\
                 In a grid, a parameter is addressed by the names of the transformer, the part and the stage, then\n\
                 its own, joined by dots: \"prepare.numbers.imputer.strategy\" is the parameter `strategy` of the\n\
                 stage `imputer` in the part `numbers` of the transformer `prepare`. A stage without a `name` is\n\
                 named after its type.\n"
            }
            _ => "It has no parameters.\n",
        });
        return text;
    }
    let columns = ["parameter", "type", "range", "default", "what it does"].map(|name| (name, Align::Left));
    let row = |info: &ParamInfo| {
        let choices = (info.choices)();
        let range = match info.range {
            Some(range) => range.to_owned(),
            None => choices.join(" | "),
        };
        let default = match info.default_value() {
            Some(value) => value.to_string(),
            None if info.required => "required".to_owned(),
            None => "none".to_owned(),
        };
        let type_name = match info.column {
            Some(role) => {
                format!("{} ({role} column{})", (info.type_name)(), if info.is_list() { "s" } else { "" })
            }
            None => (info.type_name)(),
        };
        let order = info.simpler.map(|order| format!(" ({order})")).unwrap_or_default();
        vec![info.name.to_owned(), type_name, range, default, format!("{}{order}", info.summary())]
    };
    text.push_str(&table_within(&columns, &params.iter().map(row).collect::<Vec<_>>(), line_width()));
    text
}
