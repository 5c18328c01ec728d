"""The `pb-rlsvr` command. Each command imports what it needs when it is called, so that help is immediate."""

import os
import sys
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer

from components.offline.commands import offline
from components.one_line import one_line_errors

app = typer.Typer(
    help="Pivot-based RL with semantically verifiable rewards: train, evaluate and ask.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(offline)


@app.command()
def repro(
    force: Annotated[bool, typer.Option(help="Run every stage although nothing changed.")] = False,
) -> None:
    """Bring every stage up to date (`dvc repro`) under one MLflow run, then print the results."""
    from components.closing import print_closing
    from components.repro import repro_all

    with one_line_errors():
        repro_all(force)
        print_closing()


@app.command()
def flow(
    target: Annotated[list[str] | None, typer.Option(help="Only this stage and what it needs; repeatable.")] = None,
    force: Annotated[bool, typer.Option(help="Run the stages although nothing changed.")] = False,
) -> None:
    """Run the same pipeline through Prefect."""
    options = [f"--target={name}" for name in target or []] + (["--force"] if force else [])
    _become("flows", *options)


@app.command()
def ui() -> None:
    """Start the Prefect server and the MLflow UI, for this machine alone without PBRLSVR_HOST; Ctrl-C stops both."""
    _become("flows.ui")


@app.command()
def ask(
    question: str,
    lang: Annotated[str, typer.Option(help="Language of the question, as in params.yaml.")],
    system: Annotated[Literal["base", "warmup", "trained"], typer.Option(help="Who answers.")] = "trained",
) -> None:
    """Answer one question with the trained adapter."""
    from components.environment import prepare_process

    with one_line_errors():
        prepare_process(offline=True)
        from components.ask import answer

        print(answer(question, lang, system))


@app.command()
def verify(
    rows: Annotated[Path, typer.Argument(help="JSONL with `lang`, `text`, `gold`; - for standard input.")],
    language: Annotated[bool, typer.Option(help="Also tell which language each text is in.")] = True,
) -> None:
    """Read the final answer of every row and judge it; writes the rows with verdicts to standard output."""
    with one_line_errors():
        from components.verify import verify_file

        try:
            verify_file(rows, sys.stdout.buffer, with_language=language)
        except BrokenPipeError:  # whoever reads has enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@app.command()
def compare(
    jobs: Annotated[int, typer.Option(min=1, help="Arms at work at once, with a share of the machine each.")] = 1,
) -> None:
    """Train and evaluate the arms that params.yaml lists, and print their table; goes on where it was stopped."""
    with one_line_errors():
        import json

        from components.repro_compare import repro_compare

        repro_compare(jobs)
        from components.compare.table import print_arms
        from components.stage import METRICS

        print_arms(json.loads((METRICS / "compare.json").read_text(encoding="utf-8")))


@app.command()
def evaluate(
    benchmark: Annotated[str, typer.Option(help="Set-up: a name (see --list), or your own .yaml.")] = "",
    data: Annotated[Path | None, typer.Option(help="Folder in the published format; left out: the hub.")] = None,
    languages: Annotated[str, typer.Option(help="BCP-47 codes with commas; left out: all of the set-up.")] = "",
    adapter: Annotated[list[Path] | None, typer.Option(help="Beside the base model; repeatable.")] = None,
    model: Annotated[str, typer.Option(help="Folder or hub name; left out: params.yaml's policy.")] = "",
    limit: Annotated[int | None, typer.Option(min=1, help="First questions of each language.")] = None,
    shots: Annotated[int | None, typer.Option(min=0, help="Worked examples; left out: the set-up's number.")] = None,
    max_new_tokens: Annotated[int | None, typer.Option(min=1, help="Left out: the set-up's number.")] = None,
    samples: Annotated[int, typer.Option(min=1, help="Of each question: also pass@k and majority.")] = 1,
    temperature: Annotated[float, typer.Option(min=0, help="0 is greedy.")] = 0.0,
    batch_size: Annotated[int, typer.Option(min=1, help="Responses decoded together.")] = 32,
    revision: Annotated[str | None, typer.Option(help="Of the hub's data set.")] = None,
    chat: Annotated[bool, typer.Option("--chat", help="The prompt as a user's turn in the model's template.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder; left out: evaluations/BENCHMARK.")] = None,
    show: Annotated[bool, typer.Option("--list", help="List the set-ups.")] = False,
) -> None:
    """Evaluate the base model, and adapters, on a benchmark; writes every answer, figures and a report."""
    with one_line_errors():
        from components.benchmarks.setup import known_setups, load_setup

        if show or not benchmark:
            for name in known_setups():
                print(f"{name:18} {load_setup(name).matches}")
            return
        from components.params import load_params

        own = load_params()
        from components.environment import prepare_process
        from components.stage import NO_HUB, is_hub_name

        chosen = model or own.models.policy
        hub_model = chosen not in NO_HUB and is_hub_name(chosen)
        prepare_process(offline=data is not None and not hub_model)
        from components.benchmarks.run import Asked, evaluate_benchmark

        evaluate_benchmark(
            Asked(
                benchmark, data, tuple(filter(None, languages.split(","))), chosen, tuple(adapter or ()),
                out or Path("evaluations") / Path(benchmark).stem, limit, shots, max_new_tokens, batch_size, samples,
                temperature, revision, chat, own.models.dtype, own.base.seed,
            )
        )  # fmt: skip


@app.command()
def promote() -> None:
    """Make the trained adapter the champion of MLflow's registry, where the report's gate has passed."""
    from components.environment import prepare_process

    with one_line_errors():
        prepare_process(offline=True)
        from components.promotion.promote import promote as register

        print(register())


@app.command()
def export(
    out: Annotated[Path, typer.Argument(help="New folder.")],
    merged: Annotated[bool, typer.Option("--merged", help="A whole checkpoint with the adapter folded in.")] = False,
    adapter: Annotated[Path, typer.Option(help="The adapter's folder.")] = Path("adapters/trained"),
) -> None:
    """Write the adapter with its model card, or a whole checkpoint, for transformers, PEFT or vLLM."""
    from components.environment import prepare_process

    with one_line_errors():
        prepare_process(offline=True)
        from components.promotion.export import export as write

        write(out, adapter, merged)
        print(f"{out}: written")


@app.command()
def params() -> None:
    """Check params.yaml."""
    from components.params import PARAMS_PATH, load_params

    with one_line_errors():
        load_params()
        print(f"{PARAMS_PATH}: OK")


@app.command()
def plan(
    profile: Annotated[str | None, typer.Option(help="Of profiles/, in place of values of params.yaml.")] = None,
    device: Annotated[
        Literal["here", "h100", "h200", "a100-80gb", "l40s"], typer.Option(help="What it would run on.")
    ] = "here",
) -> None:
    """Tell what a run will take before it runs: time by stage, memory, disk. Nothing is loaded."""
    from components.environment import prepare_process

    with one_line_errors():
        prepare_process(offline=False)
        from components.plan.show import show_plan

        show_plan(profile, device)


@app.command()
def use(profile: Annotated[str, typer.Argument(help="Of profiles/.")]) -> None:
    """Write a profile's values into params.yaml."""
    from components.plan.profiles import use_profile

    with one_line_errors():
        for line in use_profile(profile) or ["params.yaml has these values already"]:
            print(line)


@app.command()
def lineage(
    what: Annotated[
        str, typer.Argument(help="Adapter's folder, pb-rlsvr/3, pb-rlsvr@champion, MLflow or Prefect run, Git commit.")
    ] = "adapters/trained",
    recompute: Annotated[
        bool, typer.Option("--verify", help="Compute its hashes again; status 1 where one differs.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Everything as one JSON object.")] = False,
) -> None:
    """Tell where an adapter or a run comes from (commit, hashes, runs, passes), or what came of a commit."""
    from components.environment import prepare_process

    with one_line_errors():
        prepare_process(offline=True)
        from components.lineage.show import show

        show(what, recompute, as_json)


def main() -> None:
    """Entry point of the `pb-rlsvr` script."""
    app()


def _become(module: str, *arguments: str) -> NoReturn:
    """Replace this process: `flows` stands above `components`, which never imports it."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606 - no shell is meant


if __name__ == "__main__":
    main()
