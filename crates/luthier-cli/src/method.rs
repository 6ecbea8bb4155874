//! Spark's names for searches, and the splitters behind them.

use anyhow::Result;
use luthier::core::params::ParamInfo;
use luthier::core::registry;
use luthier::tune::SplitterEntry;

/// A search by Spark's name.
#[derive(Debug, Clone)]
pub(crate) struct Method {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static str,
    pub(crate) params: Vec<ParamInfo>,
}

pub(crate) const TRAIN_VALIDATION_SPLIT: &str = "train_validation_split";
pub(crate) const CROSS_VALIDATOR: &str = "cross_validator";

/// The methods and the parameters they take in `[search]`.
pub(crate) fn methods() -> Result<[Method; 2]> {
    let params = |splitter: &str| -> Result<&'static [ParamInfo]> {
        Ok((registry::find::<SplitterEntry>(splitter)?.params)())
    };
    let (k_fold, by_column) = (params("k_fold")?, params("fold_column")?);
    let new = |info: &&ParamInfo| k_fold.iter().all(|known| known.name != info.name);
    // Of two splitters, each ignores the parameters of the other.
    let optional = |info: &ParamInfo| ParamInfo { required: false, optional: true, ..*info };
    Ok([
        Method {
            name: TRAIN_VALIDATION_SPLIT,
            doc: "Evaluates candidates on a single random split, given by train_ratio.",
            params: params("train_ratio")?.to_vec(),
        },
        Method {
            name: CROSS_VALIDATOR,
            doc: "Evaluates candidates on k folds: those of fold_column if fold_col is set, otherwise those of k_fold.",
            params: k_fold.iter().copied().chain(by_column.iter().filter(new).map(optional)).collect(),
        },
    ])
}
