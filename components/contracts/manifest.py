"""Reading what the `models` stage settled. Loads no torch: a stage whose model is served needs none."""

from pathlib import Path

from pydantic import ValidationError

from components.contracts.errors import ContractError, first_problem
from components.contracts.records import ModelManifest

MANIFEST_PATH = Path("models/manifest.json")


def read_manifest(path: Path = MANIFEST_PATH) -> ModelManifest:
    """Read the two roles' models.

    Raises:
        ContractError: The file is missing or breaks the contract.
    """
    try:
        return ModelManifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ContractError(f"{path}: {error.strerror}; run `dvc repro models`") from None
    except ValidationError as error:
        raise ContractError(f"{path}: field {first_problem(error)}; run `dvc repro -f models`") from None
