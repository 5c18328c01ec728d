"""`make schedule`: serve the two deployments with their schedules until Ctrl-C, on the server of `make ui`.

The workspace and `dvc.lock` are one changeable thing, so at most one scheduled run is at work. Serve from a
clone of its own, never from the folder in which somebody develops.
"""

import sys

from components.contracts import PipelineError
from flows.settings import use_prefect

TIMEZONE = "UTC"
NIGHTLY = "0 2 * * *"
WEEKLY = "0 6 * * 0"


def main() -> None:
    """Serve `nightly` (all stages) and `weekly-reward-comparison` (the audit of the rewards)."""
    try:
        if not use_prefect():
            raise PipelineError("no Prefect server is running; start one with `make ui` in another terminal")
    except PipelineError as error:
        sys.exit(f"pb-rlsvr: {error}")
    from prefect import serve
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
    from prefect.deployments.runner import RunnerDeployment
    from prefect.schedules import Cron

    from flows.pipeline import pb_rlsvr

    # A run that finds another at work waits for its turn instead of being lost.
    limit = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE)
    nightly = RunnerDeployment.from_flow(
        pb_rlsvr, "nightly", schedules=[Cron(NIGHTLY, timezone=TIMEZONE)], concurrency_limit=limit
    )
    weekly = RunnerDeployment.from_flow(
        pb_rlsvr,
        "weekly-reward-comparison",
        schedules=[Cron(WEEKLY, timezone=TIMEZONE)],
        parameters={"targets": ["calibrate"]},
        concurrency_limit=limit,
    )
    serve(nightly, weekly, limit=1)


if __name__ == "__main__":
    main()
