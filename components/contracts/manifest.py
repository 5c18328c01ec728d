"""Reading what the `models` stage settled. Loads no torch: a stage whose model is served needs none."""

from pathlib import Path

from components.contracts.errors import ContractError
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
    except ValueError as error:
        raise ContractError(f"{path}: {' '.join(str(error).split())}; run `dvc repro -f models`") from None
