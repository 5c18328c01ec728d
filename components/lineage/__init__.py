"""Where an adapter comes from, and what came of a commit: MLflow's runs joined by DVC's content hashes.

A stage's run has the hashes of what it read and of what it made as tags (`components.tracking.parent`). The run that
made what another one read is found by path and hash, so a reused stage leads to the run that made its results.
"""
