//! Constant and dependent columns: what they get, what is said of them, and what the others keep.

use luthier_core::frame::{Column, DataFrame};
use luthier_core::{NoteKind, Transformer};
use luthier_stages::{LinearRegression, Loss, Solver};
use ndarray::array;

use crate::frames::*;

/// y = 3 + 2x exactly, or with a residual of (1, −1, −1, 1)/10.
fn with_ones(residual: f64) -> DataFrame {
    let x = array![[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 3.0]];
    let signs = [1.0, -1.0, -1.0, 1.0];
    let y = (0..4).map(|i| 3.0 + 2.0 * i as f64 + residual * signs[i]).collect();
    frame(x, y, None)
}

#[test]
fn a_constant_feature_takes_the_place_of_an_intercept() {
    let data = with_ones(0.1);
    for solver in DIRECT.into_iter().chain([Solver::LBfgs]) {
        let base = LinearRegression::new().fit_intercept(false).solver(solver);
        for estimator in [base.clone(), base.clone().standardization(false)] {
            let model = fit(&estimator, &data);
            assert_close(model.coefficients(), &[3.0, 2.0], 1e-12, &solver);
            assert_eq!((model.summary().degrees_of_freedom, model.summary().rank), (2, Some(2)));
            assert!(model.describe().notes().is_empty());
        }
        // Of (β − 3)² + … with half the penalty on each coefficient: (G/n + λ/s_y) β = b/n.
        let model = fit(&base.clone().standardization(false).reg_param(0.5), &data);
        let weight = 0.5 / deviation(&data, solver);
        let (a, b, d) = (1.0 + weight, 1.5, 3.5 + weight);
        let (u, v) = (6.0, 1.5 * 3.0 + 3.5 * 2.0);
        let expected = [(u * d - b * v) / (a * d - b * b), (a * v - b * u) / (a * d - b * b)];
        assert_close(model.coefficients(), &expected, 1e-9, &solver);
    }
    let huber = LinearRegression::new().fit_intercept(false).loss(Loss::Huber);
    assert_close(fit(&huber, &with_ones(0.01)).coefficients(), &[3.0, 2.0], 1e-6, &"huber");
}

fn deviation(data: &DataFrame, solver: Solver) -> f64 {
    let y = data.column_f64("label").unwrap();
    let mean = y.iter().sum::<f64>() / 4.0;
    let divisor = if solver == Solver::LBfgs { 3.0 } else { 4.0 };
    (y.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / divisor).sqrt()
}

/// A penalty in standard deviations cannot weigh a constant, so it is left out, as in Spark, and that is said.
#[test]
fn a_penalty_in_deviations_leaves_it_out_and_says_so() {
    let names = ["one", "x"];
    let columns: Vec<(&str, Column)> = vec![
        ("one", Column::f64(vec![1.0; 4])),
        ("x", Column::f64(vec![0.0, 1.0, 2.0, 3.0])),
        ("label", Column::f64(vec![3.1, 4.9, 6.9, 9.1])),
    ];
    let data = DataFrame::from_columns(columns).unwrap();
    let data = luthier_stages::VectorAssembler::new().input_cols(names).transform(&data).unwrap();
    let model = fit(&LinearRegression::new().fit_intercept(false).reg_param(0.1), &data);
    assert_eq!(model.coefficients()[0], 0.0);
    let description = model.describe();
    let [note] = description.notes() else { panic!("{:?}", description.notes()) };
    assert_eq!((note.kind, note.subjects.as_slice()), (NoteKind::ConstantColumn, &["one".to_owned()][..]));
    assert!(note.message.contains("`one` is constant") && note.message.contains("reg_param = 0"), "{note}");
    let with_intercept = fit(&LinearRegression::new(), &data).describe();
    assert_eq!(with_intercept.notes().len(), 1);
}

/// R: lm(y ~ one + x) has NA for `one` and the same errors as lm(y ~ x).
#[test]
fn the_others_keep_their_standard_errors() {
    let x = array![[1.0, 7.0], [2.0, 7.0], [4.0, 7.0], [7.0, 7.0], [8.0, 7.0]];
    let y = vec![1.0, 3.0, 2.0, 5.0, 9.0];
    let alone =
        fit(&LinearRegression::new(), &frame(x.slice(ndarray::s![.., ..1]).to_owned(), y.clone(), None));
    for solver in DIRECT {
        let model = fit(&LinearRegression::new().solver(solver), &frame(x.clone(), y.clone(), None));
        let (found, expected) = (model.standard_errors().unwrap(), alone.standard_errors().unwrap());
        assert!(found[1].is_nan() && model.p_values().unwrap()[1].is_nan());
        assert_relative(&[found[0], found[2]], expected, 1e-12, &solver);
        assert_relative(&[model.p_values().unwrap()[0]], &alone.p_values().unwrap()[..1], 1e-10, &solver);
        let (found, expected) = (model.summary(), alone.summary());
        assert_eq!(found.degrees_of_freedom, expected.degrees_of_freedom);
        assert_relative(&[found.adjusted_r2], &[expected.adjusted_r2], 1e-12, &solver);
        assert_eq!(found.rank, Some(1));
        let of_rows = model.evaluate(&frame(x.clone(), y.clone(), None)).unwrap();
        assert_eq!(of_rows.degrees_of_freedom, found.degrees_of_freedom);
    }
}

/// Of statsmodels 0.14: OLS(y, add_constant(x)) has llf −8.543163404031581; its AIC of 21.0863… leaves the variance out: AIC and BIC count the variance here as R does.
#[test]
fn likelihood_and_criteria() {
    let x = array![[1.0], [2.0], [4.0], [7.0], [8.0]];
    let data = frame(x, vec![1.0, 3.0, 2.0, 5.0, 9.0], Some(vec![1.0; 5]));
    let model = fit(&LinearRegression::new(), &data);
    let summary = model.summary();
    let expected = -2.5 * ((2.0 * std::f64::consts::PI).ln() + summary.mse.ln() + 1.0);
    assert_relative(&[summary.log_likelihood.unwrap()], &[expected], 1e-14, &"likelihood");
    assert_relative(&[summary.log_likelihood.unwrap()], &[LIKELIHOOD], 1e-12, &"statsmodels");
    assert_relative(&[summary.aic.unwrap()], &[6.0 - 2.0 * expected], 1e-14, &"aic");
    assert_relative(&[summary.bic.unwrap()], &[3.0 * 5f64.ln() - 2.0 * expected], 1e-14, &"bic");
    let penalised = fit(&LinearRegression::new().reg_param(0.1), &data);
    let weighted = fit(&LinearRegression::new().weight_col("weight"), &data);
    for model in [penalised, weighted] {
        assert_eq!((model.summary().aic, model.summary().log_likelihood), (None, None));
    }
}

const LIKELIHOOD: f64 = -8.543_163_404_031_581;

fn fact(said: &luthier_core::Description, name: &str) -> Option<String> {
    said.facts().iter().find(|(other, _)| other == name).map(|(_, value)| value.to_string())
}

/// x2 = 2 x1 and fewer rows than features: named, and the solution is the smallest in the measure asked for.
#[test]
fn dependent_features_are_named_and_get_the_smallest_solution() {
    let x = array![[1.0, 2.0, 0.5], [2.0, 4.0, -1.0], [4.0, 8.0, 0.0], [7.0, 14.0, 2.0], [8.0, 16.0, 1.0]];
    let y: Vec<f64> = x.rows().into_iter().map(|r| 5.0 * r[0] + r[2] + 1.0).collect();
    let data = frame(x, y, None);
    for solver in DIRECT {
        let base = LinearRegression::new().solver(solver);
        // In deviations s2 = 2 s1, so that s1 β1 = s2 β2: β = (2.5, 1.25). In raw features β2 = 2 β1: (1, 2).
        for (standardization, expected) in [(true, [2.5, 1.25, 1.0]), (false, [1.0, 2.0, 1.0])] {
            let model = fit(&base.clone().standardization(standardization), &data);
            assert_close(model.coefficients(), &expected, 1e-9, &(solver, standardization));
            assert_eq!(model.dependent_features(), [0, 1]);
            assert_eq!((model.summary().rank, model.standard_errors()), (Some(2), None));
            let notes = model.describe().notes().to_vec();
            assert_eq!((notes.len(), notes[0].kind), (1, NoteKind::RankDeficient));
            assert!(notes[0].message.contains("`features_0` and `features_1`"), "{}", notes[0]);
        }
        let ridge = fit(&base.reg_param(0.1), &data).describe();
        assert!(ridge.notes().is_empty());
        assert!(
            fact(&ridge, "standard_errors")
                .unwrap()
                .starts_with("of the penalised coefficients: they leave out the bias")
        );
    }
}

/// numpy.linalg.lstsq of the centred rows, as scikit-learn's LinearRegression.
#[test]
fn more_columns_than_rows_give_the_smallest_raw_solution() {
    let x = array![[1.0, 20.0, 0.3, 4.0], [2.0, 10.0, 0.1, -4.0], [4.0, 50.0, 0.7, 1.0]];
    let y = vec![1.0, 2.0, 5.0];
    let mean = x.mean_axis(ndarray::Axis(0)).unwrap();
    let centred = &x - &mean;
    // β = Xcᵀ α with the two differences of rows solved exactly.
    for solver in DIRECT {
        let model = fit(
            &LinearRegression::new().standardization(false).solver(solver),
            &frame(x.clone(), y.clone(), None),
        );
        assert_relative(model.coefficients(), &SMALLEST, 1e-10, &solver);
        let fitted = centred.dot(&ndarray::aview1(model.coefficients()));
        assert_close(&fitted.to_vec(), &[1.0 - 8.0 / 3.0, 2.0 - 8.0 / 3.0, 5.0 - 8.0 / 3.0], 1e-12, &solver);
        assert_eq!(model.describe().notes()[0].kind, NoteKind::RankDeficient);
        let condition = fact(&model.describe(), "condition");
        assert!(condition.is_none_or(|text| text == "Inf: some features are linear combinations of others"));
    }
}

const SMALLEST: [f64; 4] = [
    0.062_502_241_411_301_78,
    0.102_551_388_739_461_53,
    -0.000_374_218_234_719_031_4,
    -0.245_367_100_292_046_28,
];
