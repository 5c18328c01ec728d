"""The flow of the deployments: renew the clone that the run works in, then the pipeline there.

Imports nothing of the pipeline until the clone is renewed: it would be that of the commit before.
"""

from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger
from prefect.runtime import flow_run

from flows.workspace import keep_experiment, renew


@flow(name="pb-rlsvr-scheduled", persist_result=False)
def scheduled(targets: list[str] | None = None, force: bool = False, set_params: dict[str, Any] | None = None) -> None:
    """Bring the pipeline up to date at the newest commit.

    Args:
        targets: Stages to bring up to date, with all they need; every stage where left out.
        force: Run the targets although nothing changed.
        set_params: Values in place of those of params.yaml, by dotted key: {"train.steps": 3}. Such a run is also
            kept as a DVC experiment of the flow run's name.
    """
    clone = Path.cwd()
    get_run_logger().info("commit %s in %s", renew(clone), clone)
    from flows.pipeline import run_pipeline

    stages = run_pipeline(targets, force, set_params)
    if set_params:
        keep_experiment(clone, str(flow_run.name), stages)
