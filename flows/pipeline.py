"""The flow: one task a stage, in the order of DVC's own graph.

Prefect caches nothing here: DVC alone knows what is stale, and a second cache could only disagree with it. A
task returns how its stage went, never data.
"""

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from components.repro import pipeline_run, repro_stage, stages_in_order
from components.tracking import ParentRun, StageStatus, read_receipt


@flow(name="pb-rlsvr", persist_result=False)
def pb_rlsvr(targets: list[str] | None = None, force: bool = False) -> None:
    """Bring the pipeline up to date.

    Args:
        targets: Stages to bring up to date, with all they need; every stage where left out.
        force: Run the targets although nothing changed.
    """
    with pipeline_run({"prefect.flow_run_id": str(flow_run.id)}) as parent:
        outcomes: dict[str, StageStatus] = {}
        for stage in stages_in_order(targets):
            outcomes[stage] = run_stage(stage, parent, force and stage in (targets or [stage]))
        create_markdown_artifact(
            key="stages",
            markdown=stage_table(outcomes, parent.run_id),
            description="How each stage went",
        )


@task(task_run_name="{stage}", cache_policy=NO_CACHE, persist_result=False)
def run_stage(stage: str, parent: ParentRun, force: bool) -> StageStatus:
    """Run `dvc repro` for one stage; a cancelled task takes DVC and the stage with it."""
    logger = get_run_logger()
    status = repro_stage(stage, parent, on_line=logger.info, force=force)
    logger.info("stage %s: %s", stage, status)
    return status


def stage_table(outcomes: dict[str, StageStatus], parent_run_id: str | None) -> str:
    """Markdown for Prefect's page: each stage, its outcome, and the run that made its results."""
    lines = [
        f"MLflow parent run: `{parent_run_id}`",
        "",
        "| stage | outcome | seconds | MLflow run |",
        "|---|---|---|---|",
    ]
    for stage, status in outcomes.items():
        receipt = read_receipt(stage) or {}
        lines.append(f"| {stage} | {status} | {receipt.get('seconds', '')} | {receipt.get('run_id', '')} |")
    return "\n".join(lines)
