"""`pb-rlsvr export`: the adapter, or a whole checkpoint with it folded in, for transformers, PEFT or vLLM; its prompts.

What is written names no path of this machine, and stands whole or not at all.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from components.contracts import ModelEntry, PipelineError, read_manifest, write_json, write_text
from components.params import load_params
from components.progress import say
from components.promotion.adapter import ADAPTER, CONFIG, SUMMARY, WEIGHTS, adapter_sha256, check_base, is_reported
from components.promotion.names import public_name
from components.questions import read_questions

CARD, SHOTS = Path("report/model_card.md"), Path("data/problems/shots.jsonl")
PROMPTS = "prompts.jsonl"
MERGED = (
    "This is a whole checkpoint: the base with the LoRA adapter that the card describes folded into its weights "
    "(summed in float32, rounded once)."
)


def export(out: Path, adapter: Path, merged: bool) -> None:
    """Write the folder `out`.

    Args:
        adapter: Trained by this pipeline on the policy of models/manifest.json.
        merged: Write the whole checkpoint, with the adapter folded in.

    Raises:
        PipelineError: There is no adapter, no model card of it or no base, or `out` is there already or not writable.
    """
    adapter_sha256(adapter)  # where there is none, that is told first
    base = read_manifest().policy
    check_base(adapter, base)
    card = _card(adapter, public_name(base.name))
    with _new_folder(out) as folder:
        if merged:
            _write_checkpoint(folder, adapter, base)
        else:
            _write_adapter(folder, adapter, base)
        _write_prompts(folder, base)
        write_text(folder / "README.md", _merged_card(card) if merged else card)


@contextmanager
def _new_folder(out: Path) -> Iterator[Path]:
    """A folder under another name that becomes `out` once the block has ended well."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise PipelineError(f"{out}: is there already; give a new or empty folder")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    except OSError as error:
        raise PipelineError(f"{out}: cannot write here ({error.strerror}); give another folder") from None
    try:
        yield folder
        folder.chmod(0o755)  # mkdtemp's are for their owner alone
        folder.rename(out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _card(adapter: Path, base: str) -> str:
    """The report's model card where it is about this adapter; for an adapter of no report, words that claim nothing."""
    if adapter != ADAPTER and not (SUMMARY.exists() and is_reported(adapter)):
        say(f"{adapter}: no report is about this adapter, so its README.md has no figures")
        return f"---\nlibrary_name: peft\n---\n\n# LoRA adapter of {base}\n\nNo report is about this adapter.\n"
    if not is_reported(adapter):
        raise PipelineError(f"{CARD}: is about another adapter than {adapter}; run `dvc repro report`")
    try:
        return CARD.read_text(encoding="utf-8")
    except OSError as error:
        raise PipelineError(f"{CARD}: {error.strerror}; run `dvc repro report`") from None


def _merged_card(card: str) -> str:
    _, head, text = card.split("---\n", 2)
    metadata = yaml.safe_load(head) | {"library_name": "transformers"}
    return f"---\n{yaml.safe_dump(metadata, sort_keys=False)}---\n\n{MERGED}\n{text}"


def _write_adapter(folder: Path, adapter: Path, base: ModelEntry) -> None:
    config = json.loads((adapter / CONFIG).read_text(encoding="utf-8"))
    write_json(folder / CONFIG, config | {"base_model_name_or_path": public_name(base.name)})
    shutil.copyfile(adapter / WEIGHTS, folder / WEIGHTS)


def _write_prompts(folder: Path, base: ModelEntry) -> None:
    """Each language's prompt as in training, with `{question}` in the question's place."""
    from components.generation.models import load_tokenizer
    from components.generation.prompts import PromptFormat

    asked = PromptFormat(load_tokenizer(base), read_questions(SHOTS))
    how = {"add_special_tokens": not asked.is_chat, "stop": None if asked.is_chat else "\n"}
    rows = [
        {"lang": lang, "prompt": asked.prompt_text("{question}", lang), **how} for lang in load_params().base.languages
    ]
    write_text(folder / PROMPTS, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def _write_checkpoint(folder: Path, adapter: Path, base: ModelEntry) -> None:
    """Tokenizer and weights, in the base's own number format."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    from components.generation.models import load_tokenizer

    load_tokenizer(base).save_pretrained(folder)
    model: Any = AutoModelForCausalLM.from_pretrained(
        base.folder, dtype="auto", trust_remote_code=False, use_safetensors=True
    )
    PeftModel.from_pretrained(model, adapter).merge_and_unload().save_pretrained(folder)
