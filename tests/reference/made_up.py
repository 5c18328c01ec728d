"""Questions and samples for the tests of this stage."""

import yaml

from components.contracts import Question, Sample
from components.params import ReferenceParams
from components.reference.samples import make_sample
from tests.architecture.imports import ROOT


def question(number=1, gold="12", split="train", text="What is 5 + 7?", num_steps=1, family="f", choices=(), **more):
    return Question(
        problem_id=f"p-{number}", lang="en", split=split, family=family, num_steps=num_steps, unseen_family=False,
        question=text, answer=gold, choices=choices, **more,
    )  # fmt: skip


def shot(number, text, solution="5 + 7 = 12. The answer is 12."):
    return question(f"shot-{number}", split="pivot_shots", text=text, solution=solution)


def said(text, number=0, truncated=False, thought=None, asked=None) -> Sample:
    """Of half A where `number` is even, else of half B, whatever the split."""
    sample = make_sample(
        asked or question(), number, text=text, thought=thought, truncated=truncated, num_tokens=5, seconds=0.1
    )
    return sample.model_copy(update={"half": "B" if number % 2 else "A"})


def half_a(texts, truncated=()):
    """Samples 0, 2, 4, ..."""
    return [said(text, 2 * i, i in truncated) for i, text in enumerate(texts)]


def half_b(texts, truncated=()):
    """Samples 1, 3, 5, ..."""
    return [said(text, 2 * i + 1, i in truncated) for i, text in enumerate(texts)]


def rules(**changes) -> ReferenceParams:
    """The repository's own rules, without the check on numbers, and changed."""
    values = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["reference"]
    return ReferenceParams(**values | {"use_every_number": False, "min_agreement": 0.5} | changes)
