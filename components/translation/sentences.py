"""Texts as sentences and back: translation models are trained on single sentences, and drop some of many."""

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from components.lang import language
from components.translation.translator import Translation

LONG = 400
"""Characters; a longer sentence (or Thai, which marks no ends) is cut at a comma or space."""

_CLOSING = "\"'”’»」』）)\\]*_"
_END = re.compile(
    # a space tells it from 3.5
    rf"(?<!\bMr)(?<!\bMrs)(?<!\bMs)(?<!\bDr)(?<!\bSt)(?<!\b[^\W\d_])[.!?…][{_CLOSING}]*\s+"
    rf"|[。！？।॥؟۔][{_CLOSING}]*\s*"
    r"|\s*\n\s*"
)
_PLACE = re.compile(r"[(\[*#]*(?:\d{1,3}|\w)[.)]\s*")  # `1.` and `b)` number what follows
_CLAUSE = re.compile(r"[,;:]\s+|[،؛、，；：]\s*")  # a space tells it from 1,234
_SPACE = re.compile(r"\s+")


def split_sentences(text: str) -> list[str]:
    """The text's sentences without the space around them, of any language; none of a blank text.

    A mark ends none where a small letter follows, nor behind one letter (`z. B.`, `J. Smith`) or a list item's number.
    Source: ours.
    """
    return [part for sentence in _with_space(text) for part in cut(sentence.strip(), LONG)]


def split_pieces(text: str, limit: int) -> list[str]:
    """Pieces of whole sentences, of at most `limit` characters each, lines kept; longer only as in `cut`."""
    pieces = [""]
    for sentence in _with_space(text):
        if len(pieces[-1]) + len(sentence) > limit:
            pieces.append("")
        pieces[-1] += sentence
    return [part for piece in pieces for part in cut(piece.strip(), limit)]


def _with_space(text: str) -> list[str]:
    """Sentences with the space behind them: together they are the text."""
    found = []
    start = 0
    for match in _END.finditer(text):
        goes_on = text[match.end() : match.end() + 1].islower() or _PLACE.fullmatch(text[start : match.end()])
        if "\n" in match.group() or not goes_on:
            found.append(text[start : match.end()])
            start = match.end()
    return [*found, text[start:]]


def cut(text: str, limit: int) -> list[str]:
    """Parts of at most `limit` characters, cut at commas or spaces; longer only where there are none."""
    parts = []
    while len(text) > limit:
        end = _place_to_cut(text, limit)
        parts.append(text[:end].strip())
        text = text[end:]
    return [part for part in [*parts, text.strip()] if part]


def _place_to_cut(text: str, limit: int) -> int:
    marks, spaces = ([match.end() for match in pattern.finditer(text[:limit])] for pattern in (_CLAUSE, _SPACE))
    late = [end for end in marks if end >= limit // 2]
    if found := late or spaces or marks:
        return found[-1]
    ends = [match.end() for pattern in (_CLAUSE, _SPACE) if (match := pattern.search(text, limit))]
    return min(ends, default=len(text))


def translate_parts(
    texts: Sequence[str],
    split: Callable[[str], list[str]],
    translate: Callable[[list[str]], Iterable[Translation]],
    target: str,
) -> list[Translation]:
    """Each text from the translations of its parts; without one of them it has none, for that part's reason.

    Args:
        split: a text's parts.
        translate: one translation a part, in order; gets the parts of all texts at once, each once, short ones first.
        target: language that the parts are joined in.
    """
    parts = [split(text) for text in texts]
    unique = sorted({part for those in parts for part in those}, key=lambda part: (len(part), part))
    translated = dict(zip(unique, translate(unique), strict=True))
    return [_joined([translated[part] for part in those], target) for those in parts]


def batches(items: Iterable[str], size: int) -> Iterable[list[str]]:
    """Consecutive lists of `size` items; the last may be shorter."""
    left = iter(items)
    while batch := list(islice(left, size)):
        yield batch


def _joined(parts: Sequence[Translation], target: str) -> Translation:
    failed = next((part for part in parts if part.text is None), None)
    gap = language(target).sentence_gap
    return failed or Translation.of(gap.join(part.text or "" for part in parts), is_whole=True)
