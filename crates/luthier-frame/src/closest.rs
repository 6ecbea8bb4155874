//! Suggestions for misspelled names.

/// The candidate that `name` most likely means, if one is similar. Case and underscores are ignored
/// (`regParam` is similar to `reg_param`), and about every third letter may be wrong.
#[must_use]
pub fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |s: &str| s.replace(['_', '-', ' '], "").to_lowercase();
    let name = plain(name);
    candidates
        .into_iter()
        .map(|c| (strsim::damerau_levenshtein(&name, &plain(c)), c))
        .filter(|(distance, c)| {
            *distance <= (plain(c).chars().count() / 3).max(1) && *distance < name.chars().count()
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, c)| c)
}
