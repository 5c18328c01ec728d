"""Errors a user can mend: each is one line that names the file, row or key and what to do."""

EX_TEMPFAIL = 75
"""Exit status (sysexits.h) of what is worth another try as it is."""


class PipelineError(Exception):
    """A problem outside the program (a parameter, a file, a port). Printed as one line; exit status 1.

    A stage that fails for a reason that may pass by itself (`may_pass`) exits with `EX_TEMPFAIL` instead.
    """

    may_pass = False


class ContractError(PipelineError):
    """A file does not hold the records that its reader was promised."""
