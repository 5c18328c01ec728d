"""What metrics/reference.json of a made-up run holds: numbers by the stage's own code."""

from functools import cache
from typing import Any

from components.contracts import Question
from components.reference.quality import quality
from components.reference.vote import Pivot, vote
from tests.reference.made_up import rules, said

STEPS = (1, 1, 2, 10, None)


@cache
def reference_metrics(gold: str | None = "12") -> dict[str, Any]:
    """40 questions of two families: every third is answered wrongly, every fifth without agreement."""
    questions, references, samples = [], [], []
    decided = rules(min_agreement=0.75)
    for number in range(40):
        asked = Question(
            problem_id=f"p{number}", lang="en", split="train" if number % 4 else "validation", family=f"f{number % 2}",
            num_steps=STEPS[number % 5], unseen_family=False, question="5 + 7?", answer=gold,
        )  # fmt: skip
        texts = ["12" if number % 3 else "13"] * 4
        if number % 5 == 0:
            texts[0] = "6 + 6 = 13, so 12."
        own = [said(text, i, asked=asked) for i, text in enumerate(texts)]
        questions.append(asked)
        samples += own
        references.append(vote(asked, own, decided, Pivot("made-up", False)))
    return quality(questions, references, samples, decided)
