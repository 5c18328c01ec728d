"""The deployments and the process that runs them; started in the clone by `flows.deploy`."""

import asyncio
import fcntl
import sys
from pathlib import Path

from prefect import serve
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy, StateType
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron
from prefect.states import Crashed

from flows.scheduled import scheduled

TIMEZONE = "UTC"
NIGHTLY, NIGHTLY_AT = "nightly", "0 2 * * *"
WEEKLY, WEEKLY_AT = "weekly-reward-comparison", "0 6 * * 0"
LOCK = Path(".cache/serve.lock")


def main() -> None:
    """Serve `nightly` (all stages) and `weekly-reward-comparison` (the audit of the rewards)."""
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    with LOCK.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"pb-rlsvr: {Path.cwd()}: its deployments are served already; stop that first")
        num_dead = asyncio.run(mark_dead_runs())
        if num_dead:
            print(f"{num_dead} flow runs had no end: what ran them died; marked as crashed")
        # A run that finds another at work waits for its turn instead of being lost.
        limit = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE)
        nightly = RunnerDeployment.from_flow(
            scheduled, NIGHTLY, schedules=[Cron(NIGHTLY_AT, timezone=TIMEZONE)], concurrency_limit=limit
        )
        weekly = RunnerDeployment.from_flow(
            scheduled,
            WEEKLY,
            schedules=[Cron(WEEKLY_AT, timezone=TIMEZONE)],
            parameters={"targets": ["calibrate"]},
            concurrency_limit=limit,
        )
        serve(nightly, weekly, limit=1)


async def mark_dead_runs() -> int:
    """Mark flow runs of these deployments as crashed that are said to run: what ran them held the lock, and is gone."""
    running = FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.PENDING, StateType.CANCELLING])
    async with get_client() as client:
        found = await client.read_flow_runs(
            deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=[NIGHTLY, WEEKLY])),
            flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=running)),
        )
        for run in found:
            await client.set_flow_run_state(run.id, Crashed(message="what ran it died"), force=True)
    return len(found)


if __name__ == "__main__":
    main()
