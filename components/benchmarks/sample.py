"""What is kept of every answer."""

from pydantic import Field

from components.contracts.records import Record, Share


class BenchmarkSample(Record):
    """One answer of one system to one question in one language."""

    system: str
    """`base`, or an adapter's name (`components.benchmarks.adapters`)."""
    benchmark: str
    problem_id: str
    lang: str
    sample: int = Field(ge=0)
    """From 0, where several are drawn."""
    question: str
    prompt: str
    response: str
    """Of a choice task, the likeliest choice's text."""
    answer_read: str | None
    """By the project's reader."""
    answer_path: str
    """How it was found (`components.answers.reading.AnswerPath`); of a choice task `likelihood`."""
    gold: str | None
    correct: bool | None
    """None without gold."""
    published_read: str | None
    """What the published set-up reads; None where it reads nothing, or the set-up says nothing."""
    published_correct: bool | None
    """By its comparison; None where the set-up says nothing, or without gold."""
    thought_share: Share | None
    """Share of the thought's words in `lang`; None where there is no thought."""
    language_share: Share | None
    """The same of the answer; None of a choice task, whose words are given."""
    num_tokens: int = Field(ge=0)
    truncated: bool
    choice_logps: tuple[float, ...] = ()
    """Of a choice task: of each continuation."""
    choice_lengths: tuple[int, ...] = ()
    """Characters of each continuation without the space before it."""
