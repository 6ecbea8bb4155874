//! Grids, splitters, the search plan, executors and results.
