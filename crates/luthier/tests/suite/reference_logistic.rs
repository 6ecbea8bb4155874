//! A search over logistic regressions as Spark 4.3.0 answers it; `tests/data/spark_logistic_search.json` says how.

use luthier::prelude::*;
use serde::Deserialize;

use crate::data::assert_close;

#[derive(Debug, Deserialize)]
struct Reference {
    reg_param: Vec<f64>,
    avg: Vec<f64>,
    std: Vec<f64>,
    best_index: usize,
}

#[test]
fn the_search_finds_what_spark_finds() {
    let reference: Reference =
        serde_json::from_str(include_str!("../data/spark_logistic_search.json")).unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/data/breast_cancer.csv");
    let frame = DataFrame::read_csv(path, &CsvOptions::new().partitions(2)).unwrap();
    let names: Vec<String> = (0..30).map(|j| format!("x{j}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let frame = frame.with_vector("features", &names).unwrap();
    for sharing in [Sharing::On, Sharing::Off] {
        let grid = ParamGrid::new().add(LogisticRegression::REG_PARAM, reference.reg_param.clone());
        let lr = LogisticRegression::new().tol(1e-13).max_iter(400);
        let tuned = CrossValidator::new(lr, grid, BinaryClassificationEvaluator::new().num_bins(0))
            .fold_col("fold")
            .sharing(sharing)
            .fit(&frame)
            .unwrap();
        for (i, candidate) in tuned.result().candidates.iter().enumerate() {
            assert_close(candidate.mean, reference.avg[i], 1e-9, "mean");
            assert_close(candidate.std, reference.std[i], 1e-7, "deviation");
        }
        assert_eq!(tuned.result().best, reference.best_index);
    }
}
