//! Predictions of the chosen candidate for rows that it was not fitted on.

use std::collections::BTreeMap;

use luthier_tune::core::Result;
use luthier_tune::core::frame::{ColumnType, DataFrame};
use serde::Serialize;

use super::number::{Number, numbers, six_digits};

/// With more rows than this, evenly spaced ones are drawn.
const MOST_POINTS: usize = 2000;

/// The number of rows with the largest loss that are listed.
const WORST: usize = 20;

/// Curves have at most this many points.
const MOST_CURVE: usize = 400;

/// The number of bins of a calibration curve, of equally many rows each.
const CALIBRATION_BINS: usize = 10;

/// Confusion matrices of more classes are not shown.
const MOST_CLASSES: usize = 50;

/// Which columns of the predictions hold what.
#[derive(Debug, Clone, Default)]
pub struct PredictionColumns {
    /// The column of labels.
    pub label: String,
    /// The column of predicted values or classes.
    pub prediction: String,
    /// The column of probabilities of classes, if there is one.
    pub probability: Option<String>,
    /// The names of the classes, in the order of the probabilities; by default those of the column of labels, if a stage has indexed
    /// it.
    pub classes: Option<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Predictions {
    kind: &'static str,
    rows: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    regression: Option<Regression>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binary: Option<Binary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confusion: Option<Confusion>,
    worst: Vec<Worst>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Regression {
    prediction: Vec<Number>,
    label: Vec<Number>,
    residual_quantiles: BTreeMap<&'static str, Number>,
    sampled: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Binary {
    positive: String,
    auc: Number,
    roc: Roc,
    pr: Pr,
    calibration: Calibration,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Roc {
    fpr: Vec<Number>,
    tpr: Vec<Number>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Pr {
    recall: Vec<Number>,
    precision: Vec<Number>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Calibration {
    predicted: Vec<Number>,
    observed: Vec<Number>,
    rows: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Confusion {
    labels: Vec<String>,
    /// By label, then by prediction.
    counts: Vec<Vec<usize>>,
}

/// A row with a large loss: the squared residual, or the negative logarithm of the probability of its class.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Worst {
    row: i64,
    place: Option<String>,
    label: String,
    prediction: String,
    loss: Number,
}

/// A row of the predictions.
struct Row {
    row: i64,
    place: Option<String>,
    label: String,
    prediction: String,
    loss: f64,
}

impl Predictions {
    /// From out-of-fold predictions; `None` where label or prediction is not to be found.
    pub(super) fn of(frame: &DataFrame, columns: &PredictionColumns) -> Result<Option<Self>> {
        let type_of =
            |name: &str| frame.schema().field(name).map(luthier_tune::core::frame::Field::column_type);
        let (Some(label), Some(prediction)) = (type_of(&columns.label), type_of(&columns.prediction)) else {
            return Ok(None);
        };
        let places = match type_of("place") {
            Some(ColumnType::Utf8) => frame.optional_texts("place")?,
            _ => vec![None; frame.num_rows()],
        };
        let rows = match type_of("row") {
            Some(_) => frame.column_i64("row")?,
            None => (0..frame.num_rows() as i64).collect(),
        };
        match &columns.probability {
            None if label.is_numeric() && prediction.is_numeric() => {
                Self::of_regression(frame, columns, &rows, &places).map(Some)
            }
            probability => Self::of_classes(frame, columns, probability.as_deref(), &rows, &places).map(Some),
        }
    }

    fn of_regression(
        frame: &DataFrame,
        columns: &PredictionColumns,
        rows: &[i64],
        places: &[Option<String>],
    ) -> Result<Self> {
        let label = frame.optional_numbers(&columns.label)?;
        let prediction = frame.optional_numbers(&columns.prediction)?;
        let known = label.iter().zip(&prediction).zip(rows).zip(places);
        let known: Vec<(f64, f64, Row)> = known
            .filter_map(|(((y, p), row), place)| {
                let (y, p) = (*y)?.is_finite().then_some(*y)?.zip(p.filter(|p| p.is_finite()))?;
                let of = Row {
                    row: *row,
                    place: place.clone(),
                    label: y.to_string(),
                    prediction: six_digits(p).to_string(),
                    loss: (y - p).powi(2),
                };
                Some((y, p, of))
            })
            .collect();
        let mut residuals: Vec<f64> = known.iter().map(|(y, p, _)| y - p).collect();
        residuals.sort_unstable_by(f64::total_cmp);
        let every = known.len().div_ceil(MOST_POINTS).max(1);
        let shown = || known.iter().step_by(every);
        let regression = Regression {
            prediction: numbers(shown().map(|(_, p, _)| *p)),
            label: numbers(shown().map(|(y, ..)| *y)),
            residual_quantiles: super::data::quantiles(&residuals),
            sampled: every > 1,
        };
        Ok(Self {
            kind: "regression",
            rows: known.len(),
            regression: Some(regression),
            binary: None,
            confusion: None,
            worst: worst(known.into_iter().map(|(_, _, row)| row).collect()),
        })
    }

    fn of_classes(
        frame: &DataFrame,
        columns: &PredictionColumns,
        probability: Option<&str>,
        rows: &[i64],
        places: &[Option<String>],
    ) -> Result<Self> {
        let categories = |name: &str| {
            frame.schema().field(name).and_then(|f| f.categories()).filter(|all| !all.is_empty())
        };
        let names = categories(&columns.label);
        let labels = named(shown(frame, &columns.label)?, names.as_deref());
        let of_predictions = categories(&columns.prediction).or_else(|| names.clone());
        let predictions = named(shown(frame, &columns.prediction)?, of_predictions.as_deref());
        let names = columns.classes.clone().or(names);
        let probabilities = probability.map(|name| frame.vectors(name)).transpose()?;
        let is_ordered = names.is_some();
        let mut classes: Vec<String> = names.unwrap_or_default();
        for name in labels.iter().chain(&predictions).flatten() {
            if !classes.contains(name) && classes.len() <= MOST_CLASSES {
                classes.push(name.clone());
            }
        }
        if !is_ordered {
            classes.sort_by(|a, b| match (a.parse::<f64>(), b.parse::<f64>()) {
                (Ok(a), Ok(b)) => a.total_cmp(&b),
                _ => a.cmp(b),
            });
        }
        let place_of = |name: &String| classes.iter().position(|class| class == name);
        let mut counts = vec![vec![0; classes.len()]; classes.len()];
        let mut listed = Vec::new();
        let mut scored = Vec::new();
        for (i, (label, prediction)) in labels.iter().zip(&predictions).enumerate() {
            let (Some(label), Some(prediction)) = (label, prediction) else { continue };
            let (own, predicted) = (place_of(label), place_of(prediction));
            if let Some(count) =
                own.zip(predicted).and_then(|(own, other)| counts.get_mut(own)?.get_mut(other))
            {
                *count += 1;
            }
            let p = |class: usize| probabilities.as_ref().and_then(|all| all.get([i, class]).copied());
            let of_own = own.and_then(p);
            let loss =
                of_own.map_or(f64::from(u8::from(label != prediction)), |p| -p.max(f64::MIN_POSITIVE).ln());
            listed.push(Row {
                row: rows.get(i).copied().unwrap_or_default(),
                place: places.get(i).cloned().flatten(),
                label: label.clone(),
                prediction: match of_own {
                    Some(p) => format!("{prediction} (probability of {label}: {p:.4})"),
                    None => prediction.clone(),
                },
                loss,
            });
            if let (2, Some(own), Some(p)) = (classes.len(), own, p(1)) {
                scored.push((p, own == 1));
            }
        }
        let rows = listed.len();
        let is_binary = classes.len() == 2;
        let binary = classes.get(1).filter(|_| is_binary).and_then(|positive| Binary::of(positive, scored));
        let confusion = (classes.len() <= MOST_CLASSES).then_some(Confusion { labels: classes, counts });
        let kind = if is_binary { "binary" } else { "multiclass" };
        Ok(Self { kind, rows, regression: None, binary, confusion, worst: worst(listed) })
    }
}

/// A column as text: whole numbers without a point, like class labels.
fn shown(frame: &DataFrame, name: &str) -> Result<Vec<Option<String>>> {
    let is_numeric = frame.schema().field(name).is_some_and(|field| field.column_type().is_numeric());
    if !is_numeric {
        return Ok(frame.optional_texts(name)?);
    }
    let numbers = frame.optional_numbers(name)?.into_iter();
    Ok(numbers.map(|number| number.map(|number| number.to_string())).collect())
}

/// Indices by the names of their categories.
fn named(values: Vec<Option<String>>, categories: Option<&[String]>) -> Vec<Option<String>> {
    let Some(categories) = categories else { return values };
    let name = |value: String| match value.parse::<usize>().ok().and_then(|index| categories.get(index)) {
        Some(name) => name.clone(),
        None => value,
    };
    values.into_iter().map(|value| value.map(name)).collect()
}

fn worst(mut rows: Vec<Row>) -> Vec<Worst> {
    rows.sort_by(|a, b| b.loss.total_cmp(&a.loss).then(a.row.cmp(&b.row)));
    rows.truncate(WORST);
    let worst = |row: Row| Worst {
        row: row.row,
        place: row.place,
        label: row.label,
        prediction: row.prediction,
        loss: Number(row.loss),
    };
    rows.into_iter().map(worst).collect()
}

impl Binary {
    /// From probabilities of the positive class, and whether a row is positive.
    fn of(positive: &str, mut scored: Vec<(f64, bool)>) -> Option<Self> {
        scored.sort_by(|a, b| b.0.total_cmp(&a.0));
        let positives = scored.iter().filter(|(_, is_positive)| *is_positive).count() as f64;
        let negatives = scored.len() as f64 - positives;
        if positives == 0.0 || negatives == 0.0 {
            return None;
        }
        let (mut hits, mut alarms, mut area) = (0.0, 0.0, 0.0);
        let mut points = vec![(0.0, 0.0)];
        for tied in scored.chunk_by(|a, b| a.0 == b.0) {
            let more = tied.iter().filter(|(_, is_positive)| *is_positive).count() as f64;
            let fewer = tied.len() as f64 - more;
            area += fewer * (hits + more / 2.0);
            (hits, alarms) = (hits + more, alarms + fewer);
            points.push((alarms, hits));
        }
        let every = points.len().div_ceil(MOST_CURVE).max(1);
        let last = points.len() - 1;
        let kept: Vec<(f64, f64)> = points
            .iter()
            .enumerate()
            .filter(|(i, _)| i % every == 0 || *i == last)
            .map(|(_, point)| *point)
            .collect();
        let of_pr = || kept.iter().filter(|(alarms, hits)| alarms + hits > 0.0);
        Some(Self {
            positive: positive.to_owned(),
            auc: Number(area / (positives * negatives)),
            roc: Roc {
                fpr: numbers(kept.iter().map(|(alarms, _)| alarms / negatives)),
                tpr: numbers(kept.iter().map(|(_, hits)| hits / positives)),
            },
            pr: Pr {
                recall: numbers(of_pr().map(|(_, hits)| hits / positives)),
                precision: numbers(of_pr().map(|(alarms, hits)| hits / (alarms + hits))),
            },
            calibration: Calibration::of(&scored),
        })
    }
}

impl Calibration {
    fn of(sorted: &[(f64, bool)]) -> Self {
        let size = sorted.len().div_ceil(CALIBRATION_BINS).max(1);
        let bins = || sorted.rchunks(size);
        let mean = |bin: &[(f64, bool)], of: fn(&(f64, bool)) -> f64| {
            bin.iter().map(of).sum::<f64>() / bin.len() as f64
        };
        Self {
            predicted: numbers(bins().map(|bin| mean(bin, |(p, _)| *p))),
            observed: numbers(bins().map(|bin| mean(bin, |(_, hit)| f64::from(u8::from(*hit))))),
            rows: bins().map(<[_]>::len).collect(),
        }
    }
}
