//! Standard errors, p values and information criteria, beside those of statsmodels 0.14 (`Logit`, `MNLogit`, `GLM` with
//! `freq_weights`).

use luthier_core::NoteKind;
use luthier_stages::LogisticRegression;
use ndarray::{Array2, Axis, concatenate};

use crate::frames::*;

fn score(i: usize) -> f64 {
    let i = i as f64;
    i.sin() + 1.5 * (2.0 * i).cos() + 2.0 * (3.0 * i * i).sin()
}

fn features() -> Array2<f64> {
    Array2::from_shape_fn((60, 2), |(i, j)| if j == 0 { (i as f64).sin() } else { (2.0 * i as f64).cos() })
}

fn labels() -> Vec<f64> {
    (0..60).map(|i| f64::from(u8::from(score(i) > 0.0))).collect()
}

const ESTIMATES: [f64; 3] = [1.427_822_295_071_376_1, 1.386_699_623_510_278_6, -0.546_403_392_401_597_7];
const ERRORS: [f64; 3] = [0.547_926_204_171_420_9, 0.493_640_062_215_477_46, 0.343_162_248_389_762_1];
const P_VALUES: [f64; 3] = [0.009_164_229_192_283_58, 0.004_967_542_187_917_33, 0.111_326_381_216_728_66];

#[test]
fn standard_errors_and_criteria() {
    let model = fit(&LogisticRegression::new().tol(1e-13), &frame(features(), labels(), None));
    let summary = model.summary();
    let inference = summary.inference.as_ref().unwrap();
    assert_close(model.coefficients().unwrap(), &ESTIMATES[..2], 1e-10, &"estimates");
    assert_close(&inference.standard_errors, &ERRORS, 1e-9, &"errors");
    assert_close(&inference.p_values, &P_VALUES, 1e-9, &"p values");
    assert_eq!(summary.degrees_of_freedom, Some(3));
    let ones = labels().iter().sum::<f64>();
    let null = ones * (ones / 60.0).ln() + (60.0 - ones) * (1.0 - ones / 60.0).ln();
    let found =
        [summary.log_likelihood(), summary.aic.unwrap(), summary.bic.unwrap(), -0.5 * summary.null_deviance];
    let expected = [-32.851_760_497_960_96, 71.703_520_995_921_92, 77.986_554_682_588_22, null];
    assert_close(&found, &expected, 1e-9, &"criteria");
}

#[test]
fn weights_are_frequencies() {
    let w: Vec<f64> = (0..60).map(|i| 1.0 + (i % 3) as f64).collect();
    let e = LogisticRegression::new().tol(1e-13).weight_col("weight");
    let model = fit(&e, &frame(features(), labels(), Some(w)));
    let summary = model.summary();
    let errors = [0.474_942_763_620_018_64, 0.395_736_610_848_386_57, 0.286_901_915_198_170_15];
    assert_close(&summary.inference.as_ref().unwrap().standard_errors, &errors, 1e-9, &"errors");
    let found = [summary.log_likelihood(), summary.aic.unwrap(), summary.deviance, summary.null_deviance];
    let expected =
        [-62.239_480_991_365_64, 130.478_961_982_731_28, 124.478_961_982_731_28, 162.299_086_512_982_83];
    assert_close(&found, &expected, 1e-9, &"criteria");
    assert!((summary.bic.unwrap() - (3.0 * 120.0_f64.ln() + 124.478_961_982_731_28)).abs() < 1e-9);
}

#[test]
fn criteria_of_several_classes() {
    let class = |i| if score(i) < -0.7 { 0 } else { 1 + usize::from(score(i) >= 0.7) };
    let labels = (0..60).map(|i| class(i) as f64);
    let count = |k: usize| (0..60).filter(|i| class(*i) == k).count() as f64;
    let null: f64 = (0..3).map(|k| count(k) * (count(k) / 60.0).ln()).sum();
    let model = fit(&LogisticRegression::new().tol(1e-13), &frame(features(), labels.collect(), None));
    let summary = model.summary();
    assert_eq!((summary.degrees_of_freedom, &summary.inference), (Some(6), &None));
    let found =
        [summary.log_likelihood(), summary.aic.unwrap(), summary.bic.unwrap(), -0.5 * summary.null_deviance];
    let expected = [-47.094_122_639_276_85, 106.188_245_278_553_7, 118.754_312_651_886_3, null];
    assert_close(&found, &expected, 1e-9, &"criteria");
}

/// What the rows do not determine has no standard error, and takes it from nothing else.
#[test]
fn beside_constant_and_dependent_features() {
    let x = features();
    let constant = Array2::from_elem((60, 1), 7.25);
    let with_constant =
        concatenate![Axis(1), x.slice(ndarray::s![.., ..1]), constant, x.slice(ndarray::s![.., 1..])];
    let model = fit(&LogisticRegression::new().tol(1e-13), &frame(with_constant, labels(), None));
    let summary = model.summary();
    let inference = summary.inference.as_ref().unwrap();
    assert!(inference.standard_errors[1].is_nan() && inference.p_values[1].is_nan());
    let kept = |all: &[f64]| [all[0], all[2], all[3]];
    assert_close(&kept(&inference.standard_errors), &ERRORS, 1e-9, &"errors");
    assert_close(&kept(&inference.p_values), &P_VALUES, 1e-9, &"p values");
    assert_eq!(summary.degrees_of_freedom, Some(3));

    // The third feature is a sum of the first and a constant, in other units.
    let sum = x.column(0).mapv(|x| 1e3 * x + 5.0).insert_axis(Axis(1));
    let data = frame(concatenate![Axis(1), x, sum], labels(), None);
    let model = fit(&LogisticRegression::new().tol(1e-13), &data);
    let summary = model.summary();
    assert!(summary.converged && summary.degrees_of_freedom == Some(3), "{summary:?}");
    assert!((summary.aic.unwrap() - 71.703_520_995_921_92).abs() < 1e-9);
    let errors = &summary.inference.as_ref().unwrap().standard_errors;
    assert!(errors[0].is_nan() && errors[2].is_nan(), "{errors:?}");
    assert!((errors[1] - ERRORS[1]).abs() < 1e-8, "{errors:?}");
    let note = summary.notes.iter().find(|note| note.kind == NoteKind::RankDeficient).unwrap();
    assert_eq!(note.subjects.len(), 2, "{note:?}");

    let without = LogisticRegression::new().fit_intercept(false).tol(1e-13);
    let with_ones = concatenate![Axis(1), x, Array2::ones((60, 1))];
    let model = fit(&without, &frame(with_ones, labels(), None));
    assert_close(model.coefficients().unwrap(), &ESTIMATES, 1e-9, &"with ones");
    assert_close(&model.summary().inference.as_ref().unwrap().standard_errors, &ERRORS, 1e-9, &"with ones");
}
