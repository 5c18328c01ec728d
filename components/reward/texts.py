"""What of a response is judged: the text that a reader sees, without its thought, whole or cut into steps."""

import re
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache

from components.lang.thoughts import split_thought

Completion = str | Sequence[Mapping[str, str]]
"""As TRL hands it over: a text, or the messages of a chat."""

_FILLERS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"  # blank by definition, though no format characters
_HALVES = "\ud800-\udfff"  # of surrogate pairs: no characters, and no encoder takes them


def _format(first: int, last: int) -> str:
    return "".join(re.escape(chr(code)) for code in range(first, last + 1) if unicodedata.category(chr(code)) == "Cf")


# A class with some characters past the first plane is read far slower than one with all: these are looked at again.
_INVISIBLE = re.compile(f"[{_format(0, 0xFFFF)}{_FILLERS}\ufe00-\ufe0f{_HALVES}\U00010000-\U0010ffff]")
_VISIBLE = re.compile(f"[^{_format(0x10000, sys.maxunicode)}\U000e0100-\U000e01ef\u0000-\uffff]")
# A mark between digits is a decimal one: no space follows it. Thai sets no marks, and ends a thought with its line.
_STEP_END = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？।॥؟۔])\s*|\s*\n\s*")


def visible(completion: Completion) -> str:
    """The text without what cannot be seen: zero-width characters, marks of direction, selectors, halves of pairs.

    They could otherwise cut words and numbers apart, and change scores that readers would not change.
    """
    text = completion if isinstance(completion, str) else "\n".join(message["content"] for message in completion)
    return text if text.isascii() else _INVISIBLE.sub(_seen, text)


def _seen(match: re.Match[str]) -> str:
    return match[0] if _VISIBLE.match(match[0]) else ""


@lru_cache(16_384)
def judged(text: str) -> str:
    """What stands behind the thought; nothing where it was cut off: a response must not be paid for not ending."""
    return split_thought(text)[1]


def steps(text: str) -> list[str]:
    """The sentences and lines of a text that have a letter or a digit, in order."""
    parts = (part.strip() for part in _STEP_END.split(text))
    return [part for part in parts if any(character.isalnum() for character in part)]
