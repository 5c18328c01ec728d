"""The pages of docs/problems are what the families give today."""

import pytest

from components.lang import languages
from components.problems.families import load_families, written_languages
from components.problems.samples import FOLDER, page
from tests.architecture.imports import ROOT


@pytest.mark.slow
@pytest.mark.parametrize("lang", written_languages(load_families()))
def test_committed_samples_are_current(lang):
    written = (ROOT / FOLDER / f"{lang}.md").read_text(encoding="utf-8")
    assert written == page(languages()[lang], load_families()), (
        "run `python -m components.problems.samples`, and read it"
    )
    assert written.count("\n- ") == 3 * len(load_families())
