"""Greedy responses of one system, read and judged."""

from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path

from components.answers.reading import read_answer
from components.answers.verdict import grade
from components.contracts import Prediction, Question, read_manifest
from components.contracts.records import System
from components.generation.responder import Responder
from components.generation.sampler import Decoding
from components.journal import Journal
from components.lang.share import response_shares
from components.params import Params
from components.progress import Progress
from components.questions import read_questions

PROBLEMS = Path("data/problems")


def answers(
    params: Params,
    journal: Journal,
    system: System,
    adapter: Path | None,
    questions: Sequence[Question],
    progress: Progress,
) -> list[Prediction]:
    """A system's answers, a batch at a time, each kept as soon as it is done; languages in turn, several in a batch."""
    shots, size = read_questions(PROBLEMS / "shots.jsonl"), params.evaluate.batch_size
    responder = Responder.load(read_manifest().policy, params.models.dtype, shots, size, adapter)
    decoding, trained = Decoding(params.evaluate.max_new_tokens), params.base.trained_languages
    by_lang = sorted(questions, key=lambda question: params.base.languages.index(question.lang))
    rows: list[Prediction] = []
    for start in range(0, len(by_lang), size):
        asked = by_lang[start : start + size]
        answer = partial(predict, system, responder, asked, decoding, trained)
        rows += journal.piece(f"{system}-{start:06d}", Prediction, answer)
        progress.advance(len(asked), note=f"{system} {asked[-1].lang}")
    return rows


def predict(
    system: System,
    responder: Responder,
    questions: Sequence[Question],
    decoding: Decoding,
    trained_languages: Collection[str],
) -> list[Prediction]:
    """One row a question, of any languages; `correct` is equality with the gold answer, None where there is none."""
    groups = responder.respond([(q.asked, q.lang) for q in questions], decoding)
    rows = []
    for question, (response,) in zip(questions, groups, strict=True):
        read = read_answer(response.text, question.lang, choices=question.choices)
        rows.append(
            Prediction(
                system=system,
                problem_id=question.problem_id,
                lang=question.lang,
                family=question.family,
                unseen_family=question.unseen_family,
                trained_lang=question.lang in trained_languages,
                response=response.text,
                num_tokens=response.num_tokens,
                truncated=response.truncated,
                answer_read=read.value,
                answer_path=read.path,
                correct=grade(read.value, question.answer),
                language_share=response_shares(response.text, question.lang, question.question)[1].share,
            )
        )
    return rows
