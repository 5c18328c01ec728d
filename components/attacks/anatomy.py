"""Where the parts of a response are: its numbers, the number or letter that it announces, its sentences.

The announced answer is found by trying: it is the last number (or letter) of the text whose change changes what
`read_answer` reads. So the bank and the verifier never disagree about where the answer stands. Places are those of the
text as it is: numbers are looked for in `ascii_digits` of it, which is as long.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from random import Random
from zlib import crc32

from components.answers.numbers import Number, find_numbers
from components.answers.plain import ascii_digits
from components.answers.reading import read_answer
from components.answers.verdict import grade
from components.attacks.records import CannotBuildError, Honest
from components.contracts.records import CHOICE_LETTERS
from components.lang.scripts import LETTERS
from components.lang.table import Language, language

LETTER_RUNS = re.compile(f"[{''.join(LETTERS.values())}]+")
"""Words with their vowel signs and accents; in scripts without spaces, several in one."""

_MOST_TRIED = 40  # numbers from the end that may be the announced one
_LATIN_LETTER = re.compile("[A-Za-z]")
_DIGIT = re.compile(r"\d")
_SENTENCE_GAP = re.compile(r"(?<=[。！？।॥\n])\s*|(?<=[.!?؟۔])['\"*»”)]*\s+")
_THAI_GAP = r"(?<=[ก-๎])[ \n]+(?=[ก-๎])"  # Thai has no full stop: a space between letters parts clauses


@dataclass(frozen=True)
class Anatomy:
    """An honest response, taken apart."""

    honest: Honest

    @cached_property
    def row(self) -> Language:
        """The table's row of the language; a `PipelineError` where it has none."""
        return language(self.honest.lang)

    @cached_property
    def right(self) -> str | None:
        """The right answer: the reference's, or where that is hidden what the text says; None where it says none."""
        honest = self.honest
        return honest.reference_answer if honest.reference_answer is not None else self.read(honest.text)

    def read(self, text: str) -> str | None:
        """The final answer of a text that responds to the same question."""
        return read_answer(text, self.honest.lang, choices=self.honest.choices).value

    def is_right(self, text: str) -> bool:
        """Whether a text that responds to the same question has the right answer."""
        return grade(self.read(text), self.right) is True

    @cached_property
    def numbers(self) -> list[Number]:
        """Numbers in digits from left to right, each from its first digit on: without its sign."""
        return number_spans(self.honest.text, self.honest.lang)

    @cached_property
    def announced(self) -> tuple[int, int, str]:
        """Start and end of the announced answer, and the text with a wrong one in its place.

        Raises:
            CannotBuildError: The text has no readable answer, or it is in words.
        """
        if self.right is None:
            raise CannotBuildError("the honest response has no readable answer")
        changes = self._other_letters() if self.honest.choices else self._other_numbers()
        for start, end, changed in changes:
            if (answer := self.read(changed)) is not None and grade(answer, self.right) is False:
                return start, end, changed
        raise CannotBuildError("the honest response writes its answer neither in digits nor as a letter")

    @cached_property
    def sentences(self) -> list[tuple[int, int]]:
        """Start and end of each sentence, with the space behind it; they cover the text."""
        text, gap = self.honest.text, _SENTENCE_GAP
        if self.row.script == "Thai":
            phrases = "|".join(re.escape(phrase) for phrase in self.row.answer_phrases)
            gap = re.compile(rf"{gap.pattern}|{_THAI_GAP}|(?<!\s)\s+(?={phrases})")
        cuts = sorted({0, len(text)} | {match.end() for match in gap.finditer(text) if text[: match.end()].strip()})
        return [*pairwise(cuts)]

    @cached_property
    def answer_start(self) -> int:
        """Where the sentence with the announced answer begins; raises as `announced` does."""
        announced = self.announced[0]
        return next(start for start, end in self.sentences if start <= announced < end)

    def _other_numbers(self) -> Iterator[tuple[int, int, str]]:
        rng = seeded(self.honest, "announced")
        for number in self.numbers[: -_MOST_TRIED - 1 : -1]:
            for changed in with_other_digit(self, number, rng)[:3]:
                yield number.start, number.end, changed

    def _other_letters(self) -> Iterator[tuple[int, int, str]]:
        text, count = self.honest.text, len(self.honest.choices)
        for offered in (CHOICE_LETTERS[:count], self.row.choice_letters[:count]):
            for at in range(len(text) - 1, -1, -1):
                touched = text[max(at - 1, 0) : at] + text[at + 1 : at + 2]
                if text[at] not in offered or _LATIN_LETTER.search(touched):
                    continue
                place = offered.index(text[at])
                for other in offered[place + 1 :] + offered[:place]:
                    yield at, at + 1, text[:at] + other + text[at + 1 :]


def seeded(honest: Honest, name: str) -> Random:
    """Random choices that are the same on every run, machine and order of rows."""
    return Random(crc32(f"{honest.problem_id}/{honest.lang}/{name}".encode()))  # noqa: S311 - reproducible, not secret


def number_spans(text: str, lang: str) -> list[Number]:
    """The numbers of a text in any script's digits, each from its first digit on, with places in `text`."""
    plain = ascii_digits(text)
    found = []
    for number in find_numbers(plain, lang):
        first = _DIGIT.search(plain, number.start)
        if first is not None:
            found.append(replace(number, start=first.start(), value=number.value.removeprefix("-")))
    return found


def with_other_digit(anatomy: Anatomy, number: Number, rng: Random) -> list[str]:
    """Texts in which one digit of the number is another, so that its value occurs nowhere in the text; shuffled.

    Its script, grouping and length stay. No number becomes 0 or 1, or begins with 0.
    """
    text, lang = anatomy.honest.text, anatomy.honest.lang
    taken = {"0", "1", *(other.value for other in anatomy.numbers)}
    written = text[number.start : number.end]
    changed = []
    for place, digit in enumerate(written):
        if not digit.isdecimal():
            continue
        for other in range(place == 0, 10):
            new = written[:place] + chr(ord(digit) - int(digit) + other) + written[place + 1 :]
            if taken.isdisjoint(span.value for span in number_spans(new, lang)):
                changed.append(text[: number.start] + new + text[number.end :])
    rng.shuffle(changed)
    return changed
