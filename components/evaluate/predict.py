"""Greedy responses of one system, read and judged."""

from collections.abc import Collection, Sequence

from components.answers.reading import read_answer
from components.answers.verdict import grade
from components.contracts import Prediction, Question
from components.contracts.records import System
from components.generation.responder import Responder
from components.generation.sampler import Decoding
from components.lang.share import response_shares


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
