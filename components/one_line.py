"""What went wrong on a command line, in one line."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Prints a `PipelineError` line by line in place of a traceback, and ends with status 1."""
    from components.contracts import PipelineError

    try:
        yield
    except PipelineError as error:
        for line in str(error).splitlines():
            print(f"pb-rlsvr: {line}", file=sys.stderr)
        raise typer.Exit(1) from None
