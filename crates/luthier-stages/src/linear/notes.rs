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

/// What to do about features that depend linearly on each other. Indicators of categories depend on the intercept, and on those
/// of another column.
pub(super) fn way_out(names: &[String], fit_intercept: bool) -> String {
    let mut columns: Vec<String> = Vec::new();
    for column in names.iter().filter_map(|name| Some(name.split_once('=')?.0)) {
        let indicators = names.iter().filter(|name| name.split_once('=').is_some_and(|(of, _)| of == column));
        if indicators.count() > 1 && !columns.iter().any(|known| known == column) {
            columns.push(column.to_owned());
        }
    }
    let sum = match columns.len() {
        1 if fit_intercept => format!("the indicators of all categories of {} add up to 1", listed(&columns)),
        0 | 1 => return "leave some of the features out, or set reg_param above 0".to_owned(),
        _ => format!("of each of {}, the indicators of all categories add up to 1", listed(&columns)),
    };
    let (as_well, intercept) = match fit_intercept {
        true => (", as the intercept does", "fit_intercept = false or "),
        false => ("", ""),
    };
    format!(
        "{sum}{as_well}: set {intercept}reg_param above 0, or leave a category out with drop_last = true in the \
         `one_hot_encoder`; if that is set already, it drops `__unknown`, which no row has: set handle_invalid = \"error\" in the \
         `string_indexer` as well, although predictions for unseen categories are then errors"
    )
}

/// Features that depend linearly on each other, so that many coefficients fit equally well.
pub(super) fn dependent_features(names: &[String], rank: usize, fit_intercept: bool) -> Note {
    let message = format!(
        "the features {} depend linearly on each other in these rows (rank {rank}), so many coefficients fit equally well, \
         and these are the smallest: {}",
        listed(names),
        way_out(names, fit_intercept)
    );
    Note::new(NoteKind::RankDeficient, message).about(names.iter().cloned())
}

#[cfg(test)]
mod tests {
    use super::way_out;

    #[test]
    fn indicators_depend_on_the_intercept() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let plan = names(&["plan=a", "plan=b", "age"]);
        let told = way_out(&plan, true);
        let sum = "the indicators of all categories of `plan` add up to 1, as the intercept does: set fit_intercept = false or \
                   reg_param above 0, or leave a category out with drop_last = true in the `one_hot_encoder`";
        assert!(told.starts_with(sum), "{told}");
        let both = names(&["plan=a", "plan=b", "town=c", "town=d"]);
        let told = way_out(&both, false);
        assert!(
            told.ends_with("although predictions for unseen categories are then errors")
                && told.starts_with(
                "of each of `plan` and `town`, the indicators of all categories add up to 1: set reg_param"
            ),
            "{told}"
        );
        assert!(!told.contains("fit_intercept"), "{told}");
        for (names, intercept) in
            [(&names(&["age", "size"]), true), (&names(&["plan=a", "age"]), true), (&plan, false)]
        {
            assert_eq!(way_out(names, intercept), "leave some of the features out, or set reg_param above 0");
        }
    }
}
