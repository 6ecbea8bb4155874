//! Checks that no feature is computed from a label.

use std::collections::{BTreeMap, HashMap};
use std::{fmt, slice};

use luthier_frame::Schema;

use crate::params::{ColumnRole, ParamInfo};
use crate::stage::DynEstimator;
use crate::{Error, Result};

/// A stage and its address.
type Named<'a> = (String, &'a dyn DynEstimator);

/// The column that another one is made of, and the stage that took it first; `None` where it was made before.
#[derive(Debug, Clone, Copy)]
struct Origin<'a> {
    column: &'a str,
    stage: Option<&'a str>,
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
    let columns: Vec<Columns> = leaves.iter().map(|(_, stage)| Columns::of(*stage)).collect();
    let given = no_features.iter().map(|(column, what)| (column.as_str(), Known::Given(what)));
    let mut known: BTreeMap<&str, Known<'_>> = given.collect();
    let mut labels: Vec<&str> = Vec::new();
    for ((name, _), columns) in leaves.iter().zip(&columns) {
        for role in ColumnRole::ALL.into_iter().filter(|role| role.is_no_feature()) {
            for column in columns.of_role(role) {
                if role == ColumnRole::Label {
                    labels.push(column);
                }
                known.entry(column).or_insert(Known::OfStage(role, name));
            }
        }
    }
    let made_by: Vec<_> = columns.iter().map(Columns::makes).collect();
    // What alone a label is made of tells the label as well.
    for (output, inputs) in made_by.iter().rev().flatten() {
        if let [input] = inputs.as_slice()
            && labels.contains(output)
            && !known.contains_key(input)
        {
            known.insert(input, Known::Source(output));
            labels.push(input);
        }
    }
    let mut made: HashMap<&str, Origin<'_>> = HashMap::new();
    for column in known.keys() {
        for vector in vectors.get(*column).into_iter().flatten() {
            made.entry(vector).or_insert(Origin { column, stage: None });
        }
    }
    for (((name, _), columns), makes) in leaves.iter().zip(&columns).zip(&made_by) {
        let name = name.as_str();
        let origin = |column: &str| origin(column, name, &known, &made);
        if columns.of_role(ColumnRole::Label).is_empty() {
            let found = |(output, inputs): &(_, Vec<&str>)| {
                Some((*output, inputs.iter().find_map(|input| origin(input))?))
            };
            let outputs: Vec<_> = makes.iter().filter_map(found).collect();
            made.extend(outputs);
            continue;
        }
        for column in columns.of_role(ColumnRole::Input) {
            let Some(Origin { column: source, stage: taken_by }) = origin(column) else { continue };
            let through = match taken_by {
                Some(stage) if stage == name => String::new(),
                _ => format!(", and stage `{name}` predicts from `{column}`, which is computed from it"),
            };
            let role = known.get(source).map(ToString::to_string).unwrap_or_default();
            let error = Error::NoFeature { column: source.to_owned(), role, through };
            return Err(error.in_stage(taken_by.unwrap_or(name)));
        }
    }
    Ok(())
}

/// What a column that a stage takes is made of, if that is no feature.
fn origin<'a>(
    column: &str,
    stage: &'a str,
    known: &BTreeMap<&'a str, Known<'a>>,
    made: &HashMap<&'a str, Origin<'a>>,
) -> Option<Origin<'a>> {
    match known.get_key_value(column) {
        Some((column, _)) => Some(Origin { column, stage: Some(stage) }),
        None => made.get(column).copied(),
    }
}

/// Why a column is no feature.
#[derive(Debug)]
enum Known<'a> {
    /// As the caller says.
    Given(&'a str),
    /// A stage names it in this role.
    OfStage(ColumnRole, &'a str),
    /// This label is made of it.
    Source(&'a str),
}

impl fmt::Display for Known<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(what) => f.write_str(what),
            Self::OfStage(role, stage) => write!(f, "the {role} of stage `{stage}`"),
            Self::Source(label) => write!(f, "the source of the label `{label}`"),
        }
    }
}

/// The columns that the parameters of a stage name, and those of its children.
struct Columns {
    own: Vec<(&'static ParamInfo, Vec<String>)>,
    children: Vec<Columns>,
}

impl Columns {
    fn of(stage: &dyn DynEstimator) -> Self {
        let value = |name: &str| stage.get_value(name).ok();
        let named = |info| (info, ColumnRole::columns_of(slice::from_ref(info), value, |_| true));
        Self {
            own: stage.param_infos().iter().filter(|info| info.column.is_some()).map(named).collect(),
            children: stage.children().all().iter().map(|child| Self::of(child.stage())).collect(),
        }
    }

    fn of_role(&self, role: ColumnRole) -> Vec<&str> {
        let own = self.own.iter().filter(|(info, _)| info.column == Some(role)).flat_map(|(_, names)| names);
        let children = self.children.iter().flat_map(|child| child.of_role(role));
        own.map(String::as_str).chain(children).collect()
    }

    /// The columns that the stage appends, each with those it is made of.
    fn makes(&self) -> Vec<(&str, Vec<&str>)> {
        let inputs = || self.own.iter().filter(|(info, _)| info.column == Some(ColumnRole::Input));
        let lists = inputs().all(|(info, _)| info.is_list());
        let inputs: Vec<&str> = inputs().flat_map(|(_, names)| names).map(String::as_str).collect();
        let mut all = Vec::new();
        for (info, outputs) in &self.own {
            if !info.column.is_some_and(ColumnRole::is_appended) {
                continue;
            }
            let paired = lists && info.is_list() && outputs.len() == inputs.len();
            all.extend(outputs.iter().enumerate().map(|(place, output)| match inputs.get(place) {
                Some(input) if paired => (output.as_str(), vec![*input]),
                _ => (output.as_str(), inputs.clone()),
            }));
        }
        all.extend(self.children.iter().flat_map(Self::makes));
        all
    }
}
