"""How good the references are: the numbers of metrics/reference.json.

"Before" is every problem with the answer that won its vote, "after" those whose reference is kept. Right means equal to
the English gold; problems without gold count in no share of right ones. A share of nothing is None. `samples` are
single responses, before any check and vote, and those that may vote.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from components.answers.verdict import grade, same_answer
from components.arithmetic.equations import false_equation
from components.contracts import Question, Reference, Sample
from components.params import ReferenceParams
from components.reference.vote import LOW_AGREEMENT, NO_ANSWER, may_vote

UNKNOWN_STEPS = "unknown"


def quality(
    questions: Sequence[Question],
    references: Sequence[Reference],
    samples: Sequence[Sample],
    rules: ReferenceParams,
) -> dict[str, Any]:
    """Shares over all references, and by split, family and number of steps."""
    asked = {question.problem_id: question for question in questions}
    return {
        **_group(references),
        "num_tokens": sum(sample.num_tokens for sample in samples),
        "samples": _samples(samples, asked, rules),
        "dropped": dict(Counter(_why(reference) for reference in references if not reference.kept)),
        "label": _labels(references, asked),
        "by_split": _by(references, lambda r: r.split),
        "by_family": _by(references, lambda r: asked[r.problem_id].family),
        "by_num_steps": _by_num_steps(references, asked),
        "num_steps_mean": {
            "before": _mean_steps(references, asked),
            "after": _mean_steps([r for r in references if r.kept], asked),
        },
    }


def _samples(
    samples: Sequence[Sample], asked: Mapping[str, Question], rules: ReferenceParams
) -> dict[str, float | None]:
    voters = [s for s in samples if may_vote(asked[s.problem_id], s, rules.use_every_number)]
    return {
        "num": len(samples),
        "num_truncated": sum(sample.truncated for sample in samples),
        "num_unreadable": sum(sample.answer is None for sample in samples),
        "num_false_equations": sum(false_equation(sample.text) is not None for sample in samples),
        "num_thoughts": sum(sample.thought is not None for sample in samples),
        "num_voters": len(voters),
        "correct_share": _correct(samples, asked),
        "voters_correct_share": _correct(voters, asked),
    }


def _correct(samples: Sequence[Sample], asked: Mapping[str, Question]) -> float | None:
    known = [s for s in samples if asked[s.problem_id].answer is not None]
    return _share(sum(grade(s.answer, asked[s.problem_id].answer) is True for s in known), len(known))


def _group(references: Sequence[Reference]) -> dict[str, Any]:
    kept = [r for r in references if r.kept]
    known, kept_known = ([r for r in some if r.gold_correct is not None] for some in (references, kept))
    return {
        "num_references": len(references),
        "num_kept": len(kept),
        "kept_share": _share(len(kept), len(references)),
        "num_with_gold": len(known),
        "num_kept_with_gold": len(kept_known),
        "num_correct": sum(bool(r.gold_correct) for r in known),
        "num_kept_correct": sum(bool(r.gold_correct) for r in kept_known),
        "correct_share": _share(sum(bool(r.gold_correct) for r in known), len(known)),
        "kept_correct_share": _share(sum(bool(r.gold_correct) for r in kept_known), len(kept_known)),
        "agreement_mean": _share(sum(r.agreement for r in references), len(references)),
    }


def _by(references: Sequence[Reference], key: Callable[[Reference], str]) -> dict[str, dict[str, Any]]:
    names = sorted({key(reference) for reference in references})
    return {name: _group([r for r in references if key(r) == name]) for name in names}


def _by_num_steps(references: Sequence[Reference], asked: Mapping[str, Question]) -> dict[str, dict[str, Any]]:
    """With each number's share of all references and of the kept ones: how keeping shifts the difficulty."""

    def steps(reference: Reference) -> str:
        return str(asked[reference.problem_id].num_steps or UNKNOWN_STEPS)

    num_kept = sum(r.kept for r in references)
    groups = _by(references, steps)
    for group in groups.values():
        group["share_before"] = _share(group["num_references"], len(references))
        group["share_after"] = _share(group["num_kept"], num_kept)
    return groups


def _mean_steps(references: Sequence[Reference], asked: Mapping[str, Question]) -> float | None:
    steps = [num for r in references if (num := asked[r.problem_id].num_steps) is not None]
    return _share(sum(steps), len(steps))


def _labels(references: Sequence[Reference], asked: Mapping[str, Question]) -> dict[str, Any]:
    """The other half's winners: how often they agree with the references, and how often they are right."""
    labelled = [r for r in references if r.label is not None]
    both = [r for r in labelled if r.answer is not None]
    with_gold = [r for r in labelled if asked[r.problem_id].answer is not None]
    return {
        "num_labels": len(labelled),
        "same_as_reference_share": _share(sum(same_answer(r.label, r.answer) for r in both), len(both)),
        "correct_share": _correct_labels(with_gold, asked),
        "kept_correct_share": _correct_labels([r for r in with_gold if r.kept], asked),
    }


def _correct_labels(references: Sequence[Reference], asked: Mapping[str, Question]) -> float | None:
    right = sum(grade(r.label, asked[r.problem_id].answer) is True for r in references)
    return _share(right, len(references))


def _why(reference: Reference) -> str:
    reason = reference.reason or ""
    if reason == NO_ANSWER:
        return "no sample that may vote"
    return "low agreement" if reason.startswith(LOW_AGREEMENT) else "other than the gold"


def _share(part: float, whole: int) -> float | None:
    return part / whole if whole else None
