"""Tables that DVC draws (`plots` in dvc.yaml), each row one mark: DVC drops no rows and would draw a gap as a zero."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from typing import Any

from components.report.inputs import SYSTEMS


def accuracy_csv(languages: Mapping[str, Any]) -> str:
    """One row a language, from metrics/report.json."""
    rows = ((lang, *(entry[system]["accuracy"] for system in SYSTEMS)) for lang, entry in languages.items())
    return _csv(("lang", *SYSTEMS), rows)


def validation_csv(validation: Mapping[str, float]) -> str:
    """One row a checkpoint, from metrics/train.json."""
    return _csv(("step", "validation"), validation.items())


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
