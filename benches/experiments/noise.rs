//! Does the best of many candidates that know nothing look better than chance, and does the procedure?

use luthier::prelude::*;
use luthier::tune::{KFold, Nested};
use rayon::prelude::*;

use crate::simulated::{Random, frame};
use crate::statistics::{mean, share, t_quantile};

const ROWS: usize = 200;
const FEATURES: usize = 40;
const CANDIDATES: usize = 200;
/// The number of features of a candidate.
const OWN: usize = 4;
const FOLDS: u32 = 10;
/// The area under the roc of scores that know nothing.
const CHANCE: f64 = 0.5;

/// A mean and its standard error.
type Score = (f64, f64);

/// The best candidate's score, and that of the procedure.
fn one(seed: u64) -> anyhow::Result<[Score; 2]> {
    let mut random = Random::new(1, seed);
    let data = frame(ROWS, FEATURES, &mut random, |_, random| f64::from(u8::from(random.uniform() < 0.5)))?;
    let mut pipeline = Pipeline::new();
    let slicer = VectorSlicer::new().input_col("features").output_col("own");
    let own = pipeline.add_transformer("own", slicer);
    // Its predictions rank the rows as those of a linear discriminant.
    pipeline.add("regression", LinearRegression::new().features_col("own"));
    let subsets: Vec<Vec<usize>> = (0..CANDIDATES).map(|_| random.some(OWN, FEATURES)).collect();
    let grid = ParamGrid::new().add(own.at(VectorSlicer::INDICES), subsets);
    let area = BinaryClassificationEvaluator::new().raw_prediction_col("prediction");
    let folds = KFold::new().num_folds(FOLDS).stratify("label".to_owned());
    let search = CrossValidator::new(pipeline, grid, area).splitter(folds).seed(seed);
    let tuned = search.nested(Nested::On).parallelism(1)?.fit(&data)?;
    let result = tuned.result();
    let best = result.best_candidate().ok_or_else(|| anyhow::anyhow!("no candidate has a mean"))?;
    let procedure =
        result.procedure.as_ref().ok_or_else(|| anyhow::anyhow!("the procedure was not scored"))?;
    Ok([(best.mean, best.std_error), (procedure.mean, procedure.std_error)])
}

/// Prints the table.
pub(crate) fn run(data_sets: u64) -> anyhow::Result<()> {
    let scores: Vec<[Score; 2]> = (0..data_sets).into_par_iter().map(one).collect::<anyhow::Result<_>>()?;
    let t = t_quantile(0.95, FOLDS as usize - 1)?;
    println!(
        "{data_sets} data sets of {ROWS} rows and {FEATURES} features, labels by coin; {CANDIDATES} candidates, each with {OWN} \
         features; area under the roc, {FOLDS} folds\n"
    );
    println!("| score | mean (95 % interval) | above chance | by one standard error | significant at 5 % |");
    println!("|---|---|---|---|---|");
    for (name, place) in [("of the best candidate", 0), ("of the procedure (nested)", 1)] {
        let of: Vec<Score> = scores.iter().map(|both| both[place]).collect();
        let (centre, error) = mean(&of.iter().map(|(mean, _)| *mean).collect::<Vec<_>>());
        let above = |errors: f64| {
            share(of.iter().filter(|(mean, error)| mean - errors * error > CHANCE).count(), of.len())
        };
        println!(
            "| {name} | {centre:.4} ({:.4}–{:.4}) | {} | {} | {} |",
            centre - 1.96 * error,
            centre + 1.96 * error,
            above(0.0),
            above(1.0),
            above(t)
        );
    }
    Ok(())
}
