//! Laws that hold for any data: optimality conditions, independence of the grid, agreement of the routes.

use ndarray::{Array1, Array2};
use proptest::prelude::*;

use super::data::Rows;
use crate::linear::linear_regression::moments::NormalEquations;
use crate::linear::linear_regression::scaling::About;
use crate::linear::linear_regression::solve::{
    Fit, FitError, FitOptions, Outcome, Solver, fit_factor, fit_normal_equations, spread,
};
use crate::linear::linear_regression::statistics::Goodness;
use crate::linear::linear_regression::unit::UnitSystem;

/// The largest violation of the optimality conditions, recomputed from the rows in unit coordinates:
/// gradient `xᵀw(y − ŷ)/(W u v)` against the penalty's.
pub(super) fn violation(rows: &Rows, options: &FitOptions, fit: &Fit) -> f64 {
    let (weight, mean) = rows.mean();
    let d = rows.x.ncols();
    let reduced = weight - rows.w.dot(&rows.w) / weight;
    let divisor = if options.solver == Solver::LBfgs { reduced } else { weight };
    let column = |j: usize, origin: f64| match j {
        j if j == d => &rows.y - origin,
        j => &rows.x.column(j) - origin,
    };
    let origin = |j: usize| if options.fit_intercept { mean[j] } else { 0.0 };
    let moved = |j: usize| column(j, origin(j));
    let square = |v: &Array1<f64>| (&rows.w * v).dot(v);
    let deviation = |j: usize| (square(&column(j, mean[j])) / divisor).sqrt();
    let unit = |j: usize| (square(&moved(j)) / weight).sqrt();
    let v = unit(d);
    let fitted = (0..d).fold(Array1::<f64>::zeros(rows.y.len()), |f, j| f + moved(j) * fit.coefficients[j]);
    let residual = moved(d) - fitted;
    let (lambda, alpha) = (options.reg_param, options.elastic_net_param);
    (0..d)
        .map(|j| {
            if deviation(j) <= 1e-15 * mean[j].abs() {
                return if fit.coefficients[j] == 0.0 { 0.0 } else { f64::INFINITY };
            }
            let u = unit(j);
            let s = if options.standardization { deviation(j) } else { 1.0 };
            let gradient = (&rows.w * &moved(j)).dot(&residual) / (weight * u * v);
            let l2 = match lambda {
                0.0 => 0.0,
                _ => lambda * (1.0 - alpha) / deviation(d) * s * s * fit.coefficients[j] / (u * v),
            };
            let l1 = lambda * alpha * s / (u * v);
            match fit.coefficients[j] {
                0.0 => (gradient.abs() - l1).max(0.0),
                b => (gradient - l2 - l1.copysign(b)).abs(),
            }
        })
        .fold(0.0, f64::max)
}

/// Correlated features with outlandish scales and offsets, weights with zeros.
fn data() -> impl Strategy<Value = Rows> {
    let features = 4;
    let rows = 30;
    (
        prop::collection::vec(-1.0..1.0f64, rows * (features + 1)).no_shrink(),
        prop::collection::vec(0..4u8, rows).no_shrink(),
        prop::collection::vec(-8..=8i32, features + 1),
        prop::collection::vec(prop::sample::select(vec![0.0, 1.0, 1e3, 1e6]), features + 1),
    )
        .prop_map(move |(values, weights, exponents, offsets)| {
            let at = |i: usize, j: usize| values[i * (features + 1) + j];
            let x = Array2::from_shape_fn((rows, features), |(i, j)| {
                let shared = if j > 0 { 0.7 * at(i, j - 1) } else { 0.0 };
                (at(i, j) + shared + offsets[j]) * 10f64.powi(exponents[j])
            });
            let y = Array1::from_shape_fn(rows, |i| {
                let signal: f64 = (0..features).map(|j| at(i, j) * (j as f64 - 1.2)).sum();
                (signal + 0.3 * at(i, features) + offsets[features]) * 10f64.powi(exponents[features])
            });
            let mut rows = Rows::new(x, y);
            rows.w = weights.iter().map(|w| f64::from(*w) * 0.5).collect();
            rows.w[0] = 1.0;
            rows.w[1] = 1.0;
            rows
        })
}

/// A penalty relative to what the label's scale makes useful.
fn penalties() -> impl Strategy<Value = (f64, f64, bool)> {
    (
        prop::sample::select(vec![0.0, 1e-6, 1e-3, 0.05, 0.3, 1.0, 30.0]),
        prop::sample::select(vec![0.0, 0.01, 0.5, 1.0]),
        any::<bool>(),
    )
}

fn label_scale(rows: &Rows) -> f64 {
    let (weight, mean) = rows.mean();
    let y = &rows.y - mean[mean.len() - 1];
    ((&rows.w * &y).dot(&y) / weight).sqrt()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn optimality_conditions_hold(rows in data(), (strength, alpha, standardization) in penalties(), fit_intercept: bool, which in 0..4usize) {
        let solver = [Solver::Auto, Solver::Normal, Solver::Qr, Solver::LBfgs][which];
        let options = FitOptions {
            reg_param: strength * label_scale(&rows),
            elastic_net_param: alpha,
            fit_intercept,
            standardization,
            solver,
            ..FitOptions::default()
        };
        // Far from zero and without intercept, features are copies of each other to the Gram matrix, and `normal`
        // was told to do with it.
        let mean = rows.mean().1;
        let far = |j: &usize| mean[*j].powi(2) > 1e4 * rows.x.column(*j).var(0.0);
        if solver == Solver::Normal && alpha > 0.0 && !fit_intercept && (0..4).filter(far).count() > 1 {
            return Ok(());
        }
        let fit = rows.fit(&options);
        let violation = violation(&rows, &options, &fit);
        // What the rounding of the fitted values leaves, in units of the label.
        let (weight, mean) = rows.mean();
        let norm = |v: Array1<f64>| ((&rows.w * &v).dot(&v) / weight).sqrt();
        let origin = |j: usize| if fit_intercept { mean[j] } else { 0.0 };
        let size: f64 = (0..4).map(|j| norm((&rows.x.column(j) - origin(j)) * fit.coefficients[j])).sum();
        let rounding = 32.0 * f64::EPSILON * size / norm(&rows.y - origin(4));
        prop_assert!(violation < 1e-12 + rounding, "{violation:e} {options:?} {fit:?}");
        prop_assert!(fit.iterations <= if alpha > 0.0 { 60 } else { 100 }, "{} iterations", fit.iterations);
        prop_assert!(fit.objective_history.windows(2).all(|w| w[1] <= w[0] + 1e-10 * fit.objective_history[0]), "{:?}", fit.objective_history);
    }

    #[test]
    fn a_grid_gives_the_bits_of_each_alone(rows in data(), fit_intercept: bool) {
        let scale = label_scale(&rows);
        let mut grid = Vec::new();
        for strength in [0.3, 0.0, 1e-4, 0.07, 2.0] {
            for (elastic_net_param, standardization, solver) in [
                (0.0, true, Solver::Auto), (0.5, true, Solver::Auto), (0.0, false, Solver::Normal),
                (1.0, false, Solver::Normal), (0.0, true, Solver::LBfgs), (0.5, true, Solver::LBfgs),
            ] {
                let reg_param = strength * scale;
                grid.push(FitOptions { reg_param, elastic_net_param, standardization, solver, fit_intercept, ..FitOptions::default() });
            }
        }
        let (moments, factor) = (rows.moments(), rows.factor(7));
        let by_moments = |o: &[FitOptions]| fit_normal_equations(&moments, o).outcomes;
        let by_factor = |o: &[FitOptions]| fit_factor(&factor, o).outcomes;
        let bits = |o: &Result<Outcome, FitError>| match o {
            Ok(Outcome::Fitted(f)) => f.coefficients.iter().map(|v| v.to_bits()).chain([f.intercept.to_bits()]).collect::<Vec<_>>(),
            Ok(Outcome::NeedsFactor { condition }) => vec![condition.to_bits()],
            other => panic!("{other:?}"),
        };
        for (options, shared) in grid.iter().zip(by_moments(&grid)) {
            prop_assert_eq!(bits(&shared), bits(&by_moments(std::slice::from_ref(options))[0]));
        }
        for (options, shared) in grid.iter().zip(by_factor(&grid)) {
            prop_assert_eq!(bits(&shared), bits(&by_factor(std::slice::from_ref(options))[0]));
        }
    }

    #[test]
    fn the_factor_answers_as_the_moments_do(rows in data(), (strength, _, standardization) in penalties(), fit_intercept: bool, block in 1..40usize) {
        let options = FitOptions {
            reg_param: strength * label_scale(&rows),
            standardization,
            fit_intercept,
            solver: Solver::Normal,
            ..FitOptions::default()
        };
        let (moments, factor) = (rows.moments(), rows.factor(block));
        let by_moments = fit_normal_equations(&moments, std::slice::from_ref(&options)).outcomes.remove(0).unwrap();
        let by_factor = fit_factor(&factor, &[FitOptions { solver: Solver::Qr, ..options }]).outcomes.remove(0).unwrap();
        let (Outcome::Fitted(a), Outcome::Fitted(b)) = (by_moments, by_factor) else { panic!("not fitted") };
        if a.condition.unwrap() > 1e3 {
            return Ok(());
        }
        // In units: what each feature contributes to the prediction, over the label's deviation.
        for j in 0..rows.x.ncols() {
            let (w, about) = (moments.weight_sum, f64::from(u8::from(!fit_intercept)));
            let square = |centred: f64, mean: f64| centred + about * w * mean * mean;
            let unit = (square(moments.xx[[j, j]], moments.x_mean[j]) / square(moments.yy, moments.y_mean)).sqrt();
            prop_assert!((a.coefficients[j] - b.coefficients[j]).abs() * unit < 1e-9);
        }
        let (Some(p), Some(q)) = (&a.inverse_diagonal, &b.inverse_diagonal) else { panic!("no errors") };
        for (p, q) in p.iter().zip(q) {
            prop_assert!((p / q - 1.0).abs() < 1e-8, "{p} {q}");
        }
        let first = Goodness::from_moments(&moments, a.coefficients.view(), a.intercept, (a.rank, fit_intercept));
        let second = Goodness::from_factor(&factor, b.coefficients.view(), b.intercept, (b.rank, fit_intercept));
        let digits = first.residual.digits.min(second.residual.digits).min(11.0) - 2.0;
        let error = (first.residual.value / second.residual.value - 1.0).abs();
        // The two means differ by rounding, which weighs as much as they exceed the residuals.
        let size = a.intercept.abs() + moments.y_mean.abs() + a.coefficients.mapv(f64::abs).dot(&moments.x_mean.mapv(f64::abs));
        let means = 64.0 * f64::EPSILON * size / first.root_mean_squared_error();
        prop_assert!(error < 10f64.powf(-digits) + means, "{error:e} {digits}");
    }
}

fn fitted(moments: &NormalEquations, options: &FitOptions) -> Fit {
    match fit_normal_equations(moments, std::slice::from_ref(options)).outcomes.remove(0).unwrap() {
        Outcome::Fitted(fit) => fit,
        other => panic!("{other:?}"),
    }
}

fn diabetes() -> Rows {
    Rows::spark("diabetes.csv", false)
}

#[test]
fn one_decomposition_serves_every_ridge() {
    let moments = diabetes().moments();
    let grid: Vec<FitOptions> = [0.0, 0.01, 0.1, 1.0, 10.0]
        .map(|reg_param| FitOptions { reg_param, ..FitOptions::default() })
        .to_vec();
    assert_eq!(fit_normal_equations(&moments, &grid).factorisations, 1);
    let mut raw = grid.clone();
    raw.extend(grid.into_iter().map(|o| FitOptions { standardization: false, ..o }));
    // One more in the scale of the penalty, and eigenvalues alone for its condition, whatever else is in the grid.
    assert_eq!(fit_normal_equations(&moments, &raw).factorisations, 3);
}

#[test]
fn no_iterations_answer_with_the_mean() {
    let moments = diabetes().moments();
    for (solver, elastic_net_param) in [(Solver::LBfgs, 0.0), (Solver::LBfgs, 0.5), (Solver::Normal, 1.0)] {
        let options =
            FitOptions { reg_param: 0.1, elastic_net_param, solver, max_iter: 0, ..FitOptions::default() };
        let fit = fitted(&moments, &options);
        assert!(fit.coefficients.iter().all(|b| *b == 0.0));
        assert_eq!((fit.intercept, fit.iterations, fit.objective_history.len()), (moments.y_mean, 0, 1));
        let few = fitted(&moments, &FitOptions { max_iter: 3, ..options });
        assert!(few.iterations <= 3 && few.objective_history.len() == few.iterations + 1);
        assert!(few.objective_history[few.iterations] < few.objective_history[0]);
    }
}

#[test]
fn duplicates_and_wide_data_end_well() {
    let n = 20;
    let noise = |i: usize, j: usize| ((i * 31 + j * 17 + i * i * j) as f64).sin();
    // 60 features of 20 rows, the last 30 copies of the first.
    let x = Array2::from_shape_fn((n, 60), |(i, j)| noise(i, j % 30 + 1));
    let y = Array1::from_shape_fn(n, |i| 3.0 * noise(i, 1) - noise(i, 2) + 0.1 * noise(i, 77));
    let rows = Rows::new(x, y);
    for solver in [Solver::Auto, Solver::Normal, Solver::Qr, Solver::LBfgs] {
        for (reg_param, elastic_net_param) in
            [(0.0, 0.0), (0.1, 0.0), (0.01, 0.5), (0.01, 1.0), (1e-7, 1.0), (1e9, 1.0)]
        {
            let options = FitOptions { reg_param, elastic_net_param, solver, ..FitOptions::default() };
            let fit = rows.fit(&options);
            let violation = violation(&rows, &options, &fit);
            assert!(violation < 1e-10, "{violation:e} {options:?} after {} iterations", fit.iterations);
            if elastic_net_param == 0.0 {
                for j in 0..30 {
                    let (a, b) = (fit.coefficients[j], fit.coefficients[j + 30]);
                    assert!((a - b).abs() < 1e-8 * (1.0 + a.abs()), "{a} {b}");
                }
            }
            if reg_param == 0.0 {
                assert!(fit.inverse_diagonal.is_none());
            }
        }
    }
}

#[test]
fn ill_conditioned_data_ask_for_the_factor() {
    let x = Array2::from_shape_fn((50, 2), |(i, j)| {
        (i as f64).sin() + if j == 1 { 1e-4 * (i as f64).cos() } else { 0.0 }
    });
    let y = Array1::from_shape_fn(50, |i| (i as f64 * 0.3).cos());
    let moments = Rows::new(x, y).moments();
    let batch = fit_normal_equations(
        &moments,
        &[FitOptions::default(), FitOptions { reg_param: 10.0, ..FitOptions::default() }],
    );
    assert!(matches!(batch.outcomes[0], Ok(Outcome::NeedsFactor { condition }) if condition > 1e7));
    assert!(matches!(&batch.outcomes[1], Ok(Outcome::Fitted(fit)) if fit.condition.unwrap() > 1e7));
}

#[test]
fn degenerate_data_have_a_defined_answer() {
    let mut moments = diabetes().moments();
    let options = FitOptions::default();
    let error = |m: &NormalEquations| {
        fit_normal_equations(m, std::slice::from_ref(&options)).outcomes.remove(0).unwrap_err()
    };
    moments.xx[[0, 0]] = f64::INFINITY;
    assert_eq!(error(&moments), FitError::NotFinite);
    moments.xx.fill(f64::NAN);
    assert_eq!(error(&moments), FitError::NotFinite);
    moments.weight_sum = 0.0;
    assert!(error(&moments).to_string().contains("442 rows with a total weight of 0"));

    let constant =
        Rows::new(Array2::from_shape_fn((3, 2), |(i, j)| (i * i + j) as f64), Array1::from_elem(3, 0.1));
    for solver in [Solver::Auto, Solver::Normal, Solver::Qr, Solver::LBfgs] {
        let fit = constant.fit(&FitOptions { reg_param: 1.0, solver, ..options.clone() });
        assert_eq!((fit.coefficients.sum(), fit.intercept, fit.objective_history), (0.0, 0.1, vec![0.0]));
        let plain = constant.fit(&FitOptions { fit_intercept: false, solver, ..options.clone() });
        assert!(plain.coefficients.iter().any(|b| *b != 0.0));
    }
    let single = Rows::new(Array2::ones((1, 2)), Array1::ones(1));
    assert_eq!(single.fit(&options).intercept, 1.0);
}

#[test]
fn orthogonal_features_are_fitted_one_by_one() {
    let n = 64;
    let wave = |i: usize, k: usize| (std::f64::consts::TAU * ((i * (k + 1)) % n) as f64 / n as f64).cos();
    let x = Array2::from_shape_fn((n, 6), |(i, k)| 10f64.powi(k as i32 - 3) * wave(i, k));
    let y = Array1::from_shape_fn(n, |i| {
        (0..6).map(|k| (k as f64 - 2.5) * wave(i, k)).sum::<f64>() + (i as f64).sin()
    });
    let rows = Rows::new(x, y);
    let moments = rows.moments();
    let gram = UnitSystem::new(&moments, &spread(&moments.totals()), About::Mean).gram;
    assert!(gram.rows().into_iter().all(|row| row.mapv(f64::abs).sum() < 1.0 + 1e-13), "{gram}");
    for reg_param in [0.0, 0.1, 10.0] {
        for standardization in [true, false] {
            let options = FitOptions { reg_param, standardization, ..FitOptions::default() };
            let (fit, exact) =
                (fitted(&moments, &options), rows.fit(&FitOptions { solver: Solver::Qr, ..options.clone() }));
            let violation = violation(&rows, &options, &fit);
            assert!(violation < 1e-14, "{violation:e} {options:?}");
            let errors = fit.inverse_diagonal.unwrap() / exact.inverse_diagonal.unwrap();
            assert!(errors.iter().all(|r| (r - 1.0).abs() < 1e-12), "{errors}");
            assert!((fit.condition.unwrap() - 1.0).abs() < 1e-12);
        }
    }
}
