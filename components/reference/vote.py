"""Self-consistency: the pivot's samples vote by final answer; the reference is a sample that gave the winner.

The samples are split: half A makes the reference, half B votes for a label of its own. What rewards compare with and
what they are calibrated against then do not share their noise. Problems that are only trained on need no label: all of
their samples are half A.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from components.answers.verdict import grade, same_places
from components.arithmetic.equations import false_equation
from components.contracts import Question, Reference, Sample
from components.params import ReferenceParams
from components.reference.coverage import unused_number

NO_ANSWER = "no sample has a readable answer and passes the checks"
LOW_AGREEMENT = "agreement"
AGAINST_GOLD = "contradicts the English gold"


@dataclass(frozen=True, slots=True)
class Pivot:
    """Who was asked."""

    name: str
    is_policy: bool


def vote(question: Question, samples: Sequence[Sample], rules: ReferenceParams, pivot: Pivot) -> Reference:
    """One problem's reference and label from the pivot's samples.

    In each half the winner is the most frequent answer of samples that may vote (ties go to the one sampled first).
    The reference's text is the shortest of these that gave it: longer ones carry more than the answer needs.

    Args:
        question: The English question.
        samples: At least one of half A.
        rules: `min_agreement` is votes for the winner / samples of half A under which the reference is dropped;
            `keep_only_gold` also drops what contradicts a known gold, which otherwise is looked at for `gold_correct`
            alone; `use_every_number` is `may_vote`'s.
    """
    half_a, half_b = ([sample for sample in samples if sample.half == half] for half in ("A", "B"))
    voters, others = ([s for s in half if may_vote(question, s, rules.use_every_number)] for half in (half_a, half_b))
    winners, agreement = _winners(voters, len(half_a))
    labels, label_agreement = _winners(others, len(half_b))
    chosen = min(winners, key=lambda s: len(s.text), default=None)
    answer, label = (own[0].answer if own else None for own in (winners, labels))
    gold_correct = grade(answer, question.answer)
    reason = None
    if answer is None:
        reason = NO_ANSWER
    elif agreement < rules.min_agreement:
        reason = f"{LOW_AGREEMENT} {agreement:.3g} is under {rules.min_agreement:.3g}"
    elif rules.keep_only_gold and gold_correct is False:
        reason = AGAINST_GOLD
    return Reference(
        problem_id=question.problem_id,
        split=question.split,
        answer=answer,
        text=chosen.text if chosen else None,
        thought=chosen.thought if chosen else None,
        agreement=agreement,
        num_samples=len(half_a),
        label=label,
        label_agreement=label_agreement if half_b else None,
        kept=reason is None,
        reason=reason,
        gold_correct=gold_correct,
        num_tokens=sum(sample.num_tokens for sample in samples),
        pivot=pivot.name,
        self_pivot=pivot.is_policy,
    )


def may_vote(question: Question, sample: Sample, use_every_number: bool) -> bool:
    """Whether a sample is complete, has a readable answer and no false equation.

    With `use_every_number`, it must also show every number of the question.
    """
    if sample.truncated or sample.answer is None or false_equation(sample.text) is not None:
        return False
    return not use_every_number or unused_number(question.question, sample.text) is None


def _winners(voters: Sequence[Sample], num_samples: int) -> tuple[list[Sample], float]:
    """The voters with the winning answer, and their share of all `num_samples`."""
    groups = same_places([sample.answer for sample in voters])
    winners = [voters[place] for place in groups[0]] if groups else []
    return winners, len(winners) / num_samples if winners else 0.0
