//! The guides of `docs/guide`; all code in them is compiled and run.

// In the Markdown files, guides link to each other by file name. The first definition of a link counts, so these lead to
// the pages here.
macro_rules! guides {
    ($($name:ident = $file:literal),* $(,)?) => {$(
        #[doc = "[Getting started]: crate::guide::getting_started"]
        #[doc = "[Coming from Spark]: crate::guide::coming_from_spark"]
        #[doc = "[Coming from scikit-learn]: crate::guide::coming_from_scikit_learn"]
        #[doc = "[Features from raw columns]: crate::guide::features"]
        #[doc = "[Reading data]: crate::guide::reading_data"]
        #[doc = "[Splitting rows]: crate::guide::splitting_rows"]
        #[doc = "[Searching]: crate::guide::searching"]
        #[doc = "[Seeing a search]: crate::guide::seeing_a_search"]
        #[doc = "[Classification]: crate::guide::classification"]
        #[doc = "[How sharing works]: crate::guide::how_sharing_works"]
        #[doc = "[Writing an estimator]: crate::guide::writing_an_estimator"]
        #[doc = "[How much parallelism]: crate::guide::how_much_parallelism"]
        #[doc = "[Writing an evaluator]: crate::guide::writing_an_evaluator"]
        #[doc = "[Writing a splitter]: crate::guide::writing_a_splitter"]
        #[doc = "[Writing a strategy]: crate::guide::writing_a_strategy"]
        #[doc = "[Writing an executor]: crate::guide::writing_an_executor"]
        #[doc = ""]
        #[doc = include_str!(concat!("../guide/", $file))]
        pub mod $name {}
    )*};
}

guides! {
    getting_started = "getting-started.md",
    coming_from_spark = "coming-from-spark.md",
    coming_from_scikit_learn = "coming-from-scikit-learn.md",
    reading_data = "reading-data.md",
    features = "features.md",
    splitting_rows = "splitting-rows.md",
    searching = "searching.md",
    seeing_a_search = "seeing-a-search.md",
    long_searches = "long-searches.md",
    growing_data = "growing-data.md",
    classification = "classification.md",
    serving = "serving.md",
    how_sharing_works = "how-sharing-works.md",
    how_much_parallelism = "how-much-parallelism.md",
    writing_an_estimator = "writing-an-estimator.md",
    writing_an_evaluator = "writing-an-evaluator.md",
    writing_a_splitter = "writing-a-splitter.md",
    writing_a_strategy = "writing-a-strategy.md",
    writing_an_executor = "writing-an-executor.md",
}

/// The code of the README, which is not part of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct Readme;
