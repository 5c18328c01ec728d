"""The flow: one task a stage, in the order of DVC's own graph.

Prefect caches nothing here: DVC alone knows what is stale, and a second cache could only disagree with it. A
task returns how its stage went, never data.
"""

import os
from collections.abc import Mapping
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.runtime import flow_run

from components.environment import SET_PARAMS
from components.params.edit import write_values
from components.repro import StageFailedError, pipeline_run, repro_stage
from components.tracking import ParentRun, StageStatus
from flows.summary import run_summary

RETRY_DELAY_S = 10


@flow(name="pb-rlsvr", persist_result=False)
def pb_rlsvr(targets: list[str] | None = None, force: bool = False) -> None:
    """Bring the pipeline up to date.

    Args:
        targets: Stages to bring up to date, with all they need; every stage where left out.
        force: Run the targets although nothing changed.
    """
    run_pipeline(targets, force)


def run_pipeline(targets: list[str] | None, force: bool, set_params: Mapping[str, Any] | None = None) -> list[str]:
    """What a flow does, in the current folder; leaves a summary in Prefect however it ends.

    Args:
        set_params: Written into params.yaml, by dotted key: DVC sees them as it sees any value, and the MLflow run
            has them as tags.

    Returns:
        The stages that are up to date now, in order.
    """
    values = dict(set_params or {})
    os.environ.pop(SET_PARAMS, None)
    if values:
        write_values(values, "set_params")
        os.environ[SET_PARAMS] = ", ".join(values)  # the stages see it: what they train is an experiment
    tags = {f"set_params.{key}": str(value) for key, value in values.items()}
    with pipeline_run({"prefect.flow_run_id": str(flow_run.id), **tags}, targets) as (parent, look):
        outcomes: dict[str, StageStatus] = {}
        try:
            stages = look.stages()
            forced = (targets or stages) if force else []
            untouched = look.up_to_date(forced)
            for stage in stages:
                outcomes[stage] = "failed"  # until it is done
                outcomes[stage] = run_stage(stage, parent, stage in forced, stage in untouched)
        finally:
            create_markdown_artifact(
                key="stages", markdown=run_summary(outcomes, parent, values), description="How each stage went"
            )
        return list(outcomes)


def may_pass(_task: object, _run: TaskRun, state: State[Any]) -> bool:
    """Whether another try can help: a server was out of reach, or the kernel ended the stage. Nothing else is."""
    error = state.data if isinstance(state.data, BaseException) else state.result(raise_on_failure=False)
    return isinstance(error, StageFailedError) and error.may_pass


@task(
    task_run_name="{stage}",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=1,
    retry_delay_seconds=RETRY_DELAY_S,
    retry_condition_fn=may_pass,
)
def run_stage(stage: str, parent: ParentRun, force: bool, untouched: bool) -> StageStatus:
    """Run `dvc repro` for a stage that DVC would not leave alone; cancelled, it takes DVC and the stage with it."""
    logger = get_run_logger()
    status = repro_stage(stage, parent, on_line=logger.info, force=force, untouched=untouched)
    logger.info("stage %s: %s", stage, status)
    return status
