"""`pb-rlsvr lineage`: find, print, verify."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from rich.box import SIMPLE_HEAD
from rich.table import Table

from components.contracts import PipelineError
from components.lineage.find import ADAPTERS, find
from components.lineage.records import History, Lineage, Made, Pass
from components.lineage.verify import Check, verify
from components.progress import print_wide, say
from components.tracking import KnownVersion, Lookup

NAMED = {"Reference set": "data/reference/references.jsonl", "Calibration": "data/calibrate/calibration"}
NUM_PASSES = 10
"""That are printed: a nightly run that reuses all adds one a day."""


def show(what: str, recompute: bool, as_json: bool) -> None:
    """Print the lineage of `what` (`components.lineage.find`).

    Args:
        recompute: Compare its hashes with the workspace.
        as_json: Print everything as one JSON object instead of tables.

    Raises:
        PipelineError: Nothing was found, or a hash of the workspace is another than the recorded one.
    """
    found = find(what, Lookup())
    if recompute and isinstance(found, History):
        raise PipelineError(f"{what}: a commit has no hashes to verify; give an adapter or a run that came of it")
    checks = verify(found) if recompute and isinstance(found, Lineage) else ()
    if as_json:
        told = [asdict(check) | {"outcome": check.outcome} for check in checks]
        print(json.dumps(asdict(found) | {"checks": told}, default=datetime.isoformat, indent=2, ensure_ascii=False))
    elif isinstance(found, Lineage):
        _print_lineage(found)
        _print_checks(checks)
    else:
        _print_history(found)
    _refuse_others(checks)


def _print_lineage(lineage: Lineage) -> None:
    newest = lineage.passes[0].stages if lineage.passes else {}
    _print_stages(lineage.stages, newest)
    _print_files(lineage.stages)
    for name, path in NAMED.items():
        for made in lineage.stages:
            if path in made.outs:
                say(f"{name}: {path} {made.outs[path]}, run {made.run_id}, commit {made.commit}")
    _print_passes(lineage.passes)
    _print_end(lineage.versions, lineage.notes)


def _print_history(history: History) -> None:
    say(f"Commit {history.commit}")
    _print_passes(history.passes)
    if history.adapters:
        _print_stages(history.adapters, {})
    for made in history.adapters:
        for path in made.outs.keys() & set(ADAPTERS):
            say(f"Adapter: {path} {made.outs[path]}, run {made.run_id}")
    _print_end(history.versions, history.notes)


def _print_stages(stages: Sequence[Made], newest: Mapping[str, str]) -> None:
    table = Table("stage", "made by the run", "started (UTC)", "seconds", "commit", "newest pass", "parameters",
                  box=SIMPLE_HEAD, padding=0)  # fmt: skip
    for made in stages:
        seconds = "–" if made.seconds is None else f"{made.seconds:.1f}"
        table.add_row(
            made.stage, made.run_id, _when(made.started), seconds, _commit(made.commit, made.dirty),
            newest.get(made.stage, "–"), made.params_hash,
        )  # fmt: skip
    print_wide(table)


def _print_files(stages: Sequence[Made]) -> None:
    """Each file once, with who made it and who read it: together the graph of the lineage."""
    makers = {item: made.stage for made in stages for item in made.outs.items()}
    readers: dict[tuple[str, str], list[str]] = {item: [] for item in makers}
    for made in stages:
        for item in made.deps.items():
            readers.setdefault(item, []).append(made.stage)
    table = Table("path", "md5", "made by", "read by", box=SIMPLE_HEAD, padding=0)
    for path, md5 in sorted(readers):
        table.add_row(path, md5, makers.get((path, md5), "–"), ", ".join(readers[path, md5]) or "–")
    print_wide(table)


def _print_passes(passes: Sequence[Pass]) -> None:
    if not passes:
        return
    table = Table("pass", "started (UTC)", "status", "commit", "dvc.lock", "stages", box=SIMPLE_HEAD, padding=0)
    for one in passes[:NUM_PASSES]:
        table.add_row(
            one.run_id, _when(one.started), one.status, _commit(one.commit, one.dirty),
            (one.dvc_lock_sha256 or "–")[:8], "; ".join(_outcomes(one.stages)) or "–",
        )  # fmt: skip
    if len(passes) > NUM_PASSES:
        table.caption = f"{len(passes) - NUM_PASSES} older ones: --json has them"
    print_wide(table)
    for one in passes[:NUM_PASSES]:
        if one.prefect_flow_run_id:
            say(f"Prefect flow run {one.prefect_flow_run_id}: pass {one.run_id}")


def _outcomes(stages: Mapping[str, str]) -> Iterator[str]:
    for status in dict.fromkeys(stages.values()):
        yield f"{status} {', '.join(stage for stage, own in stages.items() if own == status)}"


def _print_end(versions: Sequence[KnownVersion], notes: Sequence[str]) -> None:
    for version in versions:
        aliases = "".join(f" @{alias}" for alias in version.aliases)
        say(f"Registered: {version.name}{aliases}, adapter sha256 {version.adapter_sha256}")
    for note in notes:
        say(f"Not known: {note}")


def _print_checks(checks: Sequence[Check]) -> None:
    for check in checks:
        say(f"{check.outcome:8}{check.name}")


def _refuse_others(checks: Sequence[Check]) -> None:
    wrong = [check.name for check in checks if check.outcome != "equal"]
    if wrong:
        raise PipelineError(
            f"{len(wrong)} of {len(checks)} hashes are not the recorded ones, the first that of {wrong[0]}; "
            "go to the commit (`git checkout`), then `dvc checkout`"
        )


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _commit(commit: str, dirty: bool | None) -> str:
    return f"{commit[:7]}{' dirty' if dirty else ''}"
