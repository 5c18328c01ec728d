"""docs/environment.md and the code agree."""

import re

from tests.architecture.imports import ROOT, modules

OWN = {"PBRLSVR_ACCELERATORS", "PBRLSVR_PARENT_RUN_ID", "PBRLSVR_SET_PARAMS"}
"""Set by our own processes for those that they start."""


def test_every_variable_that_is_read_is_described() -> None:
    files = [path for package in ("components", "flows") for path in modules(package).values()]
    read = {name for path in files for name in re.findall(r"\bPBRLSVR_[A-Z_]+\b", path.read_text(encoding="utf-8"))}
    told = set(re.findall(r"\bPBRLSVR_[A-Z_]+\b", (ROOT / "docs/environment.md").read_text(encoding="utf-8")))
    assert read - OWN == told
