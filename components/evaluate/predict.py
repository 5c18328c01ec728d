"""Greedy responses of one system in one language, read and judged."""

from collections.abc import Sequence

from components.contracts import Prediction, Question
from components.contracts.records import System
from components.generation.responder import Responder
from components.generation.sampler import Decoding
from components.lang.answers import grade, read_answer
from components.lang.share import language_share


def predict(
    system: System,
    responder: Responder,
    questions: Sequence[Question],
    decoding: Decoding,
    trained_lang: bool,
) -> list[Prediction]:
    """One row a question; `correct` is equality with the gold answer, None where there is none."""
    groups = responder.respond([(q.asked, q.lang) for q in questions], decoding)
    rows = []
    for question, (response,) in zip(questions, groups, strict=True):
        read = read_answer(response.text, question.lang, len(question.choices))
        rows.append(
            Prediction(
                system=system,
                problem_id=question.problem_id,
                lang=question.lang,
                family=question.family,
                unseen_family=question.unseen_family,
                trained_lang=trained_lang,
                response=response.text,
                num_tokens=response.num_tokens,
                truncated=response.truncated,
                answer_read=read.value,
                answer_path=read.path,
                correct=grade(read.value, question.answer),
                language_share=language_share(response.text, question.lang),
            )
        )
    return rows
