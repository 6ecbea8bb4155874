"""Spark's side: `TrainValidationSplit` and `CrossValidator` on two local cores, data cached."""

import time
from typing import Any

import numpy as np
from pyspark.ml import Pipeline
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.evaluation import BinaryClassificationEvaluator, RegressionEvaluator
from pyspark.ml.feature import PCA
from pyspark.ml.functions import array_to_vector
from pyspark.ml.regression import LinearRegression
from pyspark.ml.tuning import CrossValidator, ParamGridBuilder, TrainValidationSplit
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from peer import Answer, serve

TRAIN_RATIO, SEED = 0.8, 42

session = (
    SparkSession.builder.master("local[2]")
    .config("spark.driver.memory", "4g")
    .config("spark.ui.enabled", "false")
    .config("spark.sql.shuffle.partitions", "2")
    .getOrCreate()
)
session.sparkContext.setLogLevel("ERROR")
loaded: dict[str, Any] = {}


def load(name: str, path: str, grid: dict[str, list[Any]], fold_path: str) -> Answer:
    """Caches the rows and writes which of them Spark's own split holds out (fold 0)."""
    frame = session.read.parquet(path).select(array_to_vector("features").alias("features"), "label", "row").cache()
    frame.count()
    pairs = np.array([tuple(pair) for pair in frame.select("row", F.rand(SEED)).collect()])
    fold = np.empty(len(pairs), dtype=np.int64)
    fold[pairs[:, 0].astype(np.int64)] = np.where(pairs[:, 1] >= TRAIN_RATIO, 0, 1)
    np.save(fold_path, fold)
    pca = PCA(inputCol="features", outputCol="components")
    lr = LinearRegression(featuresCol="components", standardization=False)
    params = {"pca.k": pca.k, "lr.reg_param": lr.regParam}
    candidates = ParamGridBuilder()
    for key, values in grid.items():
        candidates.addGrid(params[key], values)
    loaded[name] = (frame, Pipeline(stages=[pca, lr]), candidates.build())
    return {"rows": len(fold), "partitions": frame.rdd.getNumPartitions()}


def search(name: str, parallelism: int) -> Answer:
    frame, pipeline, candidates = loaded[name]
    split = TrainValidationSplit(
        estimator=pipeline,
        estimatorParamMaps=candidates,
        evaluator=RegressionEvaluator(metricName="rmse"),
        trainRatio=TRAIN_RATIO,
        seed=SEED,
        parallelism=parallelism,
    )
    start = time.perf_counter()
    model = split.fit(frame)
    seconds = time.perf_counter() - start
    metrics = list(model.validationMetrics)
    return {"seconds": seconds, "best": int(np.argmin(metrics)), "metrics": [[metric] for metric in metrics]}


def load_logistic(name: str, path: str) -> Answer:
    features = array_to_vector("features").alias("features")
    frame = session.read.parquet(path).select(features, "label", F.col("fold").cast("int").alias("fold")).cache()
    loaded[name] = frame
    return {"rows": frame.count(), "partitions": frame.rdd.getNumPartitions()}


def cross_validate(
    name: str, penalties: list[float], parallelism: int, tol: float = 1e-6, max_iter: int = 100
) -> Answer:
    """Seconds, and the mean of the exact area under the roc by penalty."""
    frame = loaded[name]
    lr = LogisticRegression(standardization=False, tol=tol, maxIter=max_iter)
    validator = CrossValidator(
        estimator=lr,
        estimatorParamMaps=ParamGridBuilder().addGrid(lr.regParam, penalties).build(),
        evaluator=BinaryClassificationEvaluator(numBins=0),
        numFolds=int(frame.agg(F.max("fold")).first()[0]) + 1,
        foldCol="fold",
        parallelism=parallelism,
    )
    start = time.perf_counter()
    metrics = list(validator.fit(frame).avgMetrics)
    return {"seconds": time.perf_counter() - start, "best": int(np.argmax(metrics)), "metrics": metrics}


serve({action.__name__: action for action in (load, search, load_logistic, cross_validate)})
