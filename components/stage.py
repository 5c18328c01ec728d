"""What every stage's `__main__` does around its work: parameters, process settings, tracking, results.

A stage imports its heavy libraries inside its `work`: the process is set up here first, and wrong parameters
are told in a second instead of after torch has been loaded.
"""

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from components.contracts import EX_TEMPFAIL, PipelineError, fingerprint, write_json
from components.environment import PARENT_RUN_ID, end_with_parent, exit_on_sigterm, prepare_process
from components.params import Params, SourceParams, load_params
from components.progress import say
from components.tracking import (
    TrackedRun,
    UnfinishedRun,
    check_store,
    log_comparison,
    make_receipt,
    numbers,
    reward_figures,
    tracked_run,
)
from components.tracking.receipt import RECEIPTS, git_state

METRICS = Path("metrics")
PACKAGED = ("gemma3-270m-gguf", "packaged-use")
NO_HUB = (*PACKAGED, "none", "local")
_SMALLER = "lower `sampling.batch_size`, `evaluate.batch_size` or `train.micro_batch_tokens`; `pb-rlsvr plan` counts"


@dataclass(frozen=True)
class Variant:
    """A stage of another file than dvc.yaml, run under a name of its own: an arm of the comparison."""

    file: Path
    stage: str
    """In `file`; its dependencies may hold `${item.KEY}`."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """In place of those of params.yaml, by dotted key."""
    item: Mapping[str, str] = field(default_factory=dict)


@dataclass
class StageRun:
    """What a stage's work is given."""

    name: str
    params: Params
    _tracked: TrackedRun
    metrics: dict[str, Any] = field(default_factory=dict)
    """Filled by the work with finite numbers (nested by name); written to metrics/<name>.json at the end."""
    _when_done: list[Callable[[], None]] = field(default_factory=list)
    _fingerprint: str | None = None
    """Where it is known already: hashing a model takes a second."""
    _variant: Variant | None = None
    _prefix: str = ""
    """Of metrics and artifacts in MLflow."""

    def part(self, name: str, values: Mapping[str, Any]) -> "StageRun":
        """A part of the work under a name of its own, with other values by dotted key, and with metrics of its own."""
        params = self.params.with_values(values)
        return replace(self, name=f"{self.name}-{name}", params=params, metrics={}, _prefix=f"{name}/")

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Send metrics of one step to MLflow."""
        self._tracked.log_metrics({f"{self._prefix}{name}": value for name, value in metrics.items()}, step)

    def log_artifact(self, path: Path, folder: str | None = None) -> None:
        """Send a file to MLflow's `folder`, or a folder under that or its own name."""
        folder = folder or (path.name if path.is_dir() else "")
        self._tracked.log_artifact(path, f"{self._prefix}{folder}".rstrip("/") or None)

    def log_rewards(self, comparison: Mapping[str, Any]) -> None:
        """Send rewards as they compare on given responses (`components.comparison`) to MLflow, a run each."""
        tags = {"dvc.stage": self.name, "stage.fingerprint": self.fingerprint()}
        params = {section: self.params.model_dump(mode="json")[section] for section in ("base", "models", "reward")}
        log_comparison(reward_figures(comparison), "offline", tags, params)

    def log_arms(self, arms: Mapping[str, Mapping[str, Any]]) -> None:
        """Send what training with each arm has brought to the same experiment, a run each."""
        params = {section: self.params.model_dump(mode="json")[section] for section in ("base", "models", "train")}
        log_comparison(arms, "trained", {"dvc.stage": self.name, "stage.fingerprint": self.fingerprint()}, params)

    def say(self, message: str) -> None:
        """Print one line that names the stage."""
        say(f"{self.name}: {message}")

    def fingerprint(self) -> str:
        """Identity of all that shapes the stage's result: what dvc.yaml declares, code, inputs and values alike."""
        return self._fingerprint or _declaration(self.name, self._variant).fingerprint(self.params)

    def when_done(self, clear: Callable[[], None]) -> None:
        """Call `clear` once metrics and receipt are written: until then unfinished work must not be cleared away."""
        self._when_done.append(clear)


def run_stage(name: str, work: Callable[[StageRun], None], variant: Variant | None = None) -> None:
    """Run `work` as the stage `name`; a `PipelineError` becomes a line a problem and exit status 1.

    The status is 75 (`EX_TEMPFAIL`) where the error may pass by itself. A lack of memory is a line, too, with status 1.
    A variant's name is `FOLDER/NAME`: its metrics and receipt lie in that folder, and its metrics in MLflow are named
    after it, so that those of all variants are the same.
    """
    exit_on_sigterm()
    if "DVC_STAGE" in os.environ:  # a stage that somebody started by hand may outlive its terminal
        end_with_parent()
    try:
        _run(name, work, variant)
    except PipelineError as error:
        for line in str(error).splitlines():
            print(f"pb-rlsvr {name}: {line}", file=sys.stderr)
        sys.exit(EX_TEMPFAIL if error.may_pass else 1)
    except Exception as error:
        if type(error).__name__ != "OutOfMemoryError":  # torch's: it is not imported here
            raise
        told = " ".join(str(error).split())[:200]
        print(f"pb-rlsvr {name}: out of memory ({told}); {_SMALLER}", file=sys.stderr)
        sys.exit(1)


def names_hub_model(params: Params) -> bool:
    """Whether a parameter names a model or a data set of the Hugging Face hub (neither packaged nor a folder)."""
    problems = params.problems
    sources = [getattr(problems.sources, split) for split in type(problems.sources).model_fields]
    hub = [source.path for source in sources if isinstance(source, SourceParams) and source.format == "hub"]
    reward = (params.reward.encoder, params.reward.translator, params.reward.comet)
    return any(map(is_hub_name, (params.models.policy, params.models.pivot, *reward, problems.translator, *hub)))


def is_hub_name(name: str) -> bool:
    """Whether a model's name can only be one of the Hugging Face hub."""
    if name in NO_HUB or name.startswith("server:"):
        return False
    return name[0] not in "./~" and not Path(name).is_dir()


def _run(name: str, work: Callable[[StageRun], None], variant: Variant | None) -> None:
    params = load_params().with_values(variant.values if variant else {})
    prepare_process(offline=not names_hub_model(params))
    check_store()
    started, clock = datetime.now(UTC), time.monotonic()
    declared = _declaration(name, variant)
    commit = git_state()["commit"]
    tags = {"dvc.stage": name, "git.commit": commit or "none"}
    run_name = f"{name}/{commit[:7]}" if commit else name
    known = _fingerprint_of_known(declared, params)
    unfinished = UnfinishedRun(name, known)
    with tracked_run(run_name, tags, os.environ.get(PARENT_RUN_ID), reopened=unfinished.find()) as tracked:
        unfinished.keep(tracked.run_id)
        values = params.model_dump(mode="json")
        tracked.log_params({section: values[section] for section in declared.sections})
        tracked.log_json(values, "params.json")
        run = StageRun(name, params, tracked, _fingerprint=known, _variant=variant)
        work(run)
        write_json(METRICS / f"{name}.json", run.metrics)
        tracked.log_metrics(numbers(name.partition("/")[0], run.metrics))
        seconds = time.monotonic() - clock
        receipt = make_receipt(name, tracked.run_id, started, seconds, tracked.degraded)
        write_json(RECEIPTS / f"{name}.json", receipt)
        for clear in run._when_done:
            clear()
        unfinished.clear()


@dataclass(frozen=True)
class Declaration:
    """What a DVC file declares for a stage (so that it is written once)."""

    sections: list[str]
    """Of params.yaml."""
    deps: list[str]

    def fingerprint(self, params: Params) -> str:
        """Of values, code and inputs.

        Raises:
            OSError: An input is missing.
        """
        values = params.model_dump(mode="json", include=set(self.sections))
        return fingerprint(values, [Path(path) for path in self.deps])


def _fingerprint_of_known(declared: Declaration, params: Params) -> str | None:
    """None where inputs are missing, which the stage itself tells better."""
    try:
        return declared.fingerprint(params)
    except OSError:
        return None


def _declaration(name: str, variant: Variant | None) -> Declaration:
    found = variant or Variant(Path("dvc.yaml"), name)
    path = found.file
    try:
        declared = yaml.safe_load(path.read_text(encoding="utf-8"))["stages"][found.stage]
        sections = [key for key in declared.get("params", []) if key in Params.model_fields]
        deps = [_filled(dependency, found.item) for dependency in declared.get("deps", [])]
    except OSError as error:
        raise PipelineError(f"{path}: {error.strerror}; run from the repository's root") from None
    except (yaml.YAMLError, KeyError, TypeError):
        raise PipelineError(f"{path}: has no readable stage `{found.stage}`; restore it from Git") from None
    return Declaration(sections, deps)


def _filled(path: str, item: Mapping[str, str]) -> str:
    for key, value in item.items():
        path = path.replace(f"${{item.{key}}}", value)
    return path
