"""The records on disk. Each is frozen, refuses unknown fields, and carries the version of its schema.

Notation: a *problem* has one `problem_id` and one answer over all languages; a *question* is that problem asked
in one language. Languages are BCP-47 codes.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Split = Literal["shots", "train", "calibration", "validation", "test"]
System = Literal["base", "warmup", "trained"]


class Record(BaseModel):
    """Base of every row on disk."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    schema_version: Literal[1] = 1


class Question(Record):
    """One problem asked in one language."""

    problem_id: str = Field(min_length=1)
    lang: str = Field(min_length=2)
    split: Split
    family: str
    num_steps: int = Field(ge=1)
    unseen_family: bool
    """True where the family occurs in no other split than `test`."""
    question: str = Field(min_length=1)
    answer: str
    """Canonical: `.` for decimals, no grouping. English gold; rewards never see it, reports do."""
    solution: str | None = None
    """Worked solution in `lang`, ending with the answer sentence. Only in split `shots`."""


class Reference(Record):
    """The English pivot's answer to one problem, chosen by vote among its samples."""

    problem_id: str
    split: Split
    answer: str | None
    """The winning answer, canonical; None where no sample had a readable answer."""
    text: str | None
    """A response of the pivot whose final answer is the winning one."""
    agreement: float = Field(ge=0, le=1)
    """Votes for the winner / number of samples (unreadable ones count below the line)."""
    num_samples: int = Field(ge=1)
    kept: bool
    reason: str | None
    """Why it was dropped; None where kept."""
    gold_correct: bool | None
    """Whether the winner equals the English gold. For reports; never used to keep or drop."""
    num_tokens: int = Field(ge=0)
    """Tokens generated over all samples."""
    pivot: str
    self_pivot: bool
    """True where pivot and policy are the same model."""


class ScoredResponse(Record):
    """One sampled response of the policy to a calibration question with every reward's raw score."""

    problem_id: str
    lang: str
    sample: int = Field(ge=0)
    response: str
    truncated: bool
    answer_read: str | None
    answer_path: str
    """How the answer was found: boxed, phrase, last_number or none."""
    correct: bool
    """Equals the English gold: the label that AUCs are computed against."""
    answer: float | None
    embedding: float | None
    language: float | None
    hybrid: float | None
    unscored_reason: str | None = None


class Prediction(Record):
    """One greedy response of one system to one test question."""

    system: System
    problem_id: str
    lang: str
    family: str
    unseen_family: bool
    trained_lang: bool
    response: str
    num_tokens: int = Field(ge=0)
    truncated: bool
    answer_read: str | None
    answer_path: str
    correct: bool
    language_share: float | None
    """Share of the response's words in `lang`, 0 to 1; None where it has no words to judge."""


class ModelEntry(Record):
    """Where one role's checkpoint is, and what it is."""

    name: str
    """As written in params.yaml."""
    path: str
    """Folder with config, tokenizer and safetensors; relative to the repository where it lies inside."""
    fingerprint: str
    """`fingerprint` of the folder: its files' names and contents, 16 hexadecimal digits."""
    has_chat_template: bool
    num_parameters: int = Field(ge=1)


class ModelManifest(Record):
    """What the `models` stage settled: the two roles' checkpoints."""

    policy: ModelEntry
    pivot: ModelEntry
    self_pivot: bool
