"""What the pivot is asked, and one of its responses as it is kept."""

from collections.abc import Sequence

from components.answers.reading import read_answer
from components.contracts import Question, Sample

Asked = Sequence[tuple[Question, Sequence[Question]]]
"""Questions, each with its worked examples."""


def make_sample(
    question: Question,
    sample: int,
    *,
    text: str,
    thought: str | None,
    truncated: bool,
    num_tokens: int,
    seconds: float,
) -> Sample:
    """The response with its final answer read.

    Even samples are half A, odd ones half B; of training problems, which need no label, all are half A.
    """
    return Sample(
        problem_id=question.problem_id,
        half="B" if sample % 2 and question.split != "train" else "A",
        sample=sample,
        text=text,
        thought=thought,
        answer=read_answer(text, "en", choices=question.choices).value,
        truncated=truncated,
        num_tokens=num_tokens,
        seconds=seconds,
    )
