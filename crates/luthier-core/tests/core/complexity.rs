//! Which of two configurations is simpler.

use std::cmp::Ordering::{self, Equal, Greater, Less};

use luthier_core::frame::{ColumnType, Field, Schema};
use luthier_core::params::Simpler;
use luthier_core::{
    Dataset, DynEstimator, Estimator, FitContext, ParamMap, Params, Pipeline, PipelineModel, Required, Value,
};

use crate::parts::Scale;

macro_rules! stage {
    ($name:ident, $registered:literal, $output:literal) => {
        impl Estimator for $name {
            const NAME: &'static str = $registered;
            type Model = PipelineModel;

            fn fit(&self, _: &Dataset, _: &FitContext) -> anyhow::Result<PipelineModel> {
                Ok(PipelineModel::new(Vec::new()))
            }

            fn outputs(&self, _: &Schema) -> anyhow::Result<Vec<Field>> {
                Ok(vec![Field::new($output, ColumnType::AnyVector)])
            }
        }
    };
}

/// A reduction of the features.
#[derive(Debug, Clone, Params)]
struct Reduce {
    /// Number of components.
    #[param(range = 1.., simpler = smaller)]
    k: Required<usize>,
    /// Column to reduce.
    #[param(default = "scaled", column = input)]
    input_col: String,
    /// Reduced column.
    #[param(default = "reduced", column = output)]
    output_col: String,
}
stage!(Reduce, "complexity.reduce", "reduced");

/// A regression.
#[derive(Debug, Clone, Params)]
struct Regression {
    /// Strength of the penalty.
    #[param(default = 1.0, range = 0.0.., simpler = larger)]
    penalty: f64,
    /// Largest depth.
    #[param(simpler = smaller)]
    depth: Option<u64>,
    /// Whether to centre.
    #[param(default = true)]
    centre: bool,
    /// Column of features.
    #[param(default = "reduced", column = input)]
    features_col: String,
}
stage!(Regression, "complexity.regression", "prediction");

fn of(scale: bool, k: Option<usize>, lr: Regression) -> Box<dyn DynEstimator> {
    let mut whole = Pipeline::new();
    whole.add("scale", Scale::new());
    whole.add("reduce", Reduce::new().k(k.unwrap_or(1)));
    whole.add("lr", lr);
    let mut params = ParamMap::new();
    params.insert("scale.enabled", scale);
    params.insert("reduce.enabled", k.is_some());
    DynEstimator::clone_box(&whole).with_params(&params).unwrap()
}

fn compare(a: &dyn DynEstimator, b: &dyn DynEstimator) -> Option<Ordering> {
    a.compare_complexity(b)
}

fn lr(penalty: f64) -> Regression {
    Regression::new().penalty(penalty)
}

#[test]
fn declared_orders_decide() {
    let base = of(true, Some(3), lr(1.0));
    assert_eq!(compare(&*of(true, Some(3), lr(1.0)), &*base), Some(Equal));
    assert_eq!(compare(&*of(true, Some(3), lr(2.0)), &*base), Some(Less), "a larger penalty");
    assert_eq!(compare(&*of(true, Some(2), lr(1.0)), &*base), Some(Less), "fewer components");
    assert_eq!(compare(&*of(true, Some(2), lr(2.0)), &*base), Some(Less), "both");
    assert_eq!(compare(&*of(true, Some(2), lr(0.5)), &*base), None, "fewer components, a smaller penalty");
}

#[test]
fn other_differences_are_not_weighed() {
    let base = of(true, Some(3), lr(1.0));
    assert_eq!(compare(&*of(true, Some(3), lr(2.0).centre(false)), &*base), None);
    assert_eq!(compare(&*of(true, Some(3), lr(2.0).features_col("scaled")), &*base), None);
    assert_eq!(compare(&*of(true, Some(3), lr(2.0).depth(3u64)), &*base), None, "no depth and some depth");
    let deep = of(true, Some(3), lr(1.0).depth(u64::MAX));
    assert_eq!(compare(&*of(true, Some(3), lr(1.0).depth(3u64)), &*deep), Some(Less), "beyond i64::MAX");
    assert_eq!(compare(&*of(true, Some(3), lr(1.0).depth(u64::MAX - 1)), &*deep), Some(Less));
}

#[test]
fn numbers_alone_have_an_order() {
    let order = |a: Value, b: Value| Simpler::Larger.compare(&a, &b);
    assert_eq!(order(2.0.into(), 1.0.into()), Some(Less));
    assert_eq!(order(f64::INFINITY.into(), 1e300.into()), Some(Less));
    assert_eq!(order(0.0.into(), (-0.0).into()), Some(Equal));
    assert_eq!(order(f64::NAN.into(), 1.0.into()), None);
    assert_eq!(order(Value::Null, 1.0.into()), None);
    assert_eq!(order("b".into(), "a".into()), None);
    assert_eq!(Simpler::Smaller.compare(&2.into(), &1.into()), Some(Greater));
}

#[test]
fn a_stage_that_is_left_out_makes_the_rest_simpler() {
    let base = of(true, Some(3), lr(1.0));
    let without = of(false, Some(3), lr(1.0));
    assert_eq!(without.get_value("reduce.input_col").unwrap(), "features".into(), "it reads another column");
    assert_eq!(compare(&*without, &*base), Some(Less));
    assert_eq!(compare(&*base, &*without), Some(Greater));
    assert_eq!(compare(&*of(false, Some(3), lr(2.0)), &*base), Some(Less), "and a larger penalty");
    assert_eq!(compare(&*of(false, Some(3), lr(0.5)), &*base), None, "but a smaller penalty");
    assert_eq!(compare(&*of(true, None, lr(1.0)), &*base), None, "all features or three components");
    assert_eq!(compare(&*of(true, None, lr(1.0)), &*of(false, Some(3), lr(1.0))), None, "one each");
}

#[test]
fn nested_stages_are_compared_by_their_dotted_names() {
    let nest = |stages: Pipeline, penalty| {
        let features = Regression::new().penalty(penalty).features_col("scaled");
        Box::new(Pipeline::new().stage("prepare", stages).stage("lr", features)) as Box<dyn DynEstimator>
    };
    let one = || Pipeline::new().stage("scale", Scale::new().output_col("scaled"));
    let two = || {
        let first = Pipeline::new().stage("first", Scale::new().output_col("first"));
        first.stage("scale", Scale::new().input_col("first").output_col("scaled"))
    };
    assert_eq!(compare(&*nest(one(), 1.0), &*nest(two(), 1.0)), Some(Less));
    assert_eq!(compare(&*nest(one(), 0.5), &*nest(two(), 1.0)), None);
    assert_eq!(compare(&*nest(two(), 2.0), &*nest(two(), 1.0)), Some(Less));
}

#[test]
fn other_types_and_orders_of_stages_are_not_comparable() {
    let boxed = |pipeline: Pipeline| Box::new(pipeline) as Box<dyn DynEstimator>;
    let (a, b) = (Scale::new(), Reduce::new().k(2).input_col("features"));
    let ab = boxed(Pipeline::new().stage("a", a.clone()).stage("b", b.clone()));
    let ba = boxed(Pipeline::new().stage("b", b.clone()).stage("a", a.clone()));
    let other = boxed(Pipeline::new().stage("a", b).stage("b", a));
    assert_eq!(compare(&*ab, &*ba), None);
    assert_eq!(compare(&*ab, &*other), None);
    assert_eq!(compare(&*ab, &lr(1.0)), None);
    assert_eq!(compare(&lr(2.0), &lr(1.0)), Some(Less), "a stage alone");
}

#[test]
fn it_is_a_partial_order() {
    let mut all = Vec::new();
    for scale in [true, false] {
        for k in [None, Some(1), Some(2)] {
            for penalty in [0.0, 1.0, 2.0] {
                all.push(of(scale, k, lr(penalty)));
                all.push(of(scale, k, lr(penalty).centre(false)));
                all.push(of(scale, k, lr(penalty).depth(4u64)));
            }
        }
    }
    let mut comparable = 0;
    for a in &all {
        for b in &all {
            let ab = compare(&**a, &**b);
            assert_eq!(compare(&**b, &**a), ab.map(Ordering::reverse));
            comparable += usize::from(ab == Some(Less));
            for c in all.iter().filter(|_| ab == Some(Less)) {
                if compare(&**b, &**c) == Some(Less) {
                    assert_eq!(compare(&**a, &**c), Some(Less), "{a:?} < {b:?} < {c:?}");
                }
            }
        }
    }
    // For each of the three kinds of regression: without components, 2 × 3 configurations are ordered by scaling and penalty; with
    // them, 2 × 2 × 3 by scaling, components and penalty. Of n × m pairs in product order, those that are not equal.
    let pairs = |sizes: &[usize]| {
        let weak: usize = sizes.iter().map(|n| n * (n + 1) / 2).product();
        weak - sizes.iter().product::<usize>()
    };
    assert_eq!(comparable, 3 * (pairs(&[2, 3]) + pairs(&[2, 2, 3])));
}
