"""Sections on what is asked: languages, models, problems, sampling, references."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from components.params.section import Section


class BaseParams(Section):
    """What every stage shares."""

    seed: int = Field(ge=0, lt=2**31)
    languages: list[str] = Field(min_length=1)
    trained_languages: list[str] = Field(min_length=1)

    @model_validator(mode="after")
    def _languages_agree(self) -> "BaseParams":
        if "en" not in self.languages:
            raise ValueError("languages must contain `en`: gaps are measured against it")
        missing = [lang for lang in self.trained_languages if lang not in self.languages]
        if missing:
            raise ValueError(f"trained_languages not in languages: {', '.join(missing)}")
        if len(set(self.languages)) < len(self.languages):
            raise ValueError("languages must not repeat")
        return self


class ModelsParams(Section):
    """Which checkpoints play the two roles."""

    policy: str = Field(min_length=1)
    pivot: str = Field(min_length=1)
    dtype: Literal["auto", "bfloat16", "float32"]


class ColumnsParams(Section):
    """Which column of a table holds what; `question` is the only one that a table must have."""

    question: str = Field(min_length=1)
    answer: str | None = None
    """A number, or the letter, place or text of a choice; None: nobody knows the answers."""
    choices: str | list[str] | None = None
    """A column with a list of texts, or a column a choice; None: the answers are numbers."""
    lang: str | None = None
    """BCP-47 codes; None: every row is in the source's `lang`."""
    id: str | None = None
    """Joins a problem's rows over languages; None: every row is a problem of its own."""
    solution: str | None = None
    """Worked solutions, for examples in prompts."""


class SourceParams(Section):
    """Problems of others: published files in their own format, a table by column names, a hub data set."""

    format: Literal["mgsm", "gsm8k", "questions", "table", "hub"]
    """`mgsm`: a folder of mgsm_<lang>.tsv; `gsm8k`: its JSONL; `questions`: JSONL of our own records; `table`: JSONL,
    CSV or Parquet; `hub`: a data set's name."""
    path: str = Field(min_length=1)
    lang: str = "en"
    columns: ColumnsParams | None = None
    config: str | None = None
    """Of a hub data set."""
    split: str | None = None
    """Of a hub data set."""
    revision: str | None = None
    """Of a hub data set: a commit, so that the same parameters give the same rows on another day."""

    @model_validator(mode="after")
    def _format_has_its_keys(self) -> "SourceParams":
        if (self.columns is not None) != (self.format in ("table", "hub")):
            raise ValueError("`columns` goes with the formats table and hub, which need it, and with no other")
        if (self.split is not None) != (self.format == "hub") or (
            self.format != "hub" and (self.config is not None or self.revision is not None)
        ):
            raise ValueError("`split`, `config` and `revision` go with the format hub, which needs `split`, alone")
        return self


def _kind_of_source(value: object) -> str:
    return "outside" if isinstance(value, dict | SourceParams) else "built-in"


Source = Annotated[
    Annotated[Literal["built-in"], Tag("built-in")] | Annotated[SourceParams, Tag("outside")],
    Discriminator(_kind_of_source),  # one complaint about a wrong value, not one for each kind
]


class SourcesParams(Section):
    """Where each split's problems come from. Splits that name one source share its rows without overlap."""

    shots: Source
    pivot_shots: Source
    train: Source
    calibration: Source
    validation: Source
    test: Source


class ProblemsParams(Section):
    """Where problems come from, and how many each split gets (each is asked in every language)."""

    sources: SourcesParams
    translator: str = Field(min_length=1)
    native_digits: bool
    max_steps: int = Field(ge=1)
    """Of built-in problems' solutions: families with more are left out."""
    num_shots: int = Field(ge=0, le=8)
    num_pivot_shots: int = Field(ge=0)
    num_train: int = Field(ge=1)
    num_calibration: int = Field(ge=1)
    num_validation: int = Field(ge=1)
    num_test: int = Field(ge=1)


class SamplingParams(Section):
    """How responses are sampled."""

    temperature: float = Field(gt=0, le=2)
    top_k: int = Field(ge=1)
    max_new_tokens: int = Field(ge=1)
    batch_size: int = Field(ge=1)


class ReferenceParams(Section):
    """How the pivot is asked, and how its references are voted."""

    num_samples: int = Field(ge=2)
    num_rounds: int = Field(ge=1, le=32)
    """Of `num_samples` each: from the second on of training problems that have no reference yet."""
    num_shots: int = Field(ge=0, le=8)
    temperature: float = Field(gt=0, le=2)
    max_new_tokens: int = Field(ge=1)
    use_every_number: bool
    min_agreement: float = Field(ge=0, le=1)
    keep_only_gold: bool
