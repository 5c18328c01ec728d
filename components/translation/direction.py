"""How a translation checkpoint is told its two languages: by tokens of its tokenizer, or not at all."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from components.contracts import PipelineError

CODES = Path(__file__).with_name("codes.yaml")
_EVERY_LANGUAGE = "mul"  # OPUS-MT's name of a source of any language


@dataclass(frozen=True, slots=True)
class Direction:
    """From one language into another, in one checkpoint's words."""

    first_token: str | None = None
    """The token that the translation is made to begin with; None where there is none."""
    source: str | None = None
    """The tokenizer's name for the source; None where it takes none."""
    prefix: str = ""
    """In front of each text."""


def find_direction(tokenizer: Any, name: str, target: str, source: str) -> Direction:  # noqa: ANN401
    """The direction in the words of the checkpoint `name`, by its tokenizer.

    Raises:
        PipelineError: `codes.yaml` lacks a language, or the checkpoint does not translate in this direction.
    """
    codes = _read_codes()
    for missing in [code for code in (target, source) if code not in codes]:
        raise PipelineError(f"{CODES}: no language `{missing}`; add how translation models name it")
    for into, out_of in zip(codes[target]["first"], codes[source]["first"], strict=True):
        if _knows(tokenizer, into) and _knows(tokenizer, out_of):
            return Direction(first_token=into, source=out_of.strip("_"))  # M2M100: `en`
    said = tokenizer.init_kwargs.get("source_lang")
    if said not in (None, _EVERY_LANGUAGE, *codes[source]["names"], *codes[source]["groups"]):
        raise PipelineError(f"{name} translates from `{said}`, not from `{source}`; take one that does")
    for token in codes[target]["prefix"]:
        if _knows(tokenizer, token):
            return Direction(prefix=f"{token} ")
    if tokenizer.init_kwargs.get("target_lang") in codes[target]["names"]:  # of one pair, or of many into one
        return Direction()
    raise PipelineError(
        f"{name} does not translate `{source}` to `{target}`: its tokenizer names no such pair; take one that does"
    )


def _knows(tokenizer: Any, token: str | None) -> bool:  # noqa: ANN401
    # not get_vocab(): M2M100's leaves its languages out
    return token is not None and tokenizer.convert_tokens_to_ids(token) not in (None, tokenizer.unk_token_id)


@cache
def _read_codes() -> dict[str, Any]:
    return dict(yaml.safe_load(CODES.read_text(encoding="utf-8")))
