//! How often does `mean ± t · std_error` contain the score that is to be expected?

use luthier::prelude::*;
use luthier::tune::{KFold, Nested, RepeatedKFold, SearchResult, ShuffleSplit};
use rayon::prelude::*;

use crate::simulated::{Random, frame};
use crate::statistics::{mean, share, t_quantile};

/// How rows are split.
#[derive(Debug, Clone, Copy)]
enum Scheme {
    KFold(u32),
    Repeated { folds: u32, repeats: u32 },
    Shuffle { splits: u32, train_ratio: f64 },
}

impl Scheme {
    fn name(self) -> String {
        match self {
            Self::KFold(k) => format!("{k} folds"),
            Self::Repeated { folds, repeats } => format!("{repeats} × {folds} folds"),
            Self::Shuffle { splits, train_ratio } => format!("{splits} random splits, {train_ratio}"),
        }
    }

    fn rounds(self) -> usize {
        match self {
            Self::KFold(k) => k as usize,
            Self::Repeated { folds, repeats } => (folds * repeats) as usize,
            Self::Shuffle { splits, .. } => splits as usize,
        }
    }

    /// The number of training rows of a round.
    fn training_rows(self, rows: usize) -> f64 {
        let rows = rows as f64;
        match self {
            Self::KFold(k) | Self::Repeated { folds: k, .. } => rows * (1.0 - 1.0 / f64::from(k)),
            Self::Shuffle { train_ratio, .. } => rows * train_ratio,
        }
    }

    fn search(self, search: CrossValidator<LinearRegression>) -> CrossValidator<LinearRegression> {
        match self {
            Self::KFold(k) => search.splitter(KFold::new().num_folds(k)),
            Self::Repeated { folds, repeats } => {
                search.splitter(RepeatedKFold::new().num_folds(folds).num_repeats(repeats))
            }
            Self::Shuffle { splits, train_ratio } => {
                search.splitter(ShuffleSplit::new().num_splits(splits).train_ratio(train_ratio))
            }
        }
    }
}

/// A linear label with noise of variance 1 in standard normal features.
#[derive(Debug, Clone, Copy)]
struct Case {
    rows: usize,
    features: usize,
    scheme: Scheme,
}

/// The weight of every feature.
const WEIGHT: f64 = 0.2;

/// A fitted search: the score of a candidate or procedure, its standard error, and the error of the final model on new rows.
#[derive(Debug, Clone, Copy)]
struct Score {
    mean: f64,
    std_error: f64,
    of_model: f64,
}

impl Case {
    /// The expected squared error of least squares with an intercept, fitted on so many rows (Stein 1960).
    fn expected(self) -> f64 {
        let (n, p) = (self.scheme.training_rows(self.rows), self.features as f64);
        (n + 1.0) * (n - 2.0) / (n * (n - p - 2.0))
    }

    fn fit(self, grid: ParamGrid, nested: Nested, seed: u64) -> anyhow::Result<(SearchResult, f64)> {
        let mut random = Random::new(2, seed);
        let data = frame(self.rows, self.features, &mut random, |row, random| {
            WEIGHT * row.iter().sum::<f64>() + random.normal()
        })?;
        let error = RegressionEvaluator::new().metric(RegressionMetric::Mse);
        let search = self.scheme.search(CrossValidator::new(LinearRegression::new(), grid, error));
        let tuned = search.nested(nested).seed(seed).parallelism(1)?.fit(&data)?;
        let model = tuned.best_model();
        let missed = model.coefficients().iter().map(|own| (own - WEIGHT).powi(2)).sum::<f64>();
        Ok((tuned.result().clone(), 1.0 + missed + model.intercept().powi(2)))
    }

    /// One candidate: least squares.
    fn plain(self, seed: u64) -> anyhow::Result<Score> {
        let (result, of_model) = self.fit(ParamGrid::new(), Nested::Off, seed)?;
        let one = result.best_candidate().ok_or_else(|| anyhow::anyhow!("there is no score"))?;
        Ok(Score { mean: one.mean, std_error: one.std_error, of_model })
    }

    /// The procedure that chooses among penalties, and the candidate that it chooses on all rows.
    fn chosen(self, seed: u64) -> anyhow::Result<(Score, Score)> {
        let penalties: Vec<f64> = (0..20).map(|i| 10f64.powf(-3.0 + 0.25 * f64::from(i))).collect();
        let grid = ParamGrid::new().add(LinearRegression::REG_PARAM, penalties);
        let (result, of_model) = self.fit(grid, Nested::On, seed)?;
        let best = result.best_candidate().ok_or_else(|| anyhow::anyhow!("there is no score"))?;
        let all = result.procedure.as_ref().ok_or_else(|| anyhow::anyhow!("the procedure was not scored"))?;
        let procedure = Score { mean: all.mean, std_error: all.std_error, of_model };
        Ok((procedure, Score { mean: best.mean, std_error: best.std_error, of_model }))
    }
}

/// A row of the table: how often the interval contains the expected score, and the error of the final model.
fn row(name: &str, case: Case, scores: &[Score], expected: f64) -> anyhow::Result<()> {
    let rounds = case.scheme.rounds();
    let t = t_quantile(0.975, rounds - 1)?;
    let n = scores.len();
    let covers = |truth: &dyn Fn(&Score) -> f64| {
        let within = |score: &&Score| (score.mean - truth(score)).abs() <= t * score.std_error;
        share(scores.iter().filter(within).count(), n)
    };
    let means: Vec<f64> = scores.iter().map(|score| score.mean).collect();
    let (centre, error) = mean(&means);
    let spread = error * (n as f64).sqrt();
    let squares: f64 = scores.iter().map(|score| score.std_error.powi(2)).sum();
    let said = (squares / n as f64).sqrt();
    println!(
        "| {name} | {} | {} | {} | {expected:.4} | {centre:.4} ± {error:.4} | {spread:.4} | {said:.4} | {} | {} |",
        case.rows,
        case.features,
        case.scheme.name(),
        covers(&|_| expected),
        covers(&|score| score.of_model),
    );
    Ok(())
}

/// Prints the table.
pub(crate) fn run(repetitions: u64) -> anyhow::Result<()> {
    println!("{repetitions} data sets a row, nominal 95 %\n");
    println!(
        "| score | rows | features | scheme | expected | mean of the means | their spread | standard error (rms) | contains the \
         expected score | contains the error of the final model |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let schemes = [
        Scheme::KFold(5),
        Scheme::KFold(10),
        Scheme::Repeated { folds: 5, repeats: 10 },
        Scheme::Repeated { folds: 10, repeats: 10 },
        Scheme::Shuffle { splits: 10, train_ratio: 0.75 },
        Scheme::Shuffle { splits: 50, train_ratio: 0.9 },
    ];
    for (rows, features) in [(60, 5), (200, 5), (1_000, 5), (200, 60)] {
        for scheme in schemes {
            let case = Case { rows, features, scheme };
            let scores: anyhow::Result<Vec<Score>> =
                (0..repetitions).into_par_iter().map(|seed| case.plain(seed)).collect();
            row("least squares", case, &scores?, case.expected())?;
        }
    }
    for (rows, features) in [(100, 20), (400, 20)] {
        for scheme in [Scheme::KFold(5), Scheme::KFold(10)] {
            let case = Case { rows, features, scheme };
            let both: anyhow::Result<Vec<(Score, Score)>> =
                (0..repetitions).into_par_iter().map(|seed| case.chosen(seed)).collect();
            let (procedure, best): (Vec<Score>, Vec<Score>) = both?.into_iter().unzip();
            // Every outer round fits on as many rows and chooses in the same way, so the mean over data sets has no bias.
            let (expected, _) = mean(&procedure.iter().map(|score| score.mean).collect::<Vec<_>>());
            row("procedure over 20 penalties", case, &procedure, expected)?;
            row("the best of 20 penalties", case, &best, expected)?;
        }
    }
    Ok(())
}
