//! The columns of the data, one by one.

use std::collections::{BTreeMap, HashMap};

use luthier_tune::core::Result;
use luthier_tune::core::frame::{ColumnType, ContentHash, DataFrame, Field};
use serde::Serialize;

use super::number::{Number, numbers};

/// With more numbers and texts than this, evenly spaced rows stand for all; of a file that is not in memory, the first ones. So a
/// report takes a fraction of a second, whatever the data.
const MOST_CELLS: usize = 2_000_000;

/// At least so many rows are described.
const LEAST_ROWS: usize = 1_000;

/// Components of vectors beyond this number are not shown.
const MOST_COMPONENTS: usize = 200;

/// The number of levels that are listed.
const LEVELS: usize = 20;

/// The largest number of bins of a histogram.
const BINS: usize = 40;

/// Fewer rows than this do not make a column with a value for each of them an identifier.
const FEW_ROWS: usize = 30;

/// The columns of a frame.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Data {
    rows: usize,
    partitions: usize,
    label: Option<String>,
    /// The number of rows that the statistics are of.
    rows_described: usize,
    columns: Vec<Column>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Column {
    name: String,
    #[serde(rename = "type")]
    type_name: String,
    role: String,
    missing: usize,
    distinct: Option<usize>,
    mean: Option<Number>,
    std: Option<Number>,
    quantiles: BTreeMap<&'static str, Number>,
    histogram: Option<Histogram>,
    levels: Vec<Level>,
    more_levels: usize,
    /// With the label: Pearson's for numbers, the correlation ratio for categories.
    correlation: Option<Number>,
    suspect: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Histogram {
    edges: Vec<Number>,
    counts: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Level {
    value: String,
    count: usize,
}

/// The cells of a column.
enum Cells {
    Numbers(Vec<Option<f64>>),
    Texts(Vec<Option<String>>),
    Other,
}

/// A correlation with the label beyond this is suspicious.
const NEARLY_ONE: f64 = 0.99;

/// A hash of the values of a column.
fn fingerprint(cells: &Cells) -> Option<ContentHash> {
    let mut hash = ContentHash::new();
    match cells {
        Cells::Numbers(values) => {
            values.iter().for_each(|x| hash.write(&x.map_or([0xff; 8], |x| (x + 0.0).to_le_bytes())));
        }
        Cells::Texts(values) => values.iter().for_each(|text| {
            hash.write(text.as_deref().unwrap_or("\u{1}").as_bytes());
            hash.write(&[0]);
        }),
        Cells::Other => return None,
    }
    Some(hash.finish())
}

impl Data {
    /// `roles` tells what columns are other than features: the label, the weight, excluded.
    pub(super) fn of(
        frame: &DataFrame,
        label: Option<&str>,
        roles: &BTreeMap<String, String>,
    ) -> Result<Self> {
        let rows = frame.num_rows();
        let width = |field: &Field| match field.column_type() {
            ColumnType::Vector { width } => width.min(MOST_COMPONENTS),
            _ => 1,
        };
        let columns: usize = frame.schema().fields().iter().map(width).sum();
        let most = (MOST_CELLS / columns.max(1)).max(LEAST_ROWS);
        let some = match rows > most {
            true if frame.is_in_memory() => {
                let every = rows.div_ceil(most);
                frame.filter(&(0..rows).map(|row| row % every == 0).collect::<Vec<_>>())?
            }
            true => frame.head(most).collect()?,
            false => frame.collect()?,
        };
        let described = some.num_rows();
        let truth =
            label.map(|label| cells_of(&some, label)).transpose()?.and_then(|cells| as_numbers(&cells));
        let mut columns: Vec<Column> = Vec::new();
        let mut seen: HashMap<ContentHash, String> = HashMap::new();
        for field in some.schema().fields() {
            let name = field.name();
            let role = roles.get(name).cloned().unwrap_or_else(|| "feature".to_owned());
            let is_label = label == Some(name);
            let truth = truth.as_deref().filter(|_| !is_label);
            let type_name = field.column_type().to_string();
            if field.column_type().is_vector() {
                let named = field.feature_names().unwrap_or_default();
                for (component, cells) in components(&some, name)?.into_iter().enumerate() {
                    let own = named.get(component).cloned();
                    let own = own.unwrap_or_else(|| format!("{name}[{component}]"));
                    columns.push(Column::of(own, type_name.clone(), role.clone(), &cells, truth));
                }
                continue;
            }
            let cells = cells_of(&some, name)?;
            let mut column = Column::of(name.to_owned(), type_name, role, &cells, truth);
            let twin = fingerprint(&cells).and_then(|hash| seen.insert(hash, name.to_owned()));
            if let (None, Some(twin)) = (&column.suspect, twin.filter(|twin| Some(twin.as_str()) != label)) {
                column.suspect = Some(format!("the same as `{twin}` in every row"));
            }
            columns.push(column);
        }
        Ok(Self {
            rows,
            partitions: frame.num_partitions(),
            label: label.map(str::to_owned),
            rows_described: described,
            columns,
        })
    }
}

fn cells_of(frame: &DataFrame, name: &str) -> Result<Cells> {
    let Some(field) = frame.schema().field(name) else { return Ok(Cells::Other) };
    Ok(match field.column_type() {
        numeric if numeric.is_numeric() => Cells::Numbers(frame.optional_numbers(name)?),
        text if text == ColumnType::Utf8 || text.is_temporal() => Cells::Texts(frame.optional_texts(name)?),
        _ => Cells::Other,
    })
}

fn components(frame: &DataFrame, name: &str) -> Result<Vec<Cells>> {
    let values = frame.vectors(name)?;
    let columns = values.columns().into_iter().take(MOST_COMPONENTS);
    Ok(columns.map(|column| Cells::Numbers(column.iter().map(|x| Some(*x)).collect())).collect())
}

/// A label as numbers: a text of two classes is 0 and 1 in the order of the classes.
fn as_numbers(cells: &Cells) -> Option<Vec<Option<f64>>> {
    match cells {
        Cells::Numbers(numbers) => Some(numbers.clone()),
        Cells::Texts(texts) => {
            let classes: std::collections::BTreeSet<&String> = texts.iter().flatten().collect();
            let [_, second] = classes.into_iter().collect::<Vec<_>>()[..] else { return None };
            Some(
                texts
                    .iter()
                    .map(|text| text.as_ref().map(|text| f64::from(u8::from(text == second))))
                    .collect(),
            )
        }
        Cells::Other => None,
    }
}

impl Column {
    fn of(
        name: String,
        type_name: String,
        role: String,
        cells: &Cells,
        truth: Option<&[Option<f64>]>,
    ) -> Self {
        let mut column = Self {
            name,
            type_name,
            role,
            missing: 0,
            distinct: None,
            mean: None,
            std: None,
            quantiles: BTreeMap::new(),
            histogram: None,
            levels: Vec::new(),
            more_levels: 0,
            correlation: None,
            suspect: None,
        };
        match cells {
            Cells::Numbers(values) => column.describe_numbers(values, truth),
            Cells::Texts(values) => column.describe_texts(values, truth),
            Cells::Other => {}
        }
        column
    }

    fn describe_numbers(&mut self, values: &[Option<f64>], truth: Option<&[Option<f64>]>) {
        let known = |value: &Option<f64>| value.filter(|value| value.is_finite());
        let mut sorted: Vec<f64> = values.iter().filter_map(known).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        self.missing = values.len() - sorted.len();
        let distinct = sorted.chunk_by(|a, b| a == b).count();
        self.distinct = Some(distinct);
        if sorted.is_empty() {
            self.suspect = Some("no value in any row".to_owned());
            return;
        }
        let count = sorted.len() as f64;
        let mean = sorted.iter().sum::<f64>() / count;
        let squares: f64 = sorted.iter().map(|x| (x - mean).powi(2)).sum();
        self.mean = Some(Number(mean));
        self.std = (sorted.len() > 1).then(|| Number((squares / (count - 1.0)).sqrt()));
        self.quantiles = quantiles(&sorted);
        self.histogram = Some(Histogram::of(&sorted));
        if distinct <= LEVELS {
            self.levels = sorted
                .chunk_by(|a, b| a == b)
                .map(|run| Level { value: run[0].to_string(), count: run.len() })
                .collect();
        }
        let pairs: Option<Vec<(f64, f64)>> = truth.map(|truth| {
            let pairs = values.iter().zip(truth).map(|(x, y)| known(x).zip(known(y)));
            pairs.flatten().collect()
        });
        let correlation = pairs.as_deref().and_then(pearson);
        self.correlation = correlation.map(Number);
        let is_whole = sorted.iter().all(|x| x.fract() == 0.0);
        let is_same = |pairs: &Vec<(f64, f64)>| !pairs.is_empty() && pairs.iter().all(|(x, y)| x == y);
        self.suspect = if distinct == 1 {
            Some(self.constant())
        } else if pairs.as_ref().is_some_and(is_same) {
            Some("equal to the label in every row".to_owned())
        } else if let Some(r) = correlation.filter(|r| r.abs() > NEARLY_ONE) {
            Some(format!("its correlation with the label is {r:.4}: is it known before the label is?"))
        } else if is_whole && distinct == values.len() && values.len() >= FEW_ROWS {
            Some("another whole number in every row: an identifier?".to_owned())
        } else {
            self.mostly_missing(values.len())
        };
    }

    fn describe_texts(&mut self, values: &[Option<String>], truth: Option<&[Option<f64>]>) {
        let mut counts: HashMap<&str, (usize, f64, f64)> = HashMap::new();
        let (mut sum, mut squares, mut paired) = (0.0, 0.0, 0.0);
        for (row, value) in values.iter().enumerate() {
            let Some(value) = value else { continue };
            let level = counts.entry(value).or_default();
            level.0 += 1;
            if let Some(y) = truth.and_then(|truth| *truth.get(row)?).filter(|y| y.is_finite()) {
                (level.1, level.2) = (level.1 + 1.0, level.2 + y);
                (paired, sum, squares) = (paired + 1.0, sum + y, squares + y * y);
            }
        }
        self.missing = values.iter().filter(|value| value.is_none()).count();
        self.distinct = Some(counts.len());
        let mean = sum / paired;
        let total = squares - paired * mean * mean;
        let between =
            |(_, n, sum): &(usize, f64, f64)| if *n > 0.0 { n * (sum / n - mean).powi(2) } else { 0.0 };
        let between: f64 = counts.values().map(between).sum();
        // Categories of one row each explain everything.
        if total > 0.0 && counts.len() <= values.len() / 2 {
            self.correlation = Some(Number((between / total).clamp(0.0, 1.0).sqrt()));
        }
        let present = values.len() - self.missing;
        self.suspect = match counts.len() {
            0 => Some("no value in any row".to_owned()),
            1 => Some(self.constant()),
            _ if self.correlation.is_some_and(|Number(r)| r > NEARLY_ONE) => Some(
                "its values tell the label almost without error: are they known before the label is?"
                    .to_owned(),
            ),
            distinct if distinct == present && present >= FEW_ROWS && self.type_name == "utf8" => {
                Some("another text in every row: an identifier?".to_owned())
            }
            _ => self.mostly_missing(values.len()),
        };
        let mut levels: Vec<Level> =
            counts.into_iter().map(|(value, (count, ..))| Level { value: value.to_owned(), count }).collect();
        levels.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
        self.more_levels = levels.len().saturating_sub(LEVELS);
        levels.truncate(LEVELS);
        self.levels = levels;
    }

    fn constant(&self) -> String {
        match self.missing {
            0 => "constant: the same value in every row".to_owned(),
            missing => format!("constant: the same value wherever it is not missing (in {missing} rows)"),
        }
    }

    fn mostly_missing(&self, rows: usize) -> Option<String> {
        let share = self.missing as f64 / rows.max(1) as f64;
        (share > 0.95).then(|| format!("{:.1} % of its values are missing", 100.0 * share))
    }
}

impl Histogram {
    /// Bins of equal width by the rule of Freedman and Diaconis (1981), `2 · IQR / n^(1/3)`, at most 40.
    fn of(sorted: &[f64]) -> Self {
        let (low, high) = (quantile(sorted, 0.0), quantile(sorted, 1.0));
        let range = high - low;
        let spread = quantile(sorted, 0.75) - quantile(sorted, 0.25);
        let width = 2.0 * spread / (sorted.len() as f64).cbrt();
        if range == 0.0 || !range.is_finite() {
            return Self { edges: numbers([low, high]), counts: vec![sorted.len()] };
        }
        let bins = match range / width {
            count if count.is_finite() && count >= 1.0 => (count.ceil() as usize).min(BINS),
            _ => BINS,
        };
        let mut counts = vec![0; bins];
        for x in sorted {
            let bin = ((x - low) / range * bins as f64) as usize;
            if let Some(count) = counts.get_mut(bin.min(bins - 1)) {
                *count += 1;
            }
        }
        let edge = |i: usize| if i == bins { high } else { low + range * i as f64 / bins as f64 };
        Self { edges: numbers((0..=bins).map(edge)), counts }
    }
}

/// Quantiles by their share.
pub(super) fn quantiles(sorted: &[f64]) -> BTreeMap<&'static str, Number> {
    let shares = [
        ("0", 0.0),
        ("0.05", 0.05),
        ("0.25", 0.25),
        ("0.5", 0.5),
        ("0.75", 0.75),
        ("0.95", 0.95),
        ("1", 1.0),
    ];
    shares.into_iter().map(|(name, share)| (name, Number(quantile(sorted, share)))).collect()
}

/// Linear between the two nearest ranks.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * sorted.len().saturating_sub(1) as f64;
    let (below, rest) = (place.floor() as usize, place.fract());
    match (sorted.get(below), sorted.get(below + 1)) {
        (Some(a), Some(b)) if rest > 0.0 => a + rest * (b - a),
        (Some(a), _) => *a,
        _ => f64::NAN,
    }
}

fn pearson(pairs: &[(f64, f64)]) -> Option<f64> {
    let n = pairs.len() as f64;
    let (x_mean, y_mean) = pairs.iter().fold((0.0, 0.0), |(a, b), (x, y)| (a + x / n, b + y / n));
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (x, y) in pairs {
        let (x, y) = (x - x_mean, y - y_mean);
        (xx, yy, xy) = (xx + x * x, yy + y * y, xy + x * y);
    }
    let r = xy / (xx.sqrt() * yy.sqrt());
    (pairs.len() > 2 && r.is_finite()).then(|| r.clamp(-1.0, 1.0))
}
