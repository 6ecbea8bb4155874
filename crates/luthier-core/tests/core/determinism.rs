//! The same bits for any number of threads, and wherever the data lie in memory.

use std::sync::Arc;

use luthier_core::frame::DataFrame;
use luthier_core::frame::arrow_array::{Array, FixedSizeListArray, Float64Array, RecordBatch};
use luthier_core::frame::arrow_schema::{DataType, Field};
use luthier_core::{
    Blocks, Dataset, EstimatorExt, Moments, MomentsSpec, Need, Pipeline, QrFactor, Rows, json,
};
use rayon::ThreadPoolBuilder;

use crate::parts::{Concat, Log1p, Random, Ridge, Scale, frame, in_one_wave, pure};

fn with_threads<T: Send>(threads: usize, f: impl FnOnce() -> T + Send) -> T {
    ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(f)
}

fn bits(data: &DataFrame) -> String {
    let rows = data.num_rows();
    let folds = Blocks::new((0..rows as u32).map(|i| (i ^ (i >> 3)) % 4).collect(), 4).unwrap();
    let data = Dataset::with_blocks(data.clone(), folds).unwrap();
    let spec = MomentsSpec::new(["features", "label"]);
    let needs = [Need::summary::<Moments>(spec.clone()), Need::summary::<QrFactor>(spec.clone())];
    let sets: Vec<Rows> = (0..4).flat_map(|fold| [Rows::except(fold), Rows::only(fold)]).collect();
    let (view, _) = in_one_wave(&data, &needs, 4);
    let logged = data.through(pure(Log1p::new().input_col("weight"))).unwrap();
    let mut all = Vec::new();
    for set in sets {
        let view = view.select(&set);
        all.push(json::to_value(&*view.summarize::<Moments>(&spec).unwrap()).unwrap());
        all.push(json::to_value(&*view.summarize::<QrFactor>(&spec).unwrap()).unwrap());
        let logged = logged.select(&set).summarize::<Moments>(&MomentsSpec::new(["logged", "a"])).unwrap();
        all.push(json::to_value(&*logged).unwrap());
    }
    serde_json::to_string(&all).unwrap()
}

fn fitted(data: &DataFrame) -> String {
    let mut pipeline = Pipeline::new();
    pipeline.add_transformer("join", Concat::new().input_cols(["a", "features", "b"]).output_col("joined"));
    pipeline.add("scale", Scale::new().input_col("joined"));
    pipeline.add("ridge", Ridge::new().features_col("scaled").reg_param(0.01));
    let model = pipeline.fit_frame(data).unwrap();
    serde_json::to_string(&json::to_value(&model).unwrap()).unwrap()
}

#[test]
fn results_do_not_depend_on_threads() {
    let data = frame(3000, 7, 1);
    let (summaries, model) = (bits(&data), fitted(&data));
    for repeat in 0..5 {
        for threads in [1, 2, 3, 8] {
            let (a, b) = with_threads(threads, || (bits(&data), fitted(&data)));
            assert!(a == summaries, "summaries differ on {threads} threads, repeat {repeat}");
            assert!(b == model, "models differ on {threads} threads, repeat {repeat}");
        }
    }
}

/// The same rows at every offset of eight bytes from a cache line.
#[test]
fn results_do_not_depend_on_where_the_data_lie() {
    for (rows, width) in [(257, 3), (640, 8), (333, 37)] {
        let values: Vec<f64> = {
            let mut random = Random(9);
            (0..rows * width).map(|_| random.next()).collect()
        };
        let at = |offset: usize| {
            let mut padded = vec![0.0; offset * width];
            padded.extend(&values);
            let item = Arc::new(Field::new_list_field(DataType::Float64, true));
            let list =
                FixedSizeListArray::new(item, width as i32, Arc::new(Float64Array::from(padded)), None);
            let list = list.slice(offset, rows);
            let batch = RecordBatch::try_from_iter([("x", Arc::new(list) as Arc<dyn Array>)]).unwrap();
            // Buffers of other lengths in between move what is allocated next.
            let _between: Vec<Vec<f64>> = (0..offset).map(|i| vec![0.0; 17 * i + 1]).collect();
            let data = Dataset::new(DataFrame::from_batches(vec![batch]).unwrap());
            let spec = MomentsSpec::new(["x"]);
            let moments = data.aggregate::<Moments>(&spec).unwrap();
            let factor = data.aggregate::<QrFactor>(&spec).unwrap();
            let eigen = luthier_core::linalg::symmetric_eigen(moments.scatter().view()).unwrap();
            format!("{moments:?} {factor:?} {eigen:?}")
        };
        let first = at(0);
        for offset in 1..12 {
            assert!(at(offset) == first, "{rows}×{width} at offset {offset}");
        }
    }
}

/// Products of slices that begin anywhere.
#[test]
fn products_do_not_depend_on_alignment() {
    let mut random = Random(4);
    for (n, k, m) in [(5, 7, 3), (64, 33, 17), (200, 40, 40), (513, 12, 1)] {
        let (a, b) = (random.matrix(n, k), random.matrix(k, m));
        let mut seen = Vec::new();
        for shift in 0..9 {
            let mut buffer = vec![0.0; shift];
            buffer.extend(a.iter());
            let a = ndarray::ArrayView2::from_shape((n, k), &buffer[shift..]).unwrap();
            let mut gram = ndarray::Array2::zeros((k, k));
            luthier_core::linalg::add_gram_lower(&mut gram, a);
            seen.push((luthier_core::linalg::matmul(a, b.view()), gram));
        }
        assert!(seen.windows(2).all(|w| w[0] == w[1]), "{n}×{k}×{m}");
    }
}
