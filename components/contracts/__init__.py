"""What stages hand to each other: frozen records, and the readers and writers of their files."""

from components.contracts.errors import EX_TEMPFAIL, ContractError, PipelineError, first_problem
from components.contracts.files import (
    read_records,
    read_table,
    write_json,
    write_records,
    write_table,
    write_text,
)
from components.contracts.fingerprint import fingerprint, weights_fingerprint
from components.contracts.manifest import read_manifest
from components.contracts.records import (
    ModelEntry,
    ModelManifest,
    Prediction,
    Question,
    Reference,
    Sample,
    ScoredResponse,
    ServedModel,
)

__all__ = [
    "EX_TEMPFAIL",
    "ContractError",
    "ModelEntry",
    "ModelManifest",
    "PipelineError",
    "Prediction",
    "Question",
    "Reference",
    "Sample",
    "ScoredResponse",
    "ServedModel",
    "fingerprint",
    "first_problem",
    "read_manifest",
    "read_records",
    "read_table",
    "weights_fingerprint",
    "write_json",
    "write_records",
    "write_table",
    "write_text",
]
