"""The comparison by training: arms that differ in one thing, on the same data, from the same warm-up, on one test."""

PREDICTIONS = "predictions.parquet"
