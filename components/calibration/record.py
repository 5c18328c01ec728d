"""The record of one reward's calibration: what turns its terms into P(correct), and what that was fitted on."""

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from components.calibration.maps import LanguageMaps
from components.calibration.weights import FittedWeights
from components.contracts import ContractError, first_problem, write_json
from components.contracts.records import Record

FILE_NAME = "calibration.json"


class Calibration(Record):
    """One reward's weights and maps. Its folder may hold `bank.safetensors` too, which others write and read."""

    reward: str = Field(min_length=1)
    terms: tuple[str, ...] = Field(min_length=1)
    weights_status: Literal["fitted", "not identifiable"]
    """`not identifiable`: the labels could not tell any, and the hybrid's fixed formula stands."""
    weights: FittedWeights | None
    """None unless fitted."""
    maps: LanguageMaps | None
    """None where scores stay as they are."""
    label_source: Literal["half B vote", "gold", "correct column"] | None
    """What "correct" meant in the fit; None where there was none."""
    num_rows: int = Field(ge=0)
    num_questions: int = Field(ge=0)
    encoder: str
    encoder_fingerprint: str
    created_from: dict[str, str]
    """Fingerprints of what went in, by name."""

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> "Calibration":
        if (self.weights is not None) != (self.weights_status == "fitted"):
            raise ValueError(f"weights_status is `{self.weights_status}`, but weights are {_presence(self.weights)}")
        if self.weights is not None and self.weights.names != self.terms:
            raise ValueError(f"weights are of {self.weights.names}, but terms are {self.terms}")
        return self

    def write(self, folder: Path) -> None:
        """Write `calibration.json` into `folder`, whole or not at all; other files there stay.

        Raises:
            ContractError: The folder is not writable.
        """
        write_json(folder / FILE_NAME, self.model_dump(mode="json"))

    @classmethod
    def read(cls, folder: Path) -> "Calibration":
        """Read what `write` wrote.

        Raises:
            ContractError: The file is missing, or breaks the contract (file and field named).
        """
        path = folder / FILE_NAME
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise ContractError(f"{path}: {error.strerror}; run the stage that writes it (`dvc repro`)") from None
        except ValidationError as error:
            raise ContractError(f"{path}: field {first_problem(error)}; write it anew (`dvc repro`)") from None


def _presence(value: object) -> str:
    return "missing" if value is None else "there"
