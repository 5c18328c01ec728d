"""Progress that a person can follow: a bar on a terminal, plain lines at a calm pace elsewhere."""

import time
from collections.abc import Iterable, Iterator, Sized
from datetime import timedelta
from io import StringIO
from types import TracebackType
from typing import Self, TypeVar

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress

T = TypeVar("T")

SECONDS_BETWEEN_LINES = 10.0
WIDTH = 120
"""Characters of the widest tables."""

console = Console(soft_wrap=True, highlight=False)


def say(message: str) -> None:
    """Print one line, above a bar where one is drawn."""
    console.print(message, markup=False)


def print_wide(table: RenderableType) -> None:
    """Print a table at its full width: a narrower terminal breaks lines, where cut numbers would say nothing."""
    text = StringIO()
    Console(width=max(console.width, WIDTH), highlight=False, file=text).print(table)
    console.print(text.getvalue(), markup=False, end="")


class Progress:
    """Progress over `total` units (unknown where None); use as a context manager and call `advance`."""

    def __init__(self, description: str, total: int | None = None) -> None:
        self.description = description
        self.total = total
        self.count = 0
        self._note = ""
        self._bar = _new_bar() if console.is_terminal else None

    def __enter__(self) -> Self:
        self._started = self._last_line = time.monotonic()
        if self._bar is not None:
            self._bar.start()
            self._task = self._bar.add_task(self.description, total=self.total, note="")
        return self

    def advance(self, count: int = 1, note: str = "") -> None:
        """Count `count` units as done; `note` (a loss, a reward) is shown beside them."""
        self.count += count
        self._note = note
        if self._bar is not None:
            self._bar.update(self._task, advance=count, note=note)
        elif self.count != self.total and time.monotonic() - self._last_line >= SECONDS_BETWEEN_LINES:
            self._print_line()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
        else:
            self._print_line()

    def _print_line(self) -> None:
        self._last_line = time.monotonic()
        elapsed = self._last_line - self._started
        parts = [
            f"{self.count}/{self.total}" if self.total else str(self.count),
            f"elapsed {_clock(elapsed)}",
        ]
        if self.total and 0 < self.count < self.total:
            parts.append(f"left {_clock(elapsed / self.count * (self.total - self.count))}")
        if self._note:
            parts.append(self._note)
        say(f"{self.description}: {', '.join(parts)}")


def track(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Yield `items`, showing how far it has come; `total` is needed only where `items` has no length."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    with Progress(description, total) as progress:
        for item in items:
            yield item
            progress.advance()


def _new_bar() -> RichProgress:
    return RichProgress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=console,
    )


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
