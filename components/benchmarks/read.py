"""From a response to a verdict: by the project's reader, and by the published set-up's own rule beside it."""

import re
import string
from collections.abc import Sequence

from components.answers import read_answer
from components.answers.verdict import grade
from components.benchmarks.items import Item
from components.benchmarks.sample import BenchmarkSample
from components.benchmarks.setup import Setup
from components.contracts.records import CHOICE_LETTERS
from components.generation.responder import Response
from components.lang.share import response_shares

_UNPUNCTUATED = str.maketrans("", "", string.punctuation)


def read_text(setup: Setup, system: str, item: Item, number: int, response: Response) -> BenchmarkSample:
    """The sample of a generated response."""
    read = read_answer(response.text, item.lang, choices=item.choices)
    whole = response.text if response.thought is None else f"<think>{response.thought}</think>{response.text}"
    thought, answer = response_shares(whole, item.lang, item.question)
    published = published_read(setup, item.lang, response.text)
    return BenchmarkSample(
        system=system,
        benchmark=setup.name,
        problem_id=item.problem_id,
        lang=item.lang,
        sample=number,
        question=item.question,
        prompt=item.prompt,
        response=response.text,
        answer_read=read.value,
        answer_path=read.path,
        gold=item.answer,
        correct=grade(read.value, item.answer),
        published_read=published,
        published_correct=published_verdict(setup, item.lang, published, item.answer),
        thought_share=None if thought is None else thought.share,
        language_share=answer.share,
        num_tokens=response.num_tokens,
        truncated=response.truncated,
    )


def read_choice(setup: Setup, system: str, item: Item, logps: Sequence[float], num_tokens: int) -> BenchmarkSample:
    """The sample of a choice by the sum of its tokens' log-probabilities, which is the published rule too."""
    letter = CHOICE_LETTERS[max(range(len(logps)), key=lambda i: logps[i])]
    correct = grade(letter, item.answer)
    return BenchmarkSample(
        system=system,
        benchmark=setup.name,
        problem_id=item.problem_id,
        lang=item.lang,
        sample=0,
        question=item.question,
        prompt=item.prompt,
        response=item.choices[CHOICE_LETTERS.index(letter)],
        answer_read=letter,
        answer_path="likelihood",
        gold=item.answer,
        correct=correct,
        published_read=letter,
        published_correct=correct,
        thought_share=None,
        language_share=None,
        num_tokens=num_tokens,
        truncated=False,
        choice_logps=tuple(logps),
        choice_lengths=tuple(len(own.strip()) for own in item.continuations),
    )


def published_read(setup: Setup, lang: str, text: str) -> str | None:
    """What the published set-up takes from a response: the first match of its phrase, else the last of `last`."""
    strict = setup.words(lang).get("strict")
    if strict and (match := re.search(strict, text)):
        return match[1]
    if setup.last is None:
        return None
    found = [next(filter(None, match.groups()), match[0]) for match in re.finditer(setup.last, text)]
    return found[-1].strip() if found else None


def published_verdict(setup: Setup, lang: str, read: str | None, gold: str | None) -> bool | None:
    """Equality but for punctuation and case, as `exact_match` of the harness has it."""
    if gold is None or not (setup.last or setup.words(lang).get("strict")):
        return None
    return read is not None and _bare(read) == _bare(gold)


def _bare(text: str) -> str:
    return text.translate(_UNPUNCTUATED).lower()
