//! What Spark 4.3.0 answers on the breast cancer and iris data.

use luthier_core::Transformer;
use serde_json::Value as Json;

use crate::frames::*;

#[test]
fn coefficients_objectives_and_predictions() {
    let (mut compared, mut predicted) = (0, 0);
    for case in cases("logistic_regression.json") {
        let data = read(&format!("{}.csv", case["dataset"].as_str().unwrap()));
        let model = fit(&regression(&case["params"]), &data);
        let summary = model.summary();
        assert!(summary.converged, "{case}");
        // How far Spark is from the optimality conditions, in either unit.
        let off = |key: &str| case["kkt"].get(key).map_or(0.0, |v| v.as_f64().unwrap());
        let kkt = off("max_violation_standardized").max(off("max_violation_original"));
        let tolerance = (50.0 * kkt).max(1e-6);
        let expected = matrix(&case["coefficientMatrix"]).concat();
        let intercepts = numbers(&case["interceptVector"]);
        let size = largest(&intercepts).max(largest(&expected));
        assert_close(&model.coefficient_matrix(), &expected, tolerance * largest(&expected), &case);
        assert_close(model.intercepts(), &intercepts, tolerance * size, &case);
        let objective = case["objective"].as_f64().unwrap();
        let found = summary.objective_history.last().unwrap();
        assert!(*found <= objective * (1.0 + 1e-12), "{found} is above {objective}: {case}");
        assert!((found / objective - 1.0).abs() < 1e-8, "{found} is not {objective}: {case}");
        if let Some(accuracy) = case.get("accuracy") {
            assert_close([&summary.accuracy], &[accuracy.as_f64().unwrap()], 1e-12, &case);
        }
        if let Some(rows) = case.get("first5") {
            first_rows(&model.transform(&data).unwrap(), rows, tolerance);
            predicted += 1;
        }
        compared += 1;
    }
    assert_eq!((compared, predicted), (20, 3));
}

fn first_rows(data: &luthier_core::frame::DataFrame, rows: &Json, tolerance: f64) {
    let (raw, p) = (data.vectors("raw_prediction").unwrap(), data.vectors("probability").unwrap());
    let classes = data.column_f64("prediction").unwrap();
    for (i, row) in rows.as_array().unwrap().iter().enumerate() {
        let spark = numbers(&row["raw"]);
        assert_close(raw.row(i), &spark, 10.0 * tolerance * largest(&spark), row);
        assert_close(p.row(i), &numbers(&row["prob"]), tolerance, row);
        assert_eq!(classes[i], row["prediction"].as_f64().unwrap());
    }
}
