"""The folder of an evaluation: what is written into it, and that no other evaluation's is replaced."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from components.benchmarks.sample import BenchmarkSample
from components.benchmarks.shown import sections
from components.contracts import PipelineError, write_json, write_table, write_text
from components.report.as_html import html_page
from components.report.as_markdown import markdown

FILES = ("samples.parquet", "metrics.json", "report.html", "report.md")
UNCOMPARED = ("date", "versions", "matches", "differs", "model", "rows")
"""Of `made`: when it was made, what fingerprints tell better, and rows, whose languages and contents are compared."""


def check_out(out: Path, made: Mapping[str, Any]) -> None:
    """Whether `out` is free, or holds the same evaluation, made before: then it is replaced.

    Raises:
        PipelineError: It holds another one.
    """
    path = out / "metrics.json"
    if not path.exists():
        return
    try:
        before = _compared(json.loads(path.read_text(encoding="utf-8"))["made"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise PipelineError(f"{path}: is of no evaluation; give another folder by --out") from None
    now = _compared(json.loads(json.dumps(made)))
    # What an earlier version did not write says nothing.
    others = [name for name, value in now.items() if name in before and before[name] != value]
    if others:
        raise PipelineError(f"{out}: holds another evaluation ({', '.join(others)}); give another folder by --out")


def write_results(out: Path, metrics: Mapping[str, Any], samples: Sequence[BenchmarkSample]) -> None:
    """Write `FILES`."""
    write_table(out / "samples.parquet", samples, BenchmarkSample)
    write_json(out / "metrics.json", metrics)
    title, told = f"{metrics['made']['benchmark']}: {metrics['made']['model']}", sections(metrics, samples)
    write_text(out / "report.html", html_page(title, told))
    write_text(out / "report.md", markdown(title, told))


def _compared(made: Mapping[str, Any]) -> dict[str, Any]:
    """What makes it the evaluation that it is."""
    own = {name: value for name, value in made.items() if name not in UNCOMPARED}
    own["languages"] = sorted(made["rows"])
    own["rows"] = {
        lang: {split: (told.get("fingerprint"), told.get("version")) for split, told in splits.items()}
        for lang, splits in made["rows"].items()
    }
    return own
