//! Checks that no feature is computed from a label.

use std::collections::{BTreeMap, HashMap};

use luthier_frame::Schema;

use crate::params::ColumnRole;
use crate::stage::DynEstimator;
use crate::{Error, Result};

/// A stage and its address.
type Named<'a> = (String, &'a dyn DynEstimator);

/// The column that another one is made of, and the stage that took it first; `None` where it was made before.
#[derive(Debug, Clone)]
struct Origin {
    column: String,
    stage: Option<String>,
}

/// The check that no stage which fits a label predicts from a column that is made of a label, a weight or a fold.
///
/// A column is followed from stage to stage by the roles of their parameters: where inputs and outputs are lists of one
/// length, each output is made of the input at its position, else of all inputs. Only a stage that fits a label has
/// features, so a `string_indexer` may well take a label; the column it appends is a label then. Vectors that are in the
/// frame already are made of the columns that their features are named after.
///
/// ```
/// use luthier_core::frame::{Column, DataFrame};
/// use luthier_core::LabelGuard;
///
/// let frame = DataFrame::from_columns(vec![("x", Column::f64(vec![1.0])), ("y", Column::f64(vec![2.0]))])?;
/// let guard = LabelGuard::of(frame.with_vector("features", &["x", "y"])?.schema());
/// # let stage = luthier_core::Pipeline::new();
/// assert!(guard.check(&stage).is_ok()); // an error for a `stage` that predicts `y` from `features`
/// # Ok::<(), luthier_core::Error>(())
/// ```
#[derive(Debug, Default, Clone)]
pub struct LabelGuard {
    no_features: BTreeMap<String, String>,
    /// The vectors in which a feature of this name is.
    vectors: HashMap<String, Vec<String>>,
}

impl LabelGuard {
    /// The check of stages that are fitted on rows with these columns.
    pub fn of(schema: &Schema) -> Self {
        let mut vectors: HashMap<String, Vec<String>> = HashMap::new();
        for field in schema.fields().iter().filter(|field| field.has_feature_names()) {
            for name in field.feature_names().unwrap_or_default() {
                vectors.entry(name).or_default().push(field.name().to_owned());
            }
        }
        Self { no_features: BTreeMap::new(), vectors }
    }

    /// The same with more columns that are no features; each with what it is ("the label").
    #[must_use]
    pub fn and(self, no_features: &BTreeMap<String, String>) -> Self {
        Self { no_features: no_features.clone(), ..self }
    }

    /// Checks a stage, or all stages of a pipeline.
    ///
    /// # Errors
    /// The stage that took the column, and what the column is.
    pub fn check(&self, root: &dyn DynEstimator) -> Result<()> {
        check_features(&root.leaves(), &self.no_features, &self.vectors)
    }
}

fn check_features(
    leaves: &[Named<'_>],
    no_features: &BTreeMap<String, String>,
    vectors: &HashMap<String, Vec<String>>,
) -> Result<()> {
    let mut known = no_features.clone();
    let mut labels = Vec::new();
    for (name, stage) in leaves {
        for role in ColumnRole::ALL.into_iter().filter(|role| role.is_no_feature()) {
            for column in stage.columns_of(role) {
                if role == ColumnRole::Label {
                    labels.push(column.clone());
                }
                known.entry(column).or_insert_with(|| format!("the {role} of stage `{name}`"));
            }
        }
    }
    let made_by: Vec<_> = leaves.iter().map(|(_, stage)| makes(*stage)).collect();
    // What alone a label is made of tells the label as well.
    for (output, inputs) in made_by.iter().rev().flatten() {
        if let [input] = inputs.as_slice()
            && labels.contains(output)
            && !known.contains_key(input)
        {
            known.insert(input.clone(), format!("the source of the label `{output}`"));
            labels.push(input.clone());
        }
    }
    let mut made: HashMap<&str, Origin> = HashMap::new();
    for column in known.keys() {
        let origin = || Origin { column: column.clone(), stage: None };
        vectors.get(column).into_iter().flatten().for_each(|vector| {
            made.entry(vector).or_insert_with(origin);
        });
    }
    for ((name, stage), makes) in leaves.iter().zip(&made_by) {
        let origin = |column: &String| {
            let first = || Origin { column: column.clone(), stage: Some(name.clone()) };
            known.contains_key(column).then(first).or_else(|| made.get(column.as_str()).cloned())
        };
        if stage.columns_of(ColumnRole::Label).is_empty() {
            let outputs: Vec<_> = makes
                .iter()
                .filter_map(|(output, inputs)| Some((output.as_str(), inputs.iter().find_map(origin)?)))
                .collect();
            made.extend(outputs);
            continue;
        }
        for column in stage.columns_of(ColumnRole::Input) {
            let Some(Origin { column: source, stage: taken_by }) = origin(&column) else { continue };
            let through = match &taken_by {
                Some(stage) if stage == name => String::new(),
                _ => format!(", and stage `{name}` predicts from `{column}`, which is computed from it"),
            };
            let role = known.get(&source).cloned().unwrap_or_default();
            let error = Error::NoFeature { column: source, role, through };
            return Err(error.in_stage(taken_by.as_deref().unwrap_or(name)));
        }
    }
    Ok(())
}

/// The columns that a stage appends, each with those it is made of.
fn makes(stage: &dyn DynEstimator) -> Vec<(String, Vec<String>)> {
    let infos = stage.param_infos();
    let value = |name: &str| stage.get_value(name).ok();
    let inputs = ColumnRole::columns_of(infos, value, |role| role == ColumnRole::Input);
    let lists = infos.iter().filter(|info| info.column == Some(ColumnRole::Input)).all(|info| info.is_list());
    let mut all = Vec::new();
    for info in infos.iter().filter(|info| info.column.is_some_and(ColumnRole::is_appended)) {
        let outputs = ColumnRole::columns_of(std::slice::from_ref(info), value, ColumnRole::is_appended);
        let paired = lists && info.is_list() && outputs.len() == inputs.len();
        all.extend(outputs.into_iter().enumerate().map(|(place, output)| match inputs.get(place) {
            Some(input) if paired => (output, vec![input.clone()]),
            _ => (output, inputs.clone()),
        }));
    }
    all.extend(stage.children().all().iter().flat_map(|child| makes(child.stage())));
    all
}
