"""Errors a user can mend: each is one line that names the file, row or key and what to do."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

EX_TEMPFAIL = 75
"""Exit status (sysexits.h) of what is worth another try as it is."""


class PipelineError(Exception):
    """A problem outside the program (a parameter, a file, a port). Printed as one line; exit status 1.

    A stage that fails for a reason that may pass by itself (`may_pass`) exits with `EX_TEMPFAIL` instead.
    """

    may_pass = False


class ContractError(PipelineError):
    """A file does not hold the records that its reader was promised."""


def first_problem(error: "ValidationError", whole: str = "file") -> str:
    """The first thing that is wrong with a record, after the field's name; `whole` stands for the record itself."""
    first = error.errors()[0]
    return f"`{'.'.join(map(str, first['loc'])) or whole}`: {first['msg']}"
