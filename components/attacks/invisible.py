"""The attack `zero_width`, of kind `same`: characters that cannot be seen, within words and numbers and between."""

import unicodedata
from collections.abc import Sequence
from random import Random

from components.attacks.anatomy import Anatomy
from components.attacks.records import CannotBuildError, Honest

ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff\u00ad\ufe0e\ufe0f"
"""Space, non-joiner and joiner without width, word joiner, byte order mark, soft hyphen, two variation selectors."""

_EVERY = 3  # in one place of so many a character is put


def zero_width(anatomy: Anatomy, _: Sequence[Honest], rng: Random) -> str:
    """Characters are only added: between any two digits, and after about every third other character."""
    text = anatomy.honest.text
    if not text:
        raise CannotBuildError("no text")
    places = [place for place in range(1, len(text)) if _splits_digits(text, place) or _is_drawn(text, place, rng)]
    pieces = [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]
    return "".join(piece + rng.choice(ZERO_WIDTH) for piece in pieces)


def _splits_digits(text: str, place: int) -> bool:
    return text[place - 1].isdecimal() and text[place].isdecimal()


def _is_drawn(text: str, place: int, rng: Random) -> bool:
    """No accent or vowel sign is parted from its letter: that could be seen."""
    return rng.randrange(_EVERY) == 0 and not unicodedata.category(text[place]).startswith("M")
