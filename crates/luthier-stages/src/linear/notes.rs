//! Notes that the fits of linear models have in common.

use luthier_core::frame::Field;
use luthier_core::{Note, NoteKind};

/// The fit stopped at its limit of iterations.
pub(super) fn not_converged(iterations: usize) -> Note {
    let s = if iterations == 1 { "" } else { "s" };
    let message = format!(
        "the fit stopped after {iterations} iteration{s} before it converged: raise max_iter, or scale the features to \
         similar sizes"
    );
    Note::new(NoteKind::NotConverged, message)
}

/// Names that a message lists; the others are counted.
const NAMES_LISTED: usize = 8;

/// Names of some features of a column: those it has, or the column with their positions.
pub(super) fn feature_names(
    field: Option<&Field>,
    column: &str,
    features: &[usize],
    width: usize,
) -> Vec<String> {
    if width == 1 {
        return features.iter().map(|_| column.to_owned()).collect();
    }
    let names = field.and_then(Field::feature_names).unwrap_or_default();
    let name = |&j: &usize| names.get(j).cloned().unwrap_or_else(|| format!("{column}[{j}]"));
    features.iter().map(name).collect()
}

/// "`a` and `b`", or the first of many names and the number of the others.
fn listed(names: &[String]) -> String {
    let quoted = |names: &[String]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
    match names.split_last() {
        Some((last, [])) => format!("`{last}`"),
        Some((last, others)) if names.len() <= NAMES_LISTED => {
            format!("{} and `{last}`", quoted(others).join(", "))
        }
        _ => {
            let (first, more) = names.split_at(NAMES_LISTED.min(names.len()));
            format!("{} and {} more", quoted(first).join(", "), more.len())
        }
    }
}

/// Constant features, which have the coefficient 0.
pub(super) fn constant_features(names: &[String], fit_intercept: bool) -> Note {
    let (subject, verb) = match names.len() {
        1 => ("feature", "is constant: its coefficient is 0"),
        _ => ("features", "are constant: their coefficients are 0"),
    };
    let remedy = match fit_intercept {
        true => "",
        false => "; to use a constant feature as an intercept, set standardization = false or reg_param = 0",
    };
    Note::new(NoteKind::ConstantColumn, format!("the {subject} {} {verb}{remedy}", listed(names)))
        .about(names.iter().cloned())
}

/// Features that depend linearly on each other, so that many coefficients fit equally well.
pub(super) fn dependent_features(names: &[String], rank: usize) -> Note {
    let message = format!(
        "the features {} depend linearly on each other in these rows (rank {rank}), so many coefficients fit equally well, \
         and these are the smallest: leave some of the features out, or set reg_param above 0",
        listed(names)
    );
    Note::new(NoteKind::RankDeficient, message).about(names.iter().cloned())
}
