"""Sampling and scoring of one language's calibration questions."""

from collections.abc import Mapping, Sequence
from typing import Any

from components.answers.reading import read_answer
from components.answers.verdict import grade
from components.contracts import Question, Reference, ScoredResponse
from components.generation.responder import Responder, seed_piece
from components.generation.sampler import Decoding
from components.reward.functions import HybridReward


def score_language(
    questions: Sequence[Question],
    references: Mapping[str, Reference],
    responder: Responder,
    reward: HybridReward,
    decoding: Decoding,
    num_samples: int,
    seed: int,
    lang: str,
) -> list[ScoredResponse]:
    """Responses of the policy to `questions` (all in `lang`, each with a reference) with every reward's score."""
    seed_piece(seed, f"calibrate/{lang}")
    groups = responder.respond([(q.asked, lang) for q in questions], decoding, num_samples)
    flat = [(q, i, r) for q, group in zip(questions, groups, strict=True) for i, r in enumerate(group)]
    texts = [response.text for _, _, response in flat]
    columns: dict[str, Any] = {
        "lang": [lang] * len(flat),
        "reference_answer": [references[q.problem_id].answer for q, _, _ in flat],
        "reference_text": [references[q.problem_id].text for q, _, _ in flat],
        "question": [q.question for q, _, _ in flat],
        "choices": [q.choices for q, _, _ in flat],
    }
    parts = [part(texts, **columns) for part in (reward.answer, reward.embedding, reward.language)]
    rows = []
    for (question, sample, response), answer, embedding, language in zip(flat, *parts, strict=True):
        read = read_answer(response.text, lang, choices=question.choices)
        hybrid = reward.combine(answer, embedding, language)
        rows.append(
            ScoredResponse(
                problem_id=question.problem_id,
                lang=lang,
                sample=sample,
                response=response.text,
                truncated=response.truncated,
                answer_read=read.value,
                answer_path=read.path,
                correct=grade(read.value, question.answer),
                answer=answer,
                embedding=embedding,
                language=language,
                hybrid=hybrid,
                unscored_reason="no reference to compare with" if hybrid is None else None,
            )
        )
    return rows
