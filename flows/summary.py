"""The Markdown that each run leaves in Prefect: stages, headline numbers against the run before, where to look."""

from collections.abc import Iterator, Mapping
from typing import Any

from components.tracking import ParentRun, StageStatus, read_receipt
from flows.settings import mlflow_page

HEADLINES = {
    "report/macro/trained_languages/base/accuracy": "trained languages, before",
    "report/macro/trained_languages/trained/accuracy": "trained languages, after",
    "report/macro/trained_languages/gain/mean": "gain",
    "report/gap_to_english/trained": "gap to English, after",
}
"""Of the pass's own MLflow run."""


def run_summary(outcomes: Mapping[str, StageStatus], parent: ParentRun, set_params: Mapping[str, Any]) -> str:
    """All of it."""
    lines = [*_stages(outcomes), *_headlines(parent), *_links(parent)]
    if set_params:
        lines += ["", "Values of this run: " + ", ".join(f"`{key}: {value}`" for key, value in set_params.items())]
    return "\n".join(lines)


def _stages(outcomes: Mapping[str, StageStatus]) -> Iterator[str]:
    yield "| stage | outcome | seconds | MLflow run |"
    yield "|---|---|---|---|"
    for stage, status in outcomes.items():
        receipt = read_receipt(stage) or {}
        yield f"| {stage} | {status} | {receipt.get('seconds', '')} | {receipt.get('run_id', '')} |"


def _headlines(parent: ParentRun) -> Iterator[str]:
    own, last = parent.metrics(), parent.metrics_before()
    if not own:
        return
    yield from ("", "| accuracy on `test`, % | this run | last run | change |", "|---|---|---|---|")
    for key, name in HEADLINES.items():
        if key in own:
            before = last.get(key)
            change = "" if before is None else f"{100 * (own[key] - before):+.1f}"
            yield f"| {name} | {100 * own[key]:.1f} | {'' if before is None else f'{100 * before:.1f}'} | {change} |"


def _links(parent: ParentRun) -> Iterator[str]:
    if parent.run_id is None:
        yield from ("", "MLflow did not take this run yet (`tracking.late`).")
        return
    page = mlflow_page(parent.experiment_id, parent.run_id)
    yield from ("", f"MLflow: [{parent.run_id}]({page}); report: [report.html]({page}/artifacts)")
