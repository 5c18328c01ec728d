"""The `pb-rlsvr` command. Each command imports what it needs when it is called, so that help is immediate."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer

app = typer.Typer(
    help="Pivot-based RL with semantically verifiable rewards: train, evaluate and ask.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.command()
def repro(
    force: Annotated[bool, typer.Option(help="Run every stage although nothing changed.")] = False,
) -> None:
    """Bring every stage up to date (`dvc repro`) under one MLflow run, then print the results."""
    from components.closing import print_closing
    from components.repro import repro_all

    with _one_line_errors():
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
    """Start the Prefect server and the MLflow UI on this machine only; Ctrl-C stops both."""
    _become("flows.ui")


@app.command()
def ask(
    question: str,
    lang: Annotated[str, typer.Option(help="Language of the question, as in params.yaml.")],
    system: Annotated[Literal["base", "warmup", "trained"], typer.Option(help="Who answers.")] = "trained",
) -> None:
    """Answer one question with the trained adapter."""
    from components.environment import prepare_process

    with _one_line_errors():
        prepare_process(offline=True)
        from components.ask import answer

        print(answer(question, lang, system))


@app.command()
def verify(
    rows: Annotated[Path, typer.Argument(help="JSONL with `lang`, `text`, `gold`; - for standard input.")],
    language: Annotated[bool, typer.Option(help="Also tell which language each text is in.")] = True,
) -> None:
    """Read the final answer of every row and judge it; writes the rows with verdicts to standard output."""
    with _one_line_errors():
        from components.verify import verify_file

        try:
            verify_file(rows, sys.stdout.buffer, with_language=language)
        except BrokenPipeError:  # whoever reads has enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@app.command()
def params() -> None:
    """Check params.yaml."""
    from components.params import PARAMS_PATH, load_params

    with _one_line_errors():
        load_params()
        print(f"{PARAMS_PATH}: OK")


def main() -> None:
    """Entry point of the `pb-rlsvr` script."""
    app()


@contextmanager
def _one_line_errors() -> Iterator[None]:
    from components.contracts import PipelineError

    try:
        yield
    except PipelineError as error:
        for line in str(error).splitlines():
            print(f"pb-rlsvr: {line}", file=sys.stderr)
        raise typer.Exit(1) from None


def _become(module: str, *arguments: str) -> NoReturn:
    """Replace this process: `flows` stands above `components`, which never imports it."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606 - no shell is meant


if __name__ == "__main__":
    main()
