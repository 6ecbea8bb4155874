//! Configurations that are fitted together.

/// The model of each configuration. Configurations that can share what `shared` makes of one of them, as `fits` says,
/// are fitted together; all are given back in their order.
pub(crate) fn fit_in_groups<E, S, M>(
    configs: &[E],
    shared: impl Fn(&E) -> S,
    fits: impl Fn(&S, &E) -> bool,
    fit: impl Fn(&S, &[&E]) -> Vec<anyhow::Result<M>>,
) -> Vec<anyhow::Result<M>> {
    let mut models: Vec<_> = configs.iter().map(|_| None).collect();
    let mut left: Vec<usize> = (0..configs.len()).collect();
    while let Some(&first) = left.first() {
        let of_group = shared(&configs[first]);
        let (these, others): (Vec<_>, Vec<_>) = left.into_iter().partition(|&i| fits(&of_group, &configs[i]));
        let group: Vec<&E> = these.iter().map(|&i| &configs[i]).collect();
        for (i, model) in these.into_iter().zip(fit(&of_group, &group)) {
            models[i] = Some(model);
        }
        left = others;
    }
    models.into_iter().map(only).collect()
}

/// The model that was asked for.
pub(crate) fn only<M>(model: Option<anyhow::Result<M>>) -> anyhow::Result<M> {
    model.unwrap_or_else(|| Err(anyhow::anyhow!("no model was fitted")))
}
