//! The standard error of a score: how often `mean ± t · std_error` contains the score that is to be expected.

use luthier::prelude::*;
use luthier::tune::RepeatedKFold;
use ndarray::Array2;

use crate::data::{Random, metric};

const ROWS: usize = 60;
const FEATURES: usize = 5;
const DATA_SETS: u64 = 300;

/// About standard normal: the sum of twelve uniform numbers.
fn normal(random: &mut Random) -> f64 {
    (0..12).map(|_| random.uniform()).sum()
}

#[test]
fn intervals_contain_the_score_of_models_that_are_fitted_on_as_many_rows() {
    // Four fifths of the rows; the squared error of least squares with an intercept, where the noise has variance 1 (Stein 1960).
    let (n, p) = (48.0, FEATURES as f64);
    let expected = (n + 1.0) * (n - 2.0) / (n * (n - p - 2.0));
    // The quantile of the t distribution at 0.975 with 24 degrees of freedom: 5 times 5 rounds.
    let t = 2.0639;
    let (mut covered, mut sum) = (0, 0.0);
    for seed in 0..DATA_SETS {
        let mut random = Random::new(luthier::core::scramble(seed));
        let x = Array2::from_shape_fn((ROWS, FEATURES), |_| normal(&mut random));
        let label = x.rows().into_iter().map(|row| row.sum() + normal(&mut random)).collect();
        let data = DataFrame::from_ndarray(x, label).unwrap();
        let search =
            CrossValidator::new(LinearRegression::new(), ParamGrid::new(), metric(RegressionMetric::Mse))
                .splitter(RepeatedKFold::new().num_folds(5).num_repeats(5))
                .seed(seed);
        let tuned = search.fit(&data).unwrap();
        let own = &tuned.result().candidates[0];
        covered += u32::from((own.mean - expected).abs() <= t * own.std_error);
        sum += own.mean;
    }
    let (share, mean) = (f64::from(covered) / DATA_SETS as f64, sum / DATA_SETS as f64);
    // Nominal 95 %; of 300 data sets, three standard deviations are 3.8 %. Small samples have intervals that are too short.
    assert!((0.88..=0.99).contains(&share), "{share}");
    // The spread of the means is about 0.25.
    assert!((mean - expected).abs() < 3.0 * 0.25 / (DATA_SETS as f64).sqrt(), "{mean} against {expected}");
}
