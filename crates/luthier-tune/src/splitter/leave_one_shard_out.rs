use luthier_core::frame::DataFrame;
use luthier_core::params::Params;

use super::{NamedSplitter, OverShards, Split, Splitter, invalid};

/// Holds out one of several [`Shards`](crate::Shards) after the other, such as those of sites: how good is a model where no row of it was seen?
///
/// It divides shards and not rows, so it needs a search over shards. The summaries of a shard serve it, however its rows were split.
///
/// ```
#[doc = include_str!("../example_parts.txt")]
/// use std::sync::Arc;
/// use luthier_tune::{LeaveOneShardOut, ParamGrid, Search, Shards};
///
/// let grid = ParamGrid::new().add_by_name("reg_param", [0.01, 0.1, 1.0]);
/// let splitter = Arc::new(LeaveOneShardOut::new());
/// let search = Search::new(Box::new(Ridge::new()), grid, Box::new(Error::new()), splitter);
/// let mut sites = Shards::new();
/// for site in ["Oslo", "Bergen", "Tromsø"] {
///     sites.append(site, &data)?;
/// }
/// assert_eq!(search.fit_shards(&mut sites)?.result.candidates[0].folds.len(), 3);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
pub struct LeaveOneShardOut {}

impl Splitter for LeaveOneShardOut {
    fn split(&self, _frame: &DataFrame, _seed: u64) -> anyhow::Result<Split> {
        Err(invalid(
            "it holds out shards, and these rows are not in shards: write `shards = true` under [data], or use \
             leave_one_group_out with a column that says which rows belong together"
                .to_owned(),
        ))
    }

    fn num_rounds(&self) -> Option<usize> {
        None
    }

    fn over_shards(&self) -> OverShards {
        OverShards::HoldOutEach
    }
}

impl NamedSplitter for LeaveOneShardOut {
    const NAME: &'static str = "leave_one_shard_out";
}

crate::register_splitter!(LeaveOneShardOut: "Holds out one shard (a file, a site) after the other.");
