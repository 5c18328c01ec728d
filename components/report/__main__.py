"""Write what the run shows, with intervals, for people and for the closing table.

Reads the predictions on `test` and the metrics of the earlier stages; chooses nothing. Writes report/report.html (one
self-contained page), report/report.md, report/model_card.md, DVC's plots in plots/ and metrics/report.json. The
same inputs give the same files. Where the gate has decided so, the trained adapter becomes the champion of MLflow's
registry once all is written; where a condition fails and `gate.strict` is true, it then ends with an error.
Run: `python -m components.report`.
"""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from components.contracts import PipelineError, write_text
from components.stage import StageRun, run_stage

if TYPE_CHECKING:
    from components.promotion.gate import Decision

PAGE, MARKDOWN, CARD = Path("report/report.html"), Path("report/report.md"), Path("report/model_card.md")
ACCURACY, VALIDATION = Path("plots/accuracy.csv"), Path("plots/validation.csv")


def work(run: StageRun) -> None:
    """Numbers first, then the words and drawings around them."""
    from components.promotion.gate import decide
    from components.promotion.registry import keep_champion
    from components.report.as_html import html_page
    from components.report.as_markdown import markdown
    from components.report.inputs import read_inputs
    from components.report.model_card import model_card
    from components.report.plots import accuracy_csv, validation_csv
    from components.report.sections import TITLE, sections
    from components.report.summary import ENGLISH, bootstrap_of, summarise
    from components.report.words import headline, without_gold

    params, inputs = run.params, read_inputs()
    bootstrap = bootstrap_of(inputs.predictions, params.base, params.report)
    summary = summarise(inputs, bootstrap, params.base, params.report)
    decision = decide(summary, inputs.calibrate, inputs.audit, params.gate, params.calibrate)
    promotion = decision.to_dict() | {"adapter_sha256": inputs.adapter_sha256}
    run.metrics = summary | {"promoted": decision.number, "promotion": promotion}
    content = list(sections(inputs, run.metrics, bootstrap, params))
    write_text(PAGE, html_page(TITLE, content))
    write_text(MARKDOWN, markdown(TITLE, content))
    write_text(CARD, model_card(inputs, run.metrics, bootstrap, params))
    write_text(ACCURACY, accuracy_csv(run.metrics["languages"]))
    write_text(VALIDATION, validation_csv(inputs.train["validation"]))
    run.log_artifact(PAGE.parent)
    others = [lang for lang in run.metrics["languages"] if lang != ENGLISH]
    if bootstrap is not None:
        run.say(headline(bootstrap, others, params.report.confidence))
    if inputs.num_without_gold:
        run.say(without_gold(inputs.num_without_gold, inputs.num_problems))
    for line in (decision.verdict, *decision.failures()):
        run.say(line)
    run.say(f"written to {PAGE}, {MARKDOWN} and {CARD}")
    if decision.passed:
        run.when_done(keep_champion)
    elif params.gate.strict and decision.number == 0:
        run.when_done(partial(_refuse, decision))


def _refuse(decision: "Decision") -> None:
    first = f"{decision.verdict} `gate.strict` makes this an error; {PAGE} has the figures"
    raise PipelineError("\n".join([first, *decision.failures()]))


if __name__ == "__main__":
    run_stage("report", work)
