"""From a name in params.yaml to a checkpoint's folder (packaged, local, of the Hugging Face hub) or a served model."""

from pathlib import Path

from huggingface_hub import constants, snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
from safetensors import SafetensorError, safe_open
from transformers import AutoConfig, AutoTokenizer

from components.contracts import ModelEntry, PipelineError, fingerprint
from components.models.packaged import PACKAGED_MODEL, convert_packaged
from components.progress import say

_SERVED = "server:"

# What a checkpoint is made of here: no pickles, no code.
_FILES = ["*.safetensors", "*.json", "*.model", "*.txt", "*.jinja"]
_TOKENIZER_FILES = ["tokenizer.*", "vocab.*", "*.model"]


def served_pivot(name: str) -> str | None:
    """The served model's name in `server:NAME`; None where `name` is a checkpoint's.

    Raises:
        PipelineError: `server:` stands alone.
    """
    if not name.startswith(_SERVED):
        return None
    if not (served := name.removeprefix(_SERVED).strip()):
        raise PipelineError("params.yaml: `models.pivot`: `server:` needs a name behind it, as the server lists it")
    return served


def resolve(role: str, name: str, packaged_folder: Path) -> ModelEntry:
    """Find (and for the packaged model, make) the checkpoint `name` of `role` (`policy` or `pivot`).

    Raises:
        PipelineError: No such folder or hub name, or the folder is no checkpoint in safetensors; or the model is behind
            a server, where it cannot be trained.
    """
    key = f"params.yaml: `models.{role}`"
    if name.startswith(_SERVED):
        raise PipelineError(f"{key}: `{name}` cannot be trained behind a server; give a folder or a Hugging Face name")
    if name == PACKAGED_MODEL:
        folder = packaged_folder
        if not (folder / "config.json").is_file():
            say(f"{role}: turning the packaged GGUF into a bf16 checkpoint (about a minute)")
            convert_packaged(folder)
    else:
        folder = _local_or_hub(key, name)
    of_hub = folder.is_relative_to(cache := Path(constants.HF_HUB_CACHE))
    _check(key, folder)
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        num_parameters = _num_parameters(folder)
    except (ValueError, OSError, SafetensorError) as error:
        raise PipelineError(f"{key}: {folder}: {' '.join(str(error).split())[:200]}") from None
    return ModelEntry(
        name=name,
        path=str(folder.relative_to(cache) if of_hub else folder),
        in_hub_cache=of_hub,
        fingerprint=fingerprint(None, sorted(file for pattern in _FILES for file in folder.glob(pattern))),
        has_chat_template=bool(tokenizer.chat_template),
        num_parameters=num_parameters,
    )


def _local_or_hub(key: str, name: str) -> Path:
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    if name.startswith((".", "/", "~")):
        raise PipelineError(f"{key}: no such folder: {name}")
    try:
        return Path(snapshot_download(name, allow_patterns=_FILES))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise PipelineError(
            f"{key}: `{name}` is no folder here and the hub does not give it ({reason}); a folder's "
            "name begins with ./ or /, and a gated model needs its licence accepted and `hf auth login` (or HF_TOKEN)"
        ) from None


def _check(key: str, folder: Path) -> None:
    if (folder / "adapter_config.json").is_file() and not (folder / "config.json").is_file():
        raise PipelineError(
            f"{key}: {folder} is a LoRA adapter; fold it into its base first (peft: merge_and_unload, save_pretrained)"
        )
    if not (folder / "config.json").is_file():
        raise PipelineError(f"{key}: {folder} has no config.json; give the folder of a Hugging Face checkpoint")
    if not list(folder.glob("*.safetensors")):
        raise PipelineError(
            f"{key}: {folder} has no *.safetensors; convert its weights (pickled weights are not loaded)"
        )
    if not any(list(folder.glob(pattern)) for pattern in _TOKENIZER_FILES):  # transformers would make an empty one up
        raise PipelineError(f"{key}: {folder} has no tokenizer; save it there (tokenizer.json)")
    try:
        AutoConfig.from_pretrained(folder, trust_remote_code=False)
    except (ValueError, OSError) as error:
        raise PipelineError(f"{key}: {folder}/config.json: {' '.join(str(error).split())[:200]}") from None


def _num_parameters(folder: Path) -> int:
    total = 0
    for file in folder.glob("*.safetensors"):
        with safe_open(file, framework="pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118 - not a dict
                shape = tensors.get_slice(name).get_shape()
                count = 1
                for size in shape:
                    count *= size
                total += count
    return total
