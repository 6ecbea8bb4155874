//! Tunes principal components and a ridge regression on the diabetes data.
//!
//! `cargo run --release -p luthier --example quickstart`

use luthier::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/data/diabetes.csv");
    let data = DataFrame::read_csv(path, &CsvOptions::new())?;

    // The columns x0 to x9 are assembled into one vector, scaled, projected and used for a regression.
    let columns: Vec<String> = (0..10).map(|j| format!("x{j}")).collect();
    let mut pipeline = Pipeline::new();
    pipeline.add_transformer("assembler", VectorAssembler::new().input_cols(columns));
    pipeline.add("scaler", StandardScaler::new().with_mean(true).output_col("scaled"));
    let pca = pipeline.add("pca", Pca::new().input_col("scaled").output_col("components"));
    let lr = pipeline.add("lr", LinearRegression::new().features_col("components"));

    let grid = ParamGrid::new()
        .add(pca.at(Pca::K), [2, 4, 6, 8])
        .add(lr.at(LinearRegression::REG_PARAM), [0.0, 0.1, 1.0, 10.0]);
    let search = CrossValidator::new(pipeline, grid, RegressionEvaluator::new())
        .num_folds(5)
        .seed(7)
        .executor(ThreadPool::new())
        .parallelism(Parallelism::Auto)?;

    println!("{}", search.explain(&data)?);
    let tuned = search.fit(&data)?;
    println!("{}", luthier::report::leaderboard(tuned.result(), 5));

    let model = tuned.best_model();
    let explained = model.stage(&pca)?.explained_variance().sum();
    println!("best: {}", tuned.result().leaderboard()[0].params);
    println!("its components explain {:.1} % of the variance", 100.0 * explained);
    println!("r2 on all rows: {:.3}\n", model.stage(&lr)?.summary().r2);

    println!("{}", tuned.transform(&data)?.select(&["label", "prediction"])?.head(5));
    Ok(())
}
