"""Rewards that need no model: answer, gold, numbers, language, format.

All rewards of this package are picklable named callables under TRL's contract: a batch of completions and columns in, a
list of float or None out. None means "cannot be scored" (there is nothing to compare with); a response that is empty,
unreadable or wrong is scored, with 0. Formulas are our reconstruction of arXiv 2509.25543 (docs/paper_index.md).

Columns, all as long as `completions`: `lang` (BCP-47), `reference_text` and `reference_answer` (the English reference;
None where there is none), `question` (its names belong to no language) and `choices` (texts, empty where the answer is
a number), both may be left out. Example:

>>> AnswerReward()(completions=["La respuesta es 12."], lang=["es"], reference_answer=["12"])
[1.0]
"""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from components.answers.numbers import find_numbers
from components.answers.plain import plain_text
from components.answers.reading import Answer, read_answer
from components.answers.verdict import grade, same_answer
from components.lang.share import response_shares
from components.reward.texts import Completion, judged, visible

Scores = list[float | None]
Choices = Sequence[Sequence[str] | None]

STATED = ("boxed", "phrase")
"""Paths of answers that a text announces as such; see `components.answers.reading.AnswerPath`."""


class AnswerReward:
    """1[a(y) = a*]: the response's final answer equals the reference's. Values 0 and 1."""

    __name__ = "answer"

    def __call__(
        self,
        completions: Sequence[Completion],
        lang: Sequence[str],
        reference_answer: Sequence[str | None] | None = None,
        reference_text: Sequence[str | None] | None = None,
        choices: Choices | None = None,
        **_: Any,  # noqa: ANN401
    ) -> Scores:
        """None where the reference has no answer, neither given nor stated in its text."""
        nothing = [None] * len(completions)
        given, texts = reference_answer or nothing, reference_text or nothing
        rows = zip(completions, lang, given, texts, _rows(choices, completions), strict=True)
        scores: Scores = []
        for completion, code, answer, text, offered in rows:
            known = answer if answer is not None else stated_answer(text, offered)
            read = None if known is None else _read(visible(completion), code, offered).value
            scores.append(None if known is None else float(same_answer(read, known)))
        return scores


class GoldReward:
    """1[a(y) = human gold answer]: the upper bound, for comparison only. Values 0 and 1."""

    __name__ = "gold"

    def __call__(
        self,
        completions: Sequence[Completion],
        lang: Sequence[str],
        gold_answer: Sequence[str | None] | None = None,
        choices: Choices | None = None,
        **_: Any,  # noqa: ANN401
    ) -> Scores:
        """None where nobody knows the gold."""
        known = gold_answer or [None] * len(completions)
        rows = zip(completions, lang, known, _rows(choices, completions), strict=True)
        graded = (grade(_read(visible(text), code, offered).value, gold) for text, code, gold, offered in rows)
        return [None if right is None else float(right) for right in graded]


class NumbersReward:
    """Agreement of the numbers in response and reference, counted as often as they occur (F1 of two multisets; ours).

    2 |N(y) ∩ N(y*)| / (|N(y)| + |N(y*)|): the intermediate results of the reasoning, read in any script and notation,
    so it needs no encoder that knows the language. Signs are left out. Values 0 to 1.
    """

    __name__ = "numbers"

    def __call__(
        self,
        completions: Sequence[Completion],
        lang: Sequence[str],
        reference_text: Sequence[str | None],
        **_: Any,  # noqa: ANN401
    ) -> Scores:
        """None where there is no reference, or it has no number."""
        scores: Scores = []
        for completion, code, reference in zip(completions, lang, reference_text, strict=True):
            wanted = _numbers(judged(visible(reference)), "en") if reference else Counter[str]()
            found = _numbers(judged(visible(completion)), code) if wanted else wanted
            scores.append(2 * (wanted & found).total() / (wanted.total() + found.total()) if wanted else None)
        return scores


class LanguageReward:
    """Share of the answer's words in the prompt's language; mathematics, names and thought are left out. 0 to 1."""

    __name__ = "language"

    def __call__(
        self,
        completions: Sequence[Completion],
        lang: Sequence[str],
        question: Sequence[str | None] | None = None,
        **_: Any,  # noqa: ANN401
    ) -> Scores:
        """A response without any words is out of language (0): the worked examples have words."""
        rows = zip(completions, lang, question or [None] * len(completions), strict=True)
        return [response_shares(visible(text), code, asked or "")[1].share for text, code, asked in rows]


class FormatReward:
    r"""1 where the response announces its final answer, in a `\boxed{}` or behind an answer phrase; else 0."""

    __name__ = "format"

    def __call__(
        self,
        completions: Sequence[Completion],
        lang: Sequence[str],
        choices: Choices | None = None,
        **_: Any,  # noqa: ANN401
    ) -> Scores:
        """Never None."""
        rows = zip(completions, lang, _rows(choices, completions), strict=True)
        return [float(_read(visible(text), code, offered).path in STATED) for text, code, offered in rows]


def stated_answer(reference: str | None, choices: Sequence[str] = ()) -> str | None:
    """The answer that an English text announces; None where it announces none: then it has none that can be checked.

    A number that merely stands last in a text is not taken for its answer.
    """
    answer = _read(visible(reference), "en", choices) if reference else None
    return answer.value if answer is not None and answer.path in STATED else None


def _rows(choices: Choices | None, completions: Sequence[Completion]) -> list[tuple[str, ...]]:
    return [tuple(offered or ()) for offered in choices] if choices is not None else [()] * len(completions)


@lru_cache(16_384)
def _read_cached(text: str, lang: str, choices: tuple[str, ...]) -> Answer:
    return read_answer(text, lang, choices=choices)


def _read(text: str, lang: str, choices: Sequence[str]) -> Answer:
    return _read_cached(judged(text), lang, tuple(choices))


@lru_cache(16_384)
def _numbers(text: str, lang: str) -> Counter[str]:
    return Counter(number.value.removeprefix("-") for number in find_numbers(plain_text(text), lang))
