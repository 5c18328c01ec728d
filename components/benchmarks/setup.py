"""A benchmark's set-up: where its rows are, how they are asked, and how the published one reads answers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from components.contracts import PipelineError, first_problem
from components.lang import languages
from components.params import ColumnsParams

FOLDER = Path(__file__).with_name("setups")
Split = Literal["test", "shots"]


class Setup(BaseModel):
    """One file of `setups/`, or a user's own. Braces in its texts stand for a row's columns and a language's words."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[^/\x00]+$")
    """Of the file."""
    matches: str
    """The published set-up whose prompts these are."""
    differs: str = ""
    """Where they are not."""
    answer: Literal["text", "choice"]
    """`text`: generated and read; `choice`: the likeliest of the continuations."""
    hub: str
    """Name on the Hugging Face hub, where each language is a configuration; `none` where it is not there."""
    splits: dict[Split, str]
    files: dict[Split, list[str]]
    """Patterns inside a local folder, the first that finds something counts."""
    columns: ColumnsParams
    group: str | None = None
    """Column whose value a question and its worked examples share."""
    connector: str | None = None
    """Column whose value names the word of the language that `{connector}` stands for."""
    working: str | None = None
    """Column with the worked solution of an example: `{working}`."""
    num_shots: int = Field(ge=0)
    prompt: str
    shot: str = ""
    between: str = "\n\n"
    continuation: str = ""
    """Of a choice: `{letter}`, `{choice}`, `{small}` (the choice with a small first letter)."""
    stop: list[str] = []
    """What ends a response; it is no part of it."""
    max_new_tokens: int = Field(default=1, ge=1)
    last: str | None = None
    """Regular expression whose last match the published set-up reads where `strict` (a language's word) finds none."""
    languages: dict[str, dict[str, str]]
    """Words by BCP-47 code; labels that are not here are those of our own table of languages."""

    @model_validator(mode="after")
    def _is_whole(self) -> "Setup":
        if (self.answer == "choice") != bool(self.continuation):
            raise ValueError("`continuation` goes with `answer: choice`, which needs it, and with no other")
        if self.num_shots and not self.shot:
            raise ValueError("`num_shots` needs `shot`")
        return self

    @property
    def known_languages(self) -> list[str]:
        """Codes that it can be asked in."""
        return list(self.languages or languages())

    def words(self, lang: str) -> Mapping[str, str]:
        """A language's words.

        Raises:
            PipelineError: The set-up has no words in that language.
        """
        if lang not in self.known_languages:
            known = ", ".join(self.known_languages)
            raise PipelineError(f"{self.name}: no words in `{lang}`; there are {known}")
        row = languages().get(lang)
        labels = {"question_label": row.question_label, "answer_label": row.answer_label} if row else {}
        return labels | self.languages.get(lang, {})


def load_setup(name: str) -> Setup:
    """The set-up `name` of `setups/`, or of a user's own file that ends in .yaml.

    Raises:
        PipelineError: There is none, or it is none (file and key are named).
    """
    path = Path(name) if name.endswith(".yaml") else FOLDER / f"{name}.yaml"
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        if "like" in raw:
            if raw["like"] not in known_setups():
                raise PipelineError(
                    f"{path}: `like`: there is no `{raw['like']}`; there are {', '.join(known_setups())}"
                )
            model = yaml.safe_load((FOLDER / f"{raw['like']}.yaml").read_text(encoding="utf-8"))
            words = {lang: model["languages"].get(lang, {}) | own for lang, own in (raw.get("languages") or {}).items()}
            raw = model | raw | ({"languages": words} if words else {})
            del raw["like"]
        return Setup.model_validate({"name": path.stem} | raw)
    except FileNotFoundError:
        raise PipelineError(f"no set-up `{name}`; there are {', '.join(known_setups())}, or a file .yaml") from None
    except ValidationError as error:
        raise PipelineError(f"{path}: {first_problem(error)}") from None
    except (OSError, yaml.YAMLError, TypeError) as error:
        raise PipelineError(f"{path}: not readable ({' '.join(str(error).split())[:200]})") from None


def known_setups() -> list[str]:
    """Names of `setups/`."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))
