"""Questions that stand in two splits: what is trained or chosen on must not be tested on.

Time is linear in the texts' length.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import NoReturn

from components.answers.numbers import find_numbers
from components.answers.plain import ascii_digits
from components.contracts import PipelineError, Question
from components.contracts.records import Split
from components.lang import language

NUM_WORDS = 13  # in a row and the same: no accident (the length that GPT-3's authors checked with)
# Scripts without spaces: as many characters as 13 English words take. MGSM's 250 problems have 1.47 characters (a number
# counts as one) for each English word in Chinese, 2.18 in Japanese and 4.27 in Thai.
NUM_CHARACTERS = {"Han": 19, "Kana": 28, "Thai": 56}


class _Plain(dict[int, str | None]):
    """For `str.translate`: letters and their marks stay, invisible characters go, all others become spaces."""

    def __missing__(self, code: int) -> str | None:
        category = unicodedata.category(chr(code))
        kept = chr(code) if category[0] in "LMN" else " "
        self[code] = None if category == "Cf" else kept
        return self[code]


_PLAIN = _Plain()


def check_contamination(questions: Sequence[Question]) -> None:
    """Check that no two splits share a question, and that `test` shares no long passage with another split.

    Two questions are the same where their texts, choices included, are: case, punctuation and spaces aside, the numbers
    counting. Passages (13 words, or as much in a script without spaces) are compared where either split comes from an
    outside source: built-in problems of one family share their wording by design.

    Raises:
        PipelineError: The first two splits that share something, with sources and rows.
    """
    _check_same_texts(questions)
    _check_passages(questions)


def normalised(text: str, lang: str) -> str:
    """The text's letters in one case without punctuation and spaces; numbers canonical and set off by `|`."""
    return "".join(f"|{token}|" if _is_number(token) else token for token in _tokens(text, lang))


def _tokens(text: str, lang: str) -> list[str]:
    """Words and canonical numbers of the text, in one case."""
    plain = ascii_digits(unicodedata.normalize("NFKC", text).casefold())
    tokens: list[str] = []
    end = 0
    for number in find_numbers(plain, lang):
        tokens += plain[end : number.start].translate(_PLAIN).split()
        tokens.append(number.value)
        end = number.end
    return tokens + plain[end:].translate(_PLAIN).split()


def _passages(text: str, lang: str) -> Iterator[str]:
    """All passages of the length that counts; none where the text is shorter."""
    units = _tokens(text, lang)
    length = NUM_CHARACTERS.get(language(lang).script)
    if length is not None:
        units = [unit for token in units for unit in ([token] if _is_number(token) else token)]
    for start in range(len(units) - (length or NUM_WORDS) + 1):
        yield " ".join(units[start : start + (length or NUM_WORDS)])


def _is_number(token: str) -> bool:
    return token[0] in "-0123456789"


def _check_same_texts(questions: Sequence[Question]) -> None:
    groups: defaultdict[tuple[str, str], defaultdict[Split, list[Question]]] = defaultdict(lambda: defaultdict(list))
    for question in questions:
        text = " ".join([question.question, *question.choices])
        groups[question.lang, normalised(text, question.lang)][question.split].append(question)
    shared: defaultdict[tuple[Split, Split], list[Question]] = defaultdict(list)
    for by_split in groups.values():
        for first, second in combinations(by_split, 2):
            shared[first, second] += by_split[first] + by_split[second]
    for (first, second), found in shared.items():
        _refuse(first, second, found, "the same question as")


def _check_passages(questions: Sequence[Question]) -> None:
    built_in = {question.split for question in questions if question.source == "built-in"}
    of_test: defaultdict[tuple[str, str], list[Question]] = defaultdict(list)
    others: defaultdict[Split, list[Question]] = defaultdict(list)
    for question in questions:
        if question.split == "test":
            for passage in _passages(question.question, question.lang):
                of_test[question.lang, passage].append(question)
        else:
            others[question.split].append(question)
    for split, asked in others.items():
        if not {split, "test"} <= built_in:
            _check_against(of_test, split, asked)


def _check_against(of_test: dict[tuple[str, str], list[Question]], split: Split, asked: Iterable[Question]) -> None:
    found: dict[tuple[Split, str, str], Question] = {}  # many may share one passage: each is named once
    shared: set[tuple[str, str]] = set()
    for question in asked:
        for passage in _passages(question.question, question.lang):
            key = question.lang, passage
            if key in of_test:
                found[question.split, question.problem_id, question.lang] = question
                if key not in shared:
                    found |= {(one.split, one.problem_id, one.lang): one for one in of_test[key]}
                    shared.add(key)
    if found:
        _refuse(split, "test", found.values(), f"{NUM_WORDS} words in a row (or as much text) in common with")


def _refuse(first: Split, second: Split, found: Iterable[Question], what: str) -> NoReturn:
    found = list(found)
    one, other = (_where([question for question in found if question.split == split]) for split in (first, second))
    raise PipelineError(
        f"`problems.sources.{first}`: {one} have {what} `problems.sources.{second}`: {other}; "
        "name other data for one of the two, or a copy without these rows"
    )


def _where(found: Sequence[Question]) -> str:
    """Sources with their rows as ranges; built-in problems by id."""
    by_source: defaultdict[str, dict[int | str, None]] = defaultdict(dict)
    for question in found:
        by_source[question.source][question.problem_id if question.source_row is None else question.source_row] = None
    return " and ".join(f"{_ranges(rows)} of {source}" for source, rows in by_source.items())


def _ranges(rows: Iterable[int | str]) -> str:
    """`rows 0–249, 300` for numbers, `problems a, b` for ids."""
    ids = [row for row in rows if isinstance(row, str)]
    if ids:
        return f"problems {', '.join(ids[:5])}{f' and {len(ids) - 5} more' if len(ids) > 5 else ''}"
    numbers = sorted(row for row in rows if isinstance(row, int))
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return "rows " + ", ".join(f"{low}" if low == high else f"{low}–{high}" for low, high in runs)
