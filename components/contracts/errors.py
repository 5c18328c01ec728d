"""Errors a user can mend: each is one line that names the file, row or key and what to do."""


class PipelineError(Exception):
    """A problem outside the program (a parameter, a file, a port). Printed as one line; exit status 1."""


class ContractError(PipelineError):
    """A file does not hold the records that its reader was promised."""
