"""From runs back to the runs that made what they read."""

from collections.abc import Sequence
from datetime import datetime

from components.lineage.hashes import params_hash
from components.lineage.records import Lineage, Made, Pass
from components.tracking import KnownRun, Lookup

GIVEN = ("components/", "sources")
"""What stages read from here, code and the user's own files, no run has made."""


def trace(roots: Sequence[KnownRun], passes: Sequence[KnownRun], lookup: Lookup, notes: Sequence[str] = ()) -> Lineage:
    """The lineage of `roots`, runs of stages that `passes` contain; `notes` is what is not known already."""
    walk = _Walk(lookup, max(root.started for root in roots))
    for root in roots:
        walk.visit(root)
    run_ids = set(walk.made)
    return Lineage(
        tuple(describe(run, lookup) for run in walk.made.values()),
        tuple(describe_pass(run, lookup) for run in passes),
        tuple(version for version in lookup.versions() if version.train_run_id in run_ids),
        (*notes, *walk.notes),
    )


class _Walk:
    """Depth first, so that each run comes after those whose results it read."""

    def __init__(self, lookup: Lookup, until: datetime) -> None:
        """Equal results may have been made several times: what counts is the last time before `until`."""
        self.made: dict[str, KnownRun] = {}
        self.notes: list[str] = []
        self._lookup, self._until = lookup, until
        self._seen: set[str] = set()

    def visit(self, run: KnownRun) -> None:
        """Put `run` after all that it depends on."""
        if run.run_id in self._seen:
            return
        self._seen.add(run.run_id)
        if "dvc.lock.sha256" not in run.tags:
            self.notes.append(
                f"{run.tags['dvc.stage']}: run {run.run_id} ({run.status}) has no hashes: `pb-rlsvr repro` and `flow` "
                "stamp what finished"
            )
        for path, md5 in run.tags_under("dvc.dep.").items():
            if not path.startswith(GIVEN):
                self._visit_maker(path, md5)
        self.made[run.run_id] = run

    def _visit_maker(self, path: str, md5: str) -> None:
        makers = (run for run in self._lookup.runs(f"dvc.out.{path}", md5) if run.started <= self._until)
        maker = next(makers, None)
        note = f"{path} ({md5}): no run in this MLflow store made it"
        if maker is not None:
            self.visit(maker)
        elif note not in self.notes:
            self.notes.append(note)


def describe(run: KnownRun, lookup: Lookup) -> Made:
    """A stage's run."""
    parent_id = run.tags.get("mlflow.parentRunId")
    parent = lookup.run(parent_id) if parent_id else None
    return Made(
        stage=run.tags["dvc.stage"],
        run_id=run.run_id,
        started=run.started,
        seconds=run.seconds,
        commit=run.tags.get("git.commit", "none"),
        dirty=parent.tags.get("git.dirty") == "true" if parent else None,
        sections=tuple(sorted({key.partition(".")[0] for key in run.params})),
        params_hash=params_hash(run.params),
        deps=run.tags_under("dvc.dep."),
        outs=run.tags_under("dvc.out."),
        dvc_lock_sha256=run.tags.get("dvc.lock.sha256"),
    )


def describe_pass(run: KnownRun, lookup: Lookup) -> Pass:
    """A pass's run."""
    statuses = run.tags_under("stage.")
    return Pass(
        run_id=run.run_id,
        started=run.started,
        status=run.status,
        commit=run.tags.get("git.commit", "none"),
        dirty=run.tags.get("git.dirty") == "true",
        stages={key.removesuffix(".status"): status for key, status in statuses.items() if key.endswith(".status")},
        prefect_flow_run_id=run.tags.get("prefect.flow_run_id"),
        dvc_lock_sha256=lookup.lock_sha256(run.run_id),
    )


def makers_of(run: KnownRun) -> dict[str, str]:
    """Ids of the runs whose results a pass made or reused, by stage."""
    tags = run.tags_under("stage.")
    return {key.removesuffix(".run_id"): value for key, value in tags.items() if key.endswith(".run_id")}
