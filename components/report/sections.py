"""What the report says, section by section. A section whose numbers do not exist (no second language) is left out."""

from collections.abc import Iterator, Mapping
from typing import Any

from components.params import Params
from components.promotion.gate import Decision
from components.report.accuracy import accuracy_sections
from components.report.document import Bullets, Section, Text
from components.report.inputs import Inputs
from components.report.promotion import promotion_section
from components.report.references import reference_blocks
from components.report.responses import response_blocks
from components.report.rewards import reward_sections
from components.report.samples import samples_of
from components.report.summary import ENGLISH
from components.report.training import timing_blocks, training_blocks
from components.report.words import without_gold
from components.statistics import PairedBootstrap

TITLE = "pb-rlsvr: what training changed"
ARMS = (
    "Arms and seeds trained against each other are no part of this run. make compare trains those that params.yaml "
    "lists and writes their table, with gains over the base, the warm-up and the controls, to report/compare.md."
)


def sections(
    inputs: Inputs, summary: Mapping[str, Any], bootstrap: PairedBootstrap | None, params: Params
) -> Iterator[Section]:
    """All sections in their order; those on accuracy only where there is a bootstrap, that is, any gold answer."""
    languages = [lang for lang in params.base.languages if lang in inputs.languages]
    num_without_gold, num_problems = inputs.num_without_gold, inputs.num_problems
    missing = [Text(without_gold(num_without_gold, num_problems), bootstrap is None)] if num_without_gold else []
    decision = Decision.from_dict(summary["promotion"])
    verdict = Text(decision.verdict, strong=not decision.passed)
    if bootstrap is None:
        yield Section("The result", [*missing, verdict])
    else:
        yield from accuracy_sections(summary, bootstrap, params, [verdict, *missing])
    yield promotion_section(decision)
    yield Section("Language and length of the responses", response_blocks(inputs.evaluate, summary, languages))
    yield Section("The references", reference_blocks(inputs.reference, inputs.models))
    yield from reward_sections(inputs.calibrate, inputs.audit, params)
    yield Section("Training", training_blocks(inputs, params.train))
    yield Section("Timings", timing_blocks(inputs.train, params))
    yield Section("Arms compared", [Text(ARMS)])
    yield Section("Samples", [samples_of(inputs, languages)])
    yield Section("Limits", [limits(inputs, params)])
    yield Section("How this was made", [Text(_making(inputs, params))])


def limits(inputs: Inputs, params: Params) -> Bullets:
    """What must not be concluded."""
    size = inputs.models["policy_num_parameters"] / 1e6
    problems = inputs.evaluate["num_problems"]
    items = [
        f"One training run with one seed ({params.train.seed}). The intervals tell what other problems would have "
        "changed, not what another seed would have.",
        f"A policy of {size:,.0f} million parameters: nothing here says how larger ones behave.",
        f"{problems} test problems. The embedded ones are short word problems from this project's own templates: no "
        "public benchmark, and little is said about harder mathematics.",
        "A response counts as right by its final answer alone; how it got there is not judged.",
    ]
    if inputs.models["self_pivot"]:
        items.append(
            "Self-pivot: the references come from the policy itself, so training can pass on what it knows in English, "
            "its mistakes included, and no more."
        )
    if inputs.languages == {ENGLISH}:
        items.append("English is the only language evaluated: nothing is said about transfer between languages.")
    return Bullets(items)


def _making(inputs: Inputs, params: Params) -> str:
    report = params.report
    return (
        f"Written by the stage report (python -m components.report) from {len(inputs.predictions)} greedy responses in "
        "data/evaluate/predictions.parquet and the metrics of the earlier stages. Bootstrap: "
        f"{report.bootstrap_resamples} resamples of whole problems with all their languages and systems, percentile "
        f"intervals at {100 * report.confidence:g} %. The numbers are in metrics/report.json, every parameter in "
        "params.yaml, the run of each stage in MLflow (and runs/)."
    )
