"""Finding the choice that a response states in words instead of by its letter."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from components.answers.doubts import is_denied
from components.answers.plain import CASED, plain_text
from components.answers.statement import sentence_end
from components.contracts.records import CHOICE_LETTERS
from components.lang.table import Language

_MARKS = re.compile(r"[\s*_\"'“”„«»`]+")
_SHORTEST = 4  # letters of a text that says by itself that a choice is meant; `no` does not


class _Mention(NamedTuple):
    start: int
    end: int
    letter: str


def mentioned_choice(plain: str, choices: Sequence[str], starts: Sequence[int], row: Language) -> str | None:
    """The letter of the choice whose full text is stated: in a box or after the last phrase, else the only one at all.

    Args:
        plain: A response as returned by `plain_text`.
        choices: The choices' texts, A first.
        starts: Where boxes and answer phrases end, the one that counts most first.
        row: The language's words for "not".
    """
    for start in starts:
        sentence = plain[start : sentence_end(plain, start)]
        stated = _stated(sentence, choices, row)
        if stated and (_is_direct(sentence[: stated[0].start], row) or len({one.letter for one in stated}) == 1):
            return stated[0].letter
    letters = {
        mention.letter
        for mention in _stated(plain, choices, row)
        if mention.end - mention.start >= _SHORTEST
        or not plain[mention.start : mention.end].isascii()
        or not plain[: mention.start].strip()
    }
    return letters.pop() if len(letters) == 1 else None


def _is_direct(between: str, row: Language) -> bool:
    return len(between.split()) <= 1 and not is_denied(between, row)


def _stated(plain: str, choices: Sequence[str], row: Language) -> list[_Mention]:
    """The mentions that are not denied."""
    found = [*_mentions(plain, choices)]
    ends, starts = [0, *(one.end for one in found)], [*(one.start for one in found), len(plain)]
    between = [plain[end:start] for end, start in zip(ends, starts, strict=True)]
    return [one for index, one in enumerate(found) if not is_denied(between[index], row, between[index + 1])]


def _mentions(plain: str, choices: Sequence[str]) -> Iterator[_Mention]:
    """Where choices' texts stand; where one text is part of another, the longer one."""
    texts = sorted(zip(choices, CHOICE_LETTERS, strict=False), key=lambda text: len(text[0]), reverse=True)
    patterns = {letter: _pattern(choice) for choice, letter in texts if _MARKS.sub("", plain_text(choice))}
    if patterns:
        either = "|".join(f"(?P<{letter}>{pattern})" for letter, pattern in patterns.items())
        for match in re.finditer(either, plain):
            yield _Mention(match.start(), match.end(), str(match.lastgroup))


def _pattern(choice: str) -> str:
    """The choice's words with any space and marks between, as no part of longer words or numbers."""
    words = [re.escape(word) for word in _MARKS.split(plain_text(choice)) if word]
    before = rf"(?<![\d{CASED}])(?<!\d[.,])" if re.match(rf"[\d{CASED}]", words[0]) else ""
    after = rf"(?![\d{CASED}]|[.,]\d)" if re.search(rf"[\d{CASED}]$", words[-1]) else ""
    return before + _MARKS.pattern.join(words) + after
