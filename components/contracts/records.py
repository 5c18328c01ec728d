"""The records on disk. Each is frozen, refuses unknown fields, and carries the version of its schema.

Notation: a *problem* has one `problem_id` and one answer over all languages; a *question* is that problem asked
in one language. Languages are BCP-47 codes.
"""

from pathlib import Path
from typing import Annotated, Literal

from huggingface_hub import constants
from pydantic import BaseModel, ConfigDict, Field

Split = Literal["shots", "pivot_shots", "train", "calibration", "validation", "test"]
Half = Literal["A", "B"]
Share = Annotated[float, Field(ge=0, le=1)]
System = Literal["base", "warmup", "trained"]
CHOICE_LETTERS = "ABCDEFGHIJ"


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
    """Of the built-in problems; else the source's name."""
    num_steps: Annotated[int, Field(ge=1)] | None = None
    """Operations of the worked solution; None where unknown."""
    unseen_family: bool
    """True where the family occurs in no other split than `test`."""
    question: str = Field(min_length=1)
    choices: tuple[str, ...] = Field(default=(), max_length=10)
    """Texts of the choices A, B, ... in `lang`; empty where the answer is a number."""
    answer: str | None
    """English gold: a canonical number (`.` for decimals, no grouping), or a letter where there are choices; None where
    nobody knows one. Rewards never see it, reports do."""
    solution: str | None = None
    """Worked solution in `lang`, ending with the answer sentence. Only in splits `shots` and `pivot_shots`, and in
    `calibration` where there is one: an honest response for the audit of rewards. No policy sees it there."""
    source: str = "built-in"
    """`built-in`, or the file or data set that the row came from."""
    source_row: Annotated[int, Field(ge=0)] | None = None
    """Row in the source, from 0."""
    translated_by: str | None = None
    """The translator that made this text from English; None where it came as it is."""

    @property
    def asked(self) -> str:
        """What a model is asked: the question, with lettered choices where it has any."""
        lettered = (f"({letter}) {text}" for letter, text in zip(CHOICE_LETTERS, self.choices, strict=False))
        return " ".join([self.question, *lettered])


class Sample(Record):
    """One of the pivot's responses to one English question."""

    problem_id: str
    half: Half
    """A makes the reference, B votes for the independent label; A alone where the problem is only trained on."""
    sample: int = Field(ge=0)
    """From 0, over both halves."""
    text: str
    """The response without its thought."""
    thought: str | None
    """What a thinking model thought first; None where it did not."""
    answer: str | None
    truncated: bool
    num_tokens: int = Field(ge=0)
    """Generated, the thought's included."""
    seconds: float = Field(ge=0)
    """Of the response; of one decoded in a batch, its share of the batch's time."""


class Reference(Record):
    """The English pivot's answer to one problem, chosen by vote among one half of its samples."""

    problem_id: str
    split: Split
    answer: str | None
    """The winning answer of half A, canonical; None where no sample had a readable answer."""
    text: str | None
    """A response of half A whose final answer is the winning one."""
    thought: str | None
    """The thought before `text`; None where there is none."""
    agreement: float = Field(ge=0, le=1)
    """Votes for the winner / samples of half A (unreadable ones count below the line)."""
    num_samples: int = Field(ge=1)
    """Samples of half A."""
    label: str | None
    """The winning answer of half B, which chose nothing: a label independent of the reference's noise."""
    label_agreement: Share | None
    """Votes for `label` / samples of half B; None where half B is empty."""
    kept: bool
    reason: str | None
    """Why it was dropped; None where kept."""
    gold_correct: bool | None
    """Whether `answer` equals the English gold; None without gold. For reports; chooses only where
    `reference.keep_only_gold` is set."""
    num_tokens: int = Field(ge=0)
    """Tokens generated over all samples."""
    pivot: str
    self_pivot: bool
    """True where pivot and policy are the same model."""


class ScoredResponse(Record):
    """One sampled response of the policy with every reward's raw score; None where a reward could not score."""

    model_config = ConfigDict(allow_inf_nan=False)

    problem_id: str
    lang: str
    sample: int = Field(ge=0)
    response: str
    truncated: bool
    answer_read: str | None
    answer_path: str
    """How the answer was found; see `components.answers.reading.AnswerPath`."""
    correct: bool | None
    """Equals the English gold; None without gold."""
    agrees_with_half_b: bool | None
    """Equals the vote of the pivot's samples that made no reference; None where they gave none."""
    in_language: bool
    answer: float | None
    format: float | None
    numbers: float | None
    language: float | None
    repetition: float | None
    embedding: float | None
    margin: float | None
    steps: float | None
    translation: float | None
    comet: float | None
    hybrid_paper: float | None
    hybrid: float | None
    """The fixed formula."""
    hybrid_hidden: float | None
    """The same without a look at any answer."""
    calibrated: float | None
    """P(correct) by a fit on other questions."""
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
    correct: bool | None
    """Equals the gold; None without gold."""
    language_share: Share
    """Share of the answer's words in `lang`, mathematics and names left out; 0 where it has no words."""


class ModelEntry(Record):
    """Where one role's checkpoint is, and what it is."""

    name: str
    """As written in params.yaml."""
    path: str
    """Folder with config, tokenizer and safetensors; relative to the repository where it lies inside."""
    in_hub_cache: bool = False
    """`path` is relative to the hub's cache, whose place is each machine's own: what is made with the model must not
    become stale on another."""
    fingerprint: str
    """Of the names and contents of the folder's weights, tokenizer and configuration, 16 hexadecimal digits."""
    has_chat_template: bool
    num_parameters: int = Field(ge=1)

    @property
    def folder(self) -> Path:
        """`path` on this machine."""
        return Path(constants.HF_HUB_CACHE if self.in_hub_cache else "", self.path)


class ServedModel(Record):
    """A model behind an OpenAI-compatible server; the server's address comes from the environment."""

    name: str
    """As the server calls it."""


class ModelManifest(Record):
    """What the `models` stage settled: the two roles' checkpoints."""

    policy: ModelEntry
    pivot: ModelEntry | ServedModel
    self_pivot: bool
