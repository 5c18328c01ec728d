"""Reading the final answer, a number or a choice's letter, out of a response in any language."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from components.answers.doubts import is_denied, is_either, is_reference, opens_range, speaks_of_a_range
from components.answers.latex import Unparsed, latex_number
from components.answers.letters import SEVERAL, is_offered, last_choice, stated_choice, with_plain_letters
from components.answers.mentions import mentioned_choice
from components.answers.numbers import Number
from components.answers.numerals import find_numerals, is_lone_one
from components.answers.plain import ascii_digits, plain_text
from components.answers.quantities import last_quantity
from components.answers.statement import boxed_statement, statement_at
from components.answers.words import words_as_digits
from components.lang.table import Language, language, nearest_language
from components.lang.thoughts import split_thought

AnswerPath = Literal["boxed", "phrase", "last_number", "last_letter", "choice_text", "unparsed", "none"]

_BOXED = "\\boxed{"
_CALCULABLE = re.compile(r"\d|\\[a-z]")
_SEVERAL_IN_PROSE = re.compile(r"\d.*\\text.*\d", re.DOTALL)  # 2\text{ hours }30\text{ minutes}
_PAIR = re.compile(r"\s*[(\[][^()\[\]]*,[^()\[\]]*[)\]]\s*")
_GROUPING = re.compile(r"(?<=\d)(?:\{,\}|\\[,! ]|~)(?=\d{3})")  # of LaTeX
_CONTEXT = 40  # characters before a number in which it is denied
_REFERENCE_CONTEXT = 1_000
_MOST_DENIED = 30
_MOST_ANNOUNCEMENTS = 50
_WORDS_REACH = 2_000  # characters at the end that are searched for numbers in words
_PRONOUN = "1"  # `one`, `un`, `eine` are mostly no numbers where nothing announces one
_CHOICE_REACH = 40  # characters between an answer phrase and its letter: a few words, not the next sentence but one


@dataclass(frozen=True, slots=True)
class Answer:
    """A final answer and how it was found."""

    value: str | None
    """A canonical number (`.` for decimals, no grouping, no idle zeros; `p/q` where it is no decimal), a time `h:mm`,
    or a letter A to J; None where nothing was readable."""
    path: AnswerPath
    """`unparsed`: the box holds LaTeX that could not be evaluated in time."""
    ambiguous: bool = False
    """Whether the number has two readings, as `1.234` has; `value` is the one of the language."""


_NONE = Answer(None, "none")


def read_answer(text: str, lang: str, num_choices: int = 0, choices: Sequence[str] = ()) -> Answer:
    r"""Read the final answer of a response: boxed, else after an answer phrase, else the last number (or letter).

    The phrases of `lang` and the English ones count; the last occurrence with an answer wins. Text up to
    `</think>` is ignored where something follows it. Never fails, whatever the text and the language.

    Args:
        text: Any text.
        lang: BCP-47 code of the response's language, in the table or not; settles readings such as `1.234`.
        num_choices: 0 where the answer is a number, else (1 to 10) of how many choices it is the letter. A box or
            phrase with a letter beyond them is no answer.
        choices: The choices' texts where they are known: a response without a letter may state one of them.

    Example:
        >>> read_answer("Also ist die Antwort 1.234,5.", "de")  # Answer(value="1234.5", path="phrase")
    """
    visible = split_thought(text)[1] or text
    row = nearest_language(lang) or language("en")
    if num_choices or choices:
        return _read_choice(visible, row, num_choices or len(choices), choices)
    try:
        return _read_number(visible, lang, row)
    except Unparsed:
        return Answer(None, "unparsed")


def _read_number(visible: str, lang: str, row: Language) -> Answer:
    plain = plain_text(visible)
    if _BOXED in plain:
        if (boxed := _boxed_number(visible, plain, lang, row)) is not None:
            return boxed
        plain = plain.replace(_BOXED + _last_box(plain), " ")  # what could not be read there is not read elsewhere
    denied_up_to = 0
    for match in _announcements(plain, row):
        stated = statement_at(plain, match.end(), lang, row)
        if stated.hedged:
            return _NONE
        if stated.number is not None:
            return _of(stated.number, "phrase")
        denied_up_to = max(denied_up_to, stated.denied_up_to)
    return _of(_last_number(plain, denied_up_to, lang, row), "last_number")


def _of(number: Number | None, path: AnswerPath) -> Answer:
    return _NONE if number is None else Answer(number.value, path, number.ambiguous)


@cache
def _phrases(code: str) -> re.Pattern[str]:
    row = language(code)
    phrases = dict.fromkeys(plain_text(phrase) for phrase in (*row.answer_phrases, *language("en").answer_phrases))
    longest_first = sorted(phrases, key=len, reverse=True)
    return re.compile("|".join(_phrase_pattern(phrase) for phrase in longest_first))


def _phrase_pattern(phrase: str) -> str:
    """Any space between words; space or Markdown's marks before a colon."""
    return r"\s+".join(re.escape(word) for word in phrase.split()).replace(":", r"[\s*_'\"]*:")


def _is_part_of_a_word(plain: str, match: re.Match[str]) -> bool:
    """Whether the phrase begins within a word, in scripts that separate words."""
    return match[0][0] < "\u0e00" and match[0][0].isalpha() and plain[match.start() - 1 : match.start()].isalpha()


def _announcements(plain: str, row: Language) -> list[re.Match[str]]:
    """The last answer phrases, the last one first; so many that none with an answer is left out in earnest."""
    found = [match for match in _phrases(row.code).finditer(plain) if not _is_part_of_a_word(plain, match)]
    return found[: -_MOST_ANNOUNCEMENTS - 1 : -1]


def _last_number(plain: str, start: int, lang: str, row: Language) -> Number | None:
    """The last number in digits; where there are none, in Chinese characters or words."""
    end = len(plain)
    for _ in range(_MOST_DENIED):
        number = last_quantity(plain, lang, start, end)
        if number is None:
            break
        before = plain[max(start, number.start - _CONTEXT) : number.start]
        behind = plain[number.end : min(end, number.end + _REFERENCE_CONTEXT)]
        if not is_denied(before, row, behind) and not is_reference(before, behind, row):
            return None if _ends_a_range(before, lang, row) else number
        end = number.start
    else:
        return None
    if end < len(plain):
        return None
    if numerals := [number for number in find_numerals(plain, row, start) if not is_lone_one(number, plain)]:
        return numerals[-1]
    in_digits = words_as_digits(plain[max(start, len(plain) - _WORDS_REACH) :], lang, announced=False) or ""
    while (number := last_quantity(in_digits, lang)) is not None and number.value == _PRONOUN:
        in_digits = in_digits[: number.start]
    return number


def _ends_a_range(before: str, lang: str, row: Language) -> bool:
    """Whether a number behind this text is where a range ends (`between 17 and`)."""
    if not speaks_of_a_range(before, row):
        return False
    first = last_quantity(before, lang)
    return first is not None and opens_range(before[: first.start], row) and is_either(before[first.end :], row)


def _boxed_number(visible: str, plain: str, lang: str, row: Language) -> Answer | None:
    """What the last box says; None where it says no number."""
    content = _last_box(plain)
    if content.count("=") > 1 or _PAIR.fullmatch(content):
        return None  # several values
    stated = boxed_statement(content.rpartition("=")[2], lang, row)
    if stated.hedged:
        return _NONE
    if stated.number is not None:
        return _of(stated.number, "boxed")
    latex = _GROUPING.sub("", _last_box(ascii_digits(visible)))
    if not _CALCULABLE.search(content) or _SEVERAL_IN_PROSE.search(latex):
        return None
    value = latex_number(latex)
    return None if value is None else Answer(value, "boxed")


def _last_box(text: str) -> str:
    """What stands in the last box; to the text's end where it is not closed."""
    start = text.rfind(_BOXED) + len(_BOXED)
    depth = 1
    for match in re.finditer(r"[{}]", text[start:]):
        depth += 1 if match[0] == "{" else -1
        if depth == 0:
            return text[start : start + match.start()]
    return text[start:]


def _read_choice(visible: str, row: Language, num_choices: int, choices: Sequence[str]) -> Answer:
    text = with_plain_letters(visible, row.choice_letters)
    letter, path = _stated_letter(text, row)
    if letter is not None:
        return Answer(letter, path) if letter != SEVERAL and is_offered(letter, num_choices) else _NONE
    if (letter := last_choice(text, num_choices, row)) is not None:
        return Answer(letter, "last_letter")
    if not choices:
        return _NONE
    plain = plain_text(visible)
    boxes = [plain.rfind(_BOXED) + len(_BOXED)] if _BOXED in plain else []
    announced = boxes + [match.end() for match in _announcements(plain, row)]
    letter = mentioned_choice(plain, choices, announced, row)
    return _NONE if letter is None else Answer(letter, "choice_text")


def _stated_letter(text: str, row: Language) -> tuple[str | None, AnswerPath]:
    """The letter A to J that the response itself calls its answer."""
    if _BOXED in text and (letter := stated_choice(_last_box(text), 0, _CHOICE_REACH, row)) is not None:
        return letter, "boxed"
    # Only phrases are looked for in small letters: a small letter is rarely a choice.
    for match in _announcements(text.replace("İ", "i").lower(), row):
        if (letter := stated_choice(text, match.end(), match.end() + _CHOICE_REACH, row)) is not None:
            return letter, "phrase"
    return None, "none"
