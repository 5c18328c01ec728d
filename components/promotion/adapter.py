"""The adapter that is promoted and exported, and what the report has decided about it."""

import json
from collections.abc import Mapping
from hashlib import file_digest
from pathlib import Path
from typing import Any

from components.contracts import ModelEntry, PipelineError
from components.promotion.names import public_name

ADAPTER = Path("adapters/trained")
WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
SUMMARY = Path("metrics/report.json")


def adapter_sha256(folder: Path) -> str:
    """Identity of an adapter: its weights' SHA-256.

    Raises:
        PipelineError: No adapter is there.
    """
    if missing := [name for name in (WEIGHTS, CONFIG) if not (folder / name).is_file()]:
        raise PipelineError(f"{folder}: no adapter here (no {missing[0]}); run `make repro` or `dvc repro train`")
    with (folder / WEIGHTS).open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def check_base(folder: Path, base: ModelEntry) -> None:
    """An adapter is of use on the base alone that it was trained on.

    Raises:
        PipelineError: The models are others now.
    """
    own = json.loads((folder / CONFIG).read_text(encoding="utf-8")).get("base_model_name_or_path") or base.name
    if public_name(own) != public_name(base.name):
        raise PipelineError(
            f"{folder}: was trained on {own}, and `models.policy` is {base.name} now; run `make repro`, or set it back"
        )


def read_promotion() -> Mapping[str, Any]:
    """What metrics/report.json has decided, and about which adapter (`adapter_sha256`).

    Raises:
        PipelineError: The report has not been made, or is of before there was a gate.
    """
    advice = "run `dvc repro report`"
    try:
        promotion: Mapping[str, Any] = json.loads(SUMMARY.read_text(encoding="utf-8"))["promotion"]
    except OSError as error:
        raise PipelineError(f"{SUMMARY}: {error.strerror}; {advice}") from None
    except (ValueError, KeyError):
        raise PipelineError(f"{SUMMARY}: holds no decision on promotion; {advice}") from None
    return promotion


def has_passed() -> bool:
    """Whether metrics/report.json has decided for the adapter that it is about; not where it holds no decision."""
    try:
        return bool(read_promotion()["passed"])
    except PipelineError:
        return False


def is_reported(folder: Path) -> bool:
    """Whether metrics/report.json is about this adapter.

    Raises:
        PipelineError: As `adapter_sha256` and `read_promotion`.
    """
    return bool(adapter_sha256(folder) == read_promotion()["adapter_sha256"])
