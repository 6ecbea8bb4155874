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
    // Of two splitters, each does without what only the other needs.
    let optional = |info: &ParamInfo| ParamInfo { required: false, optional: true, ..*info };
    Ok([
        Method {
            name: TRAIN_VALIDATION_SPLIT,
            doc: "Tries candidates on one split, that of train_ratio.",
            params: params("train_ratio")?.to_vec(),
        },
        Method {
            name: CROSS_VALIDATOR,
            doc: "Tries candidates on k folds: those of fold_column where there is a fold_col, else of k_fold.",
            params: k_fold.iter().copied().chain(by_column.iter().filter(new).map(optional)).collect(),
        },
    ])
}
