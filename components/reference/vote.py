"""Self-consistency: the pivot's samples vote by final answer; the reference is a sample that gave the winner."""

from collections import Counter
from collections.abc import Sequence

from components.contracts import Question, Reference
from components.generation.responder import Response
from components.lang.answers import read_answer, same_answer


def vote(
    question: Question, responses: Sequence[Response], min_agreement: float, pivot: str, self_pivot: bool
) -> Reference:
    """One problem's reference from the pivot's samples.

    The winner is the most frequent readable answer (ties go to the one sampled first). Its text is the shortest
    complete sample that gave it: longer ones carry more than the answer needs. Gold is looked at for `gold_correct`
    alone, never to keep or drop.

    Args:
        question: The English question.
        responses: At least one sample.
        min_agreement: Votes for the winner / samples under which the reference is dropped, 0 to 1.
    """
    answers = [None if r.truncated else read_answer(r.text, "en").value for r in responses]
    counts = Counter(answer for answer in answers if answer is not None)
    winner = counts.most_common(1)[0][0] if counts else None
    agreement = counts[winner] / len(responses) if winner is not None else 0.0
    texts = [r.text for r, answer in zip(responses, answers, strict=True) if answer is not None and answer == winner]
    reason = None
    if winner is None:
        reason = "no sample has a readable answer"
    elif agreement < min_agreement:
        reason = f"agreement {agreement:.2f} is under {min_agreement:.2f}"
    return Reference(
        problem_id=question.problem_id,
        split=question.split,
        answer=winner,
        text=min(texts, key=len) if texts else None,
        agreement=agreement,
        num_samples=len(responses),
        kept=reason is None,
        reason=reason,
        gold_correct=same_answer(winner, question.answer),
        num_tokens=sum(r.num_tokens for r in responses),
        pivot=pivot,
        self_pivot=self_pivot,
    )
