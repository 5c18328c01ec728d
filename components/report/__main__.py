"""Write what the run shows, with intervals, for people and for the closing table.

Reads the predictions on `test` and the metrics of the earlier stages; chooses nothing. Writes report/report.html (one
self-contained page), report/report.md, report/model_card.md, plots/accuracy.csv and metrics/report.json. The same
inputs give the same files. Where the audit has failed and `gate.strict` is true, it ends with an error once all is
written.
Run: `python -m components.report`.
"""

import csv
from collections.abc import Mapping
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

from components.contracts import PipelineError, write_text
from components.stage import StageRun, run_stage

PAGE, MARKDOWN, CARD = Path("report/report.html"), Path("report/report.md"), Path("report/model_card.md")
ACCURACY = Path("plots/accuracy.csv")


def work(run: StageRun) -> None:
    """Numbers first, then the words and drawings around them."""
    from components.report.as_html import html_page
    from components.report.as_markdown import markdown
    from components.report.inputs import read_inputs
    from components.report.model_card import model_card
    from components.report.sections import TITLE, sections
    from components.report.summary import ENGLISH, bootstrap_of, summarise
    from components.report.words import headline, verdict_sentence, without_gold

    params, inputs = run.params, read_inputs()
    bootstrap = bootstrap_of(inputs.predictions, params.base, params.report)
    run.metrics = summarise(inputs, bootstrap, params.base, params.report)
    content = list(sections(inputs, run.metrics, bootstrap, params))
    write_text(PAGE, html_page(TITLE, content))
    write_text(MARKDOWN, markdown(TITLE, content))
    write_text(CARD, model_card(inputs, run.metrics, bootstrap, params))
    write_text(ACCURACY, accuracy_csv(run.metrics["languages"]))
    run.log_artifact(PAGE.parent)
    others = [lang for lang in run.metrics["languages"] if lang != ENGLISH]
    if bootstrap is not None:
        run.say(headline(bootstrap, others, params.report.confidence))
    if inputs.num_without_gold:
        run.say(without_gold(inputs.num_without_gold, inputs.num_problems))
    told = verdict_sentence(inputs.audit)
    run.say(told)
    run.say(f"written to {PAGE}, {MARKDOWN} and {CARD}")
    if params.gate.strict and inputs.audit["verdict"] == "failed":
        run.when_done(partial(_refuse, told))


def _refuse(told: str) -> None:
    raise PipelineError(f"{told} `gate.strict` makes this an error; {PAGE} has the figures")


def accuracy_csv(languages: Mapping[str, Any]) -> str:
    """One row a language and system, for DVC's plots."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("lang", "system", "accuracy", "low", "high"))
    for lang, entry in languages.items():
        for system in ("base", "warmup", "trained"):
            writer.writerow((lang, system, *(entry[system][key] for key in ("accuracy", "low", "high"))))
    return text.getvalue()


if __name__ == "__main__":
    run_stage("report", work)
