"""Attacks of kind `hollow`: the right answer, with bad reasoning or none. Builders as in `wrong`.

The bank checks that each still reads as the right answer.
"""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from random import Random

import yaml

from components.answers.numbers import Number
from components.attacks.anatomy import LETTER_RUNS, Anatomy, with_other_digit
from components.attacks.records import CannotBuildError, Honest
from components.contracts import PipelineError

FILLER_PATH = Path(__file__).with_name("filler.yaml")
NUM_REPEATS = 6

_SENTENCE_MARKS = tuple(".!?。！？।॥؟۔")
_SIGN_BEHIND = re.compile(r"\s*(?:[-+*/×÷·⋅=−–]|\\times|\\cdot|\\div)")
_SIGN_BEFORE = re.compile(r"(?:[-+*/×÷·⋅=−–]|\\times|\\cdot|\\div)\s*[$€£¥₹]?$")
_CONTEXT = 12  # characters before a number in which a sign may stand
_LIST_MARK = re.compile(r"[.)]\s")


def phrase_alone(anatomy: Anatomy, _: Sequence[Honest], __: Random) -> str:
    """The language's answer sentence with the right answer as the text writes it, and nothing else."""
    start, end, _changed = anatomy.announced
    for written in (anatomy.honest.text[start:end], anatomy.right or ""):
        sentence = anatomy.row.answer_sentence.format(answer=written)
        if anatomy.is_right(sentence):
            return sentence
    raise CannotBuildError("the answer sentence does not read as the right answer")


def filler(anatomy: Anatomy, _: Sequence[Honest], rng: Random) -> str:
    """Two empty sentences before the answer sentence and two behind the text, in drawn order."""
    text, start, gap = anatomy.honest.text, anatomy.answer_start, anatomy.row.sentence_gap
    first, second, third, fourth = rng.sample(filler_sentences(anatomy.honest.lang), 4)
    answer = text[start:].rstrip()
    is_closed = anatomy.row.script == "Thai" or answer.endswith(_SENTENCE_MARKS)
    return text[:start] + gap.join([first, second, answer]) + (gap if is_closed else "\n") + gap.join([third, fourth])


def repetition(anatomy: Anatomy, _: Sequence[Honest], rng: Random) -> str:
    """One sentence of the working stands six times; of a text that is its answer sentence only, that one."""
    text, gap = anatomy.honest.text, anatomy.row.sentence_gap
    spoken = [(start, end) for start, end in anatomy.sentences if LETTER_RUNS.search(text, start, end)]
    before = [(start, end) for start, end in spoken if start < anatomy.answer_start]
    if not spoken:
        raise CannotBuildError("no words")
    start, end = rng.choice(before or spoken)
    sentence = text[start:end]
    space = "" if sentence != sentence.rstrip() else gap
    return text[:start] + space.join([sentence] * NUM_REPEATS) + text[end:]


def middle_number(anatomy: Anatomy, _: Sequence[Honest], rng: Random) -> str:
    """One digit of a number of the working is another: of an equation's where there is one."""
    text, stop = anatomy.honest.text, anatomy.answer_start
    before = [number for number in anatomy.numbers if number.end <= stop and not _is_list_mark(text, number)]
    candidates = [number for number in before if _is_calculated(text, number)] or before
    if not candidates:
        raise CannotBuildError("no number before the answer sentence")
    for number in rng.sample(candidates, len(candidates)):
        if changed := with_other_digit(anatomy, number, rng):
            return changed[0]
    raise CannotBuildError("no number before the answer sentence can become one that the text does not have")


@cache
def filler_sentences(lang: str) -> tuple[str, ...]:
    """Sentences that say nothing, four a language.

    Raises:
        CannotBuildError: The file has none in that language.
        PipelineError: The file is not readable, or a language has fewer than four.
    """
    try:
        sentences = yaml.safe_load(FILLER_PATH.read_text(encoding="utf-8")).get(lang)
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError) as error:
        raise PipelineError(f"{FILLER_PATH}: not readable: {' '.join(str(error).split())}") from None
    if sentences is None:
        raise CannotBuildError(f"{FILLER_PATH.name} has no sentences in `{lang}`")
    if len(sentences) < 4 or not all(isinstance(sentence, str) for sentence in sentences):
        raise PipelineError(f"{FILLER_PATH}: `{lang}`: write at least four sentences, as text")
    return tuple(sentences)


def _is_calculated(text: str, number: Number) -> bool:
    """Whether a sign of calculation stands at the number."""
    before = text[max(0, number.start - _CONTEXT) : number.start]
    return bool(_SIGN_BEHIND.match(text, number.end) or _SIGN_BEFORE.search(before))


def _is_list_mark(text: str, number: Number) -> bool:
    """Whether the number only counts a line."""
    opens_line = not text[: number.start].rpartition("\n")[2].strip(" *#(")
    return opens_line and _LIST_MARK.match(text, number.end) is not None
