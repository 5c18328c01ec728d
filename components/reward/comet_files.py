"""A COMET checkpoint's files: finding them, and reading settings and weights without running anything in them."""

from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
import yaml
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
from pydantic import ValidationError
from torch import nn

from components.contracts import PipelineError
from components.reward.comet_net import Hparams

_FILES = ["hparams.yaml", "checkpoints/model.ckpt", "*.json", "*.model"]
# In published checkpoints, and of no use: the dropout of layers while training, and a buffer of old transformers
_LEFT_OUT = (
    "layerwise_attention.dropout_mask", "layerwise_attention.dropout_fill", "encoder.model.embeddings.position_ids",
)  # fmt: skip


def find_folder(name: str) -> Path:
    """The checkpoint's folder; a hub name is downloaded.

    Raises:
        PipelineError: There is neither.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    if name.startswith((".", "/", "~")):
        raise PipelineError(f"COMET checkpoint: no such folder: {name}")
    try:
        return Path(snapshot_download(name, allow_patterns=_FILES))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise PipelineError(f"COMET checkpoint: `{name}`: no folder, and the hub does not give it ({reason})") from None


def read_hparams(path: Path) -> Hparams:
    """Read `hparams.yaml`.

    Raises:
        PipelineError: It is missing, or names a class, encoder or setting that is not covered here.
    """
    try:
        return Hparams.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise PipelineError(f"{path}: {error.strerror}; give the folder of a COMET checkpoint as published") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PipelineError(f"{path}: {' '.join(str(error).split())[:200]}") from None
    except ValidationError as error:
        first = error.errors()[0]
        field, found = ".".join(map(str, first["loc"])), first["input"]
        said = f"is `{found}`" if isinstance(found, str | int | float) else "is not there"
        raise PipelineError(f"{path}: `{field}` {said}: {first['msg']}; take another checkpoint") from None


def read_weights(net: nn.Module, path: Path) -> None:
    """Load `model.ckpt` into the network; nothing in it is executed.

    Raises:
        PipelineError: It is missing, does not load without running code, or its weights are not the network's.
    """
    try:
        checkpoint: Any = torch.load(path, map_location="cpu", weights_only=True)
        weights = {key: value for key, value in checkpoint["state_dict"].items() if key not in _LEFT_OUT}
        net.load_state_dict(weights, strict=True)
    except OSError as error:
        raise PipelineError(f"{path}: {error.strerror}; give the folder of a COMET checkpoint as published") from None
    except (UnpicklingError, RuntimeError, KeyError, TypeError, EOFError, AttributeError) as error:
        raise PipelineError(f"{path}: {' '.join(str(error).split())[:300]}") from None
