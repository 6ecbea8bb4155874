//! The column selection of a model.

use anyhow::{Context, Result, anyhow, bail};
use luthier::core::json;
use luthier::frame::{ColumnType, DataFrame, Error, Field, Schema};
use serde::{Deserialize, Serialize};

use crate::config::DataConfig;
use crate::data::{DataSource, MissingLabel, null_of};
use crate::roles::Roles;
use crate::select::{Selected, Selector, as_feature};

/// The vector column that is assembled from the selected columns.
pub(crate) const FEATURES: &str = "features";

/// The columns on which a model was fitted; saved with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Inputs {
    /// The columns that are assembled into `features`, in order; empty if the stages read the columns themselves.
    pub(crate) features: Vec<String>,
    /// Width of `features`.
    pub(crate) num_features: usize,
    /// Column of labels.
    pub(crate) label: Option<String>,
    /// Column of weights.
    pub(crate) weight: Option<String>,
    /// Column of fold numbers.
    pub(crate) fold: Option<String>,
    /// How rows without a label were treated.
    #[serde(default)]
    pub(crate) missing_label: MissingLabel,
}

impl Inputs {
    /// The columns that a configuration selects, and those that a glob would select if they were numbers.
    ///
    /// # Errors
    /// A column that does not exist or has the wrong type; a glob that matches nothing; a name with another role.
    pub(crate) fn select(config: &DataConfig, roles: &Roles, schema: &Schema) -> Result<(Self, Vec<Field>)> {
        for column in config.roles().into_iter().filter_map(|(_, column)| column) {
            schema.require(&column.name).map_err(|e| column.place.error(e))?;
        }
        Self::of_features(config, roles, schema).map_err(|e| config.features.place.error(e))
    }

    fn of_features(config: &DataConfig, roles: &Roles, schema: &Schema) -> Result<(Self, Vec<Field>)> {
        let selector = Selector {
            what: "features",
            schema,
            roles: roles.all(),
            features: true,
            takes: &|field| is_usable(field.column_type()),
            takes_what: "numeric or vector column",
        };
        let Selected { columns: features, passed_over } = selector.select(&config.features.patterns)?;
        for name in &features {
            check_type(schema.require(name).context("features")?).map_err(|error| {
                match config.source.text_among_numbers(name) {
                    Some(cell) => error.context(cell),
                    None => match schema.field(name).and_then(as_feature) {
                        Some(remedy) => anyhow!("{error}: {remedy}"),
                        None => error,
                    },
                }
            })?;
        }
        let num_features = width(&features, schema)?;
        let DataConfig { label, weight, fold, selection, .. } = config;
        let missing_label = selection.missing_label;
        let [label, weight, fold] =
            [label, weight, fold].map(|role| role.as_ref().map(|key| key.name.clone()));
        let passed_over = passed_over.iter().filter_map(|name| schema.field(name).cloned()).collect();
        Ok((Self { features, num_features, label, weight, fold, missing_label }, passed_over))
    }

    /// The frame with the vector column `features`, if any columns are selected; `advice` is for a missing value.
    ///
    /// # Errors
    /// A column that is missing, has another type or width than when the model was fitted, or has a missing value.
    pub(crate) fn assemble(&self, frame: &DataFrame, source: &DataSource, advice: &str) -> Result<DataFrame> {
        if self.features.is_empty() {
            return Ok(frame.clone());
        }
        let schema = frame.schema();
        for field in self.features.iter().filter_map(|name| schema.field(name)) {
            check_type(field).map_err(|error| match source.text_among_numbers(field.name()) {
                Some(cell) => error.context(cell),
                None => error.context(source.name()),
            })?;
        }
        let found = width(&self.features, schema).with_context(|| source.name())?;
        if found != self.num_features {
            bail!(
                "{}: the columns {} have {found} values per row, expected {}",
                source.name(),
                self.features.join(", "),
                self.num_features
            );
        }
        if schema.field(FEATURES).is_some() {
            if self.is_there_already() {
                return Ok(frame.clone());
            }
            bail!(
                "{}: the file has a column `{FEATURES}`, but that is the name of the vector of all selected columns: \
                 select this column only, or rename it",
                source.name()
            );
        }
        let place = |error: Error| match null_of(&error, &|row| source.place_of(row)) {
            Some((column, place)) => {
                anyhow!("{place}: column `{column}` is missing, expected a number: {advice}")
            }
            None => error.into(),
        };
        let names: Vec<&str> = self.features.iter().map(String::as_str).collect();
        let assembled = frame.with_vector(FEATURES, &names).map_err(place)?;
        let nullable = self.features.iter().any(|name| schema.field(name).is_some_and(Field::nullable));
        if !frame.is_in_memory() && !frame.is_absent() && nullable {
            // Missing values are reported before anything else happens.
            let index = assembled.schema().require_index(FEATURES)?;
            for partition in assembled.partitions() {
                partition.batches(Some(&[index]))?.try_for_each(|batch| batch.map(drop)).map_err(place)?;
            }
        }
        Ok(assembled)
    }

    /// Whether the file itself has the vector column `features`, and it is the one selected.
    pub(crate) fn is_there_already(&self) -> bool {
        self.features == [FEATURES]
    }

    /// Whether the program assembles the vector, under a name that the file does not have.
    pub(crate) fn makes_features(&self) -> bool {
        !self.features.is_empty() && !self.is_there_already()
    }

    pub(crate) fn to_json(&self) -> Result<serde_json::Value> {
        Ok(json::to_value(self)?)
    }

    pub(crate) fn from_json(document: &serde_json::Value) -> Result<Self> {
        let inputs: Self = json::from_value(document).context("`inputs` of the model")?;
        match i32::try_from(inputs.num_features) {
            Ok(_) => Ok(inputs),
            Err(_) => bail!(
                "`inputs` of the model: num_features is {}, more than a vector column can have",
                inputs.num_features
            ),
        }
    }
}

/// Whether a column can be one of the features.
pub(crate) fn is_usable(column_type: ColumnType) -> bool {
    column_type.is_numeric() || column_type.is_vector()
}

fn check_type(field: &Field) -> Result<()> {
    let (name, found) = (field.name(), field.column_type());
    if !is_usable(found) {
        bail!("features: the column `{name}` is {found}, expected numbers or vectors");
    }
    if name == FEATURES && !found.is_vector() {
        bail!(
            "features: the column `{name}` is {found}, but that is the name of the vector of all features: rename it"
        );
    }
    Ok(())
}

fn width(features: &[String], schema: &Schema) -> Result<usize> {
    features.iter().try_fold(0, |width, name| {
        let field = schema.require(name)?;
        check_type(field)?;
        Ok(width
            + match field.column_type() {
                ColumnType::Vector { width } => width,
                _ => 1,
            })
    })
}
