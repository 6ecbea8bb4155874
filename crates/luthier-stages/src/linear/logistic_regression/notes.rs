//! Notes on a fit, with the names of features and classes.

use luthier_core::frame::Schema;
use luthier_core::{Note, NoteKind};

use super::rows::Rows;
use super::summary::LogisticTrainingSummary;

/// The largest number of names that are listed.
const MOST_NAMES: usize = 8;

/// The names of features and classes.
#[derive(Debug, Clone)]
pub(super) struct Names {
    column: String,
    features: Option<Vec<String>>,
    classes: Option<Vec<String>>,
}

impl Names {
    pub(super) fn of(schema: &Schema, features: &str, classes: Option<Vec<String>>) -> Self {
        let named = schema.field(features).and_then(|field| field.feature_names());
        Self { column: features.to_owned(), features: named, classes }
    }

    fn name(&self, feature: usize) -> String {
        let name = self.features.as_ref().and_then(|names| names.get(feature).cloned());
        name.unwrap_or_else(|| format!("{}[{feature}]", self.column))
    }

    /// ``feature `age` ``.
    pub(super) fn feature(&self, feature: usize) -> String {
        format!("feature `{}`", self.name(feature))
    }

    fn class(&self, class: usize) -> String {
        let name = self.classes.as_ref().and_then(|names| names.get(class).cloned());
        name.unwrap_or_else(|| class.to_string())
    }

    fn features(&self, features: &[usize]) -> Subjects {
        Subjects::new(["feature", "features"], features.iter().map(|j| self.name(*j)).collect())
    }

    fn classes(&self, classes: &[usize]) -> Subjects {
        Subjects::new(["class", "classes"], classes.iter().map(|k| self.class(*k)).collect())
    }
}

/// Names with what they are names of.
struct Subjects {
    names: Vec<String>,
    text: String,
}

impl Subjects {
    fn new([one, many]: [&str; 2], names: Vec<String>) -> Self {
        let mut listed: Vec<String> = names.iter().take(MOST_NAMES).map(|name| format!("`{name}`")).collect();
        if names.len() > MOST_NAMES {
            listed.push(format!("{} more", names.len() - MOST_NAMES));
        }
        let text = match &listed[..] {
            [only] => format!("{one} {only}"),
            [first @ .., last] => format!("{many} {} and {last}", first.join(", ")),
            [] => String::new(),
        };
        Self { names, text }
    }

    fn is_one(&self) -> bool {
        self.names.len() == 1
    }
}

/// The notes on a fit. `dependent` are features that depend linearly on others, and whether there is an intercept.
pub(super) fn of_fit(
    summary: &LogisticTrainingSummary,
    rows: &Rows,
    (dependent, fit_intercept): (&[usize], bool),
    names: &Names,
) -> Vec<Note> {
    let mut notes = Vec::new();
    let absent = rows.absent_classes();
    // Spark's `[0]`: one class is certain, there was nothing to fit.
    if summary.objective_history == [0.0] {
        let class = (0..rows.classes).find(|class| !absent.contains(class)).unwrap_or(0);
        let message =
            format!("all labels are of class `{}`: the model always predicts this class", names.class(class));
        notes.push(Note::new(NoteKind::OneClass, message).about([names.class(class)]));
        return notes;
    }
    if !absent.is_empty() {
        let classes = names.classes(&absent);
        let has = if classes.is_one() { "has" } else { "have" };
        let message =
            format!("{} {has} no training rows: their probabilities are not estimated", classes.text);
        notes.push(Note::new(NoteKind::MissingClasses, message).about(classes.names));
    }
    if !dependent.is_empty() {
        let features = names.features(dependent);
        let message = format!(
            "{} are linearly dependent to the last digits: their coefficients are one of many solutions and have no \
             standard errors; {}",
            features.text,
            crate::linear::way_out(&features.names, fit_intercept)
        );
        notes.push(Note::new(NoteKind::RankDeficient, message).about(features.names));
    }
    notes.extend(of_separation(summary, names));
    notes.extend(of_stop(summary));
    notes
}

fn of_separation(summary: &LogisticTrainingSummary, names: &Names) -> Option<Note> {
    let separation = summary.separation.as_ref()?;
    let classes = names.classes(&separation.classes);
    let by = match &separation.features[..] {
        [] => "a combination of the features".to_owned(),
        features => names.features(features).text,
    };
    let subjects = separation
        .features
        .iter()
        .map(|j| names.name(*j))
        .chain(classes.names.iter().cloned())
        .collect::<Vec<_>>();
    let (kind, found) = match separation.complete {
        true => (NoteKind::Separated, format!("the classes are separated by {by}")),
        false => {
            let found = format!("some rows of {} are separated by {by}", classes.text);
            (NoteKind::QuasiSeparated, found)
        }
    };
    let message = format!(
        "{found}: the best coefficients are infinite, those of the model are where the fit stopped, and they have no \
         standard errors; set reg_param, or leave features out"
    );
    Some(Note::new(kind, message).about(subjects))
}

fn of_stop(summary: &LogisticTrainingSummary) -> Option<Note> {
    if summary.converged {
        return None;
    }
    if !summary.stopped_by_rounding {
        return Some(crate::linear::not_converged(summary.total_iterations));
    }
    let message = format!(
        "the fit stopped where rounding hides further progress, with a scaled gradient of {:.1e}, while the objective \
         could still fall by about {:.1e}: nearly dependent features leave no more digits; raise tol, leave some of them \
         out, or set reg_param",
        summary.gradient, summary.remaining
    );
    Some(Note::new(NoteKind::NotConverged, message))
}
