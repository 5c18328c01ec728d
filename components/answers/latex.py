r"""Reading LaTeX that is more than a number, such as `\sqrt{16}`, with math-verify in a process of its own.

Evaluating what a model wrote can take for ever (`10^{10^{10}}`), and math-verify's own timeout works in main threads
only. So a worker does it, is killed after `TIMEOUT_S`, and is started again when it is needed. Safe in threads, and
after a fork.
"""

import atexit
import json
import os
import select
import subprocess
import sys
from fractions import Fraction
from functools import cache, lru_cache
from pathlib import Path
from threading import Lock

from components.answers.numbers import canonical_number

TIMEOUT_S = 2.0
_START_S = 60.0  # importing sympy on a busy machine
_LONGEST = 300  # characters; longer boxes hold no single number
_WORKER = Path(__file__).with_name("latex_worker.py")


class Unparsed(Exception):  # noqa: N818 - says what became of a box, and never leaves this room
    """The worker took too long or died."""


def latex_number(latex: str) -> str | None:
    """The real number that the LaTeX is, canonical; an irrational one as a decimal of 30 digits. None for all else.

    Raises:
        Unparsed: It took longer than `TIMEOUT_S`, or more memory than the worker may have.
    """
    return _cached(latex.strip()) if len(latex) <= _LONGEST else None


@lru_cache(1 << 14)  # training goes on for days
def _cached(latex: str) -> str | None:
    answer = _worker().ask(latex)
    return canonical_number(Fraction(answer)) if answer else None


class _Worker:
    def __init__(self) -> None:
        self.lock = Lock()
        self.process: subprocess.Popen[str] | None = None

    def ask(self, latex: str) -> str:
        with self.lock:
            try:
                process = self.process or self._start()
                assert process.stdin is not None  # noqa: S101 - opened as a pipe
                process.stdin.write(json.dumps(latex) + "\n")
                process.stdin.flush()
                return self._line(process, TIMEOUT_S)
            except (OSError, ValueError, Unparsed):
                self.stop()
                raise Unparsed(latex) from None

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def _start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-P", str(_WORKER)]  # -P: this folder holds modules named like Python's own
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)
        if self._line(self.process, _START_S) != "ready":
            raise Unparsed
        return self.process

    def _line(self, process: subprocess.Popen[str], timeout_s: float) -> str:
        assert process.stdout is not None  # noqa: S101 - opened as a pipe
        if not select.select([process.stdout], [], [], timeout_s)[0]:
            raise Unparsed
        return str(json.loads(process.stdout.readline() or "null"))


@cache
def _worker_of(_pid: int) -> _Worker:
    worker = _Worker()
    atexit.register(worker.stop)
    return worker


def _worker() -> _Worker:
    # A forked process would share its parent's pipes: it gets a worker of its own.
    return _worker_of(os.getpid())
