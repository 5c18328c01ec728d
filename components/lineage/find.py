"""What the words of `pb-rlsvr lineage` name, and its lineage."""

import re
import subprocess
from pathlib import Path

from components.contracts import PipelineError
from components.lineage.hashes import dvc_md5
from components.lineage.records import History, Lineage
from components.lineage.trace import describe, describe_pass, makers_of, trace
from components.promotion.adapter import adapter_sha256
from components.tracking import MODEL, KnownRun, KnownVersion, Lookup

ADAPTERS = ("adapters/trained", "adapters/warmup")
"""Where stages make them."""
_VERSION = re.compile(rf"{MODEL}[@/](.+)")
_RUN = re.compile(r"[0-9a-f]{32}")
_FLOW_RUN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_COMMIT = re.compile(r"[0-9a-f]{40}")


def find(what: str, lookup: Lookup) -> Lineage | History:
    """The lineage of what `what` names, or what came of it where it is a Git commit.

    Args:
        what: Folder with an adapter, id of an MLflow run (a stage's or a pass's), registered version (`pb-rlsvr/3`,
            `pb-rlsvr@champion`), id of a Prefect flow run, or a Git commit.

    Raises:
        PipelineError: There is no such thing, or the store cannot be read.
    """
    if Path(what).exists():
        return _of_adapter(Path(what), lookup)
    if match := _VERSION.fullmatch(what):
        return _of_version(_version(what, match[1], lookup), lookup)
    if _RUN.fullmatch(what):
        return _of_run(what, lookup)
    if _FLOW_RUN.fullmatch(what):
        return _of_flow_run(what, lookup)
    if commit := _commit(what):
        return _history(commit, lookup)
    raise PipelineError(
        f"{what}: no folder here, MLflow run, {MODEL}/VERSION, {MODEL}@ALIAS, Prefect flow run or Git commit"
    )


def _of_adapter(folder: Path, lookup: Lookup) -> Lineage:
    weights, md5 = adapter_sha256(folder), dvc_md5(folder)
    for path in ADAPTERS:
        for run in lookup.runs(f"dvc.out.{path}", str(md5)):
            return _of_stage(run, lookup)
    # An exported adapter has another configuration and a card, but the same weights.
    for version in lookup.versions():
        if version.adapter_sha256 == weights:
            return _of_version(version, lookup)
    raise PipelineError(f"{folder}: no run in this MLflow store made it (md5 {md5}); `pb-rlsvr repro` stamps its run")


def _version(what: str, wanted: str, lookup: Lookup) -> KnownVersion:
    versions = lookup.versions()
    for version in versions:
        if what == version.name or (what == f"{MODEL}@{wanted}" and wanted in version.aliases):
            return version
    names = ", ".join(name for one in versions for name in (one.name, *(f"{MODEL}@{alias}" for alias in one.aliases)))
    raise PipelineError(f"{what}: not registered; there is {names or 'no version yet'}")


def _of_version(version: KnownVersion, lookup: Lookup) -> Lineage:
    run = lookup.run(version.train_run_id)
    if run is None:
        raise PipelineError(f"{version.name}: {_not_here('train', version.train_run_id)}")
    return _of_stage(run, lookup)


def _of_run(run_id: str, lookup: Lookup) -> Lineage:
    run = lookup.run(run_id)
    if run is None:
        raise PipelineError(f"{run_id}: this MLflow store has no such run of the pipeline")
    return _of_stage(run, lookup) if "dvc.stage" in run.tags else _of_pass(run, lookup)


def _of_flow_run(flow_run_id: str, lookup: Lookup) -> Lineage:
    for run in lookup.runs("prefect.flow_run_id", flow_run_id):
        return _of_pass(run, lookup)
    raise PipelineError(f"{flow_run_id}: no pass in this MLflow store was run by this Prefect flow run")


def _of_stage(run: KnownRun, lookup: Lookup) -> Lineage:
    passes = lookup.runs(f"stage.{run.tags['dvc.stage']}.run_id", run.run_id)
    return trace([run], passes, lookup)


def _of_pass(run: KnownRun, lookup: Lookup) -> Lineage:
    makers = {stage: (run_id, lookup.run(run_id)) for stage, run_id in makers_of(run).items()}
    roots = [maker for _, maker in makers.values() if maker is not None]
    if not roots:
        raise PipelineError(f"{run.run_id}: this run made and reused nothing that this MLflow store knows")
    notes = [_not_here(stage, run_id) for stage, (run_id, maker) in makers.items() if maker is None]
    return trace(sorted(roots, key=lambda root: root.started), [run], lookup, notes)


def _history(commit: str, lookup: Lookup) -> History:
    runs = lookup.runs("git.commit", commit)
    if not runs:
        raise PipelineError(f"{commit}: no run in this MLflow store came of this commit")
    passes = [run for run in runs if "dvc.stage" not in run.tags]
    trained = [run for run in runs if run.tags.get("dvc.stage") == "train" and run.tags_under("dvc.out.")]
    used = dict.fromkeys(makers["train"] for makers in map(makers_of, passes) if "train" in makers)
    adapters = {run_id: lookup.run(run_id) for run_id in used} | {run.run_id: run for run in trained}
    return History(
        commit,
        tuple(describe_pass(run, lookup) for run in passes),
        tuple(describe(run, lookup) for run in adapters.values() if run is not None),
        tuple(version for version in lookup.versions() if version.train_run_id in adapters),
        tuple(_not_here("train", run_id) for run_id, run in adapters.items() if run is None),
    )


def _not_here(stage: str, run_id: str) -> str:
    return f"{stage}: run {run_id}, which made its results, is not in this MLflow store"


def _commit(what: str) -> str | None:
    """The whole id; one that this clone does not have may be known to the store."""
    if _COMMIT.fullmatch(what):
        return what
    command = ["git", "rev-parse", "--verify", "--quiet", f"{what}^{{commit}}"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or None
