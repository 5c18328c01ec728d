"""Reading the final answer, a number or a choice's letter, out of a response in any language; comparing two exactly.

Not read yet: numerals in words or CJK characters, scale words, fractions and times.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Literal

from components.contracts.records import CHOICE_LETTERS
from components.lang.choices import is_offered, last_choice, plain_marks, stated_choice
from components.lang.numbers import Number, ascii_digits, find_numbers
from components.lang.table import language
from components.lang.thoughts import split_thought

AnswerPath = Literal["boxed", "phrase", "last_number", "last_letter", "none"]

_BOXED = "\\boxed{"
_REACH = 40  # characters between an answer phrase and its answer: a few words, not the next sentence but one
_EQUATION_LEFT = re.compile(r"[\d\s.,+\-−–*/×÷·()]*=\s*")
_DIGIT = re.compile(r"\d")
_GOLD_GROUP_MARKS = ","


@dataclass(frozen=True, slots=True)
class Answer:
    """A final answer and how it was found."""

    value: str | None
    """A canonical number (`.` for decimals, no grouping, no idle zeros) or a letter A to J; None where nothing was
    readable."""
    path: AnswerPath


def read_answer(text: str, lang: str, num_choices: int = 0) -> Answer:
    """Read the final answer of a response: boxed, else after an answer phrase, else the last number (or letter).

    The phrases of `lang` and the English ones count; the last occurrence with an answer wins. Text up to
    `</think>` is ignored where something follows it.

    Args:
        text: Any text; never an error.
        lang: Language of the prompt; settles readings such as `1.234`.
        num_choices: 0 where the answer is a number, else (1 to 10) of how many choices it is the letter. A box or
            phrase with a letter beyond them is no answer.

    Raises:
        PipelineError: `lang` is not in the table of languages.

    Example:
        >>> read_answer("Also ist die Antwort (B).", "de", num_choices=4)  # Answer(value="B", path="phrase")
    """
    if num_choices:
        return _read_choice(plain_marks(_visible(text)), lang, num_choices)
    marks = language(lang).group_marks
    text = ascii_digits(_visible(text))
    if (box := _last_box(text)) is not None and (value := _boxed_number(box, marks)) is not None:
        return Answer(value, "boxed")
    for match in reversed(list(_phrases(lang).finditer(text))):
        if (value := _result_at(text, match.end(), match.end() + _REACH, marks)) is not None:
            return Answer(value, "phrase")
    value = _last_number(text, marks)
    return Answer(value, "none" if value is None else "last_number")


def same_answer(a: str | None, b: str | None) -> bool:
    """Whether two answers are the same rational number or the same letter A to J; False where either is neither."""
    if a is None or b is None:
        return False
    if a == b and a in tuple(CHOICE_LETTERS):
        return True
    try:
        return Fraction(a) == Fraction(b)
    except (ValueError, ZeroDivisionError):
        return False


def grade(answer: str | None, gold: str | None) -> bool | None:
    """Whether an answer is the gold one; None where nobody knows the gold."""
    return None if gold is None else same_answer(answer, gold)


def canonical_answer(text: str) -> str:
    """The last number of a gold answer (`.` for decimals, `,` for grouping) in canonical form.

    Raises:
        ValueError: The text has no number.
    """
    value = _last_number(ascii_digits(text), _GOLD_GROUP_MARKS)
    if value is None:
        raise ValueError(f"no number in {text!r}")
    return value


def _visible(text: str) -> str:
    return split_thought(text)[1] or text


@cache
def _phrases(lang: str) -> re.Pattern[str]:
    phrases = dict.fromkeys((*language(lang).answer_phrases, *language("en").answer_phrases))
    longest_first = sorted(phrases, key=len, reverse=True)
    return re.compile("|".join(_phrase_pattern(phrase) for phrase in longest_first), re.IGNORECASE)


def _phrase_pattern(phrase: str) -> str:
    """Any space between words; a colon in both widths, with space or Markdown's asterisks before it."""
    words = r"\s+".join(re.escape(word) for word in phrase.split())
    return words.replace(":", r"[\s*]*[:：]")


def _read_choice(text: str, lang: str, num_choices: int) -> Answer:
    letter, path = _stated(text, lang)
    if letter is not None:
        return Answer(letter, path) if is_offered(letter, num_choices) else Answer(None, "none")
    letter = last_choice(text, num_choices)
    return Answer(letter, "none" if letter is None else "last_letter")


def _stated(text: str, lang: str) -> tuple[str | None, AnswerPath]:
    """The letter A to J that the response itself calls its answer."""
    phrases = _phrases(lang)
    if (box := _last_box(text)) is not None and (letter := stated_choice(box, 0, _REACH)) is not None:
        return letter, "boxed"
    for match in reversed(list(phrases.finditer(text))):
        if (letter := stated_choice(text, match.end(), match.end() + _REACH)) is not None:
            return letter, "phrase"
    return None, "none"


def _last_box(text: str) -> str | None:
    """What stands in the last box; to the text's end where it is not closed."""
    start = text.rfind(_BOXED)
    if start < 0:
        return None
    start += len(_BOXED)
    return text[start : _closing_brace(text, start)]


def _boxed_number(box: str, group_marks: str) -> str | None:
    content = box.replace("{,}", ",")
    return _result_at(content, content.rfind("=") + 1, len(content), group_marks)


def _closing_brace(text: str, start: int) -> int:
    depth = 1
    for match in re.finditer(r"[{}]", text[start:]):
        depth += 1 if match[0] == "{" else -1
        if depth == 0:
            return start + match.start()
    return len(text)


def _result_at(text: str, start: int, stop: int, group_marks: str) -> str | None:
    """The first number that begins in `start`..`stop`, or the right side of the equation that it opens."""
    number = _first_number(text, start, stop, group_marks)
    if number is None:
        return None
    position = number.start
    while equation := _EQUATION_LEFT.match(text, position):
        position = equation.end()
    return (_first_number(text, position, position + _REACH, group_marks) or number).value


def _first_number(text: str, start: int, stop: int, group_marks: str) -> Number | None:
    # Looking for a digit first keeps many phrases without numbers linear: none scans beyond its reach.
    if _DIGIT.search(text, start, stop) is None:
        return None
    return next(find_numbers(text, group_marks, start), None)


def _last_number(text: str, group_marks: str) -> str | None:
    last = None
    for number in find_numbers(text, group_marks):
        last = number.value
    return last
