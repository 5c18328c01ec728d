"""Checkpoints that are taught once for all tests of translation."""

import pytest

from tests.translation.checkpoints import save_nllb, save_opus


@pytest.fixture(scope="session")
def nllb(tmp_path_factory):
    return save_nllb(tmp_path_factory.mktemp("nllb"))


@pytest.fixture(scope="session")
def opus(tmp_path_factory):
    return save_opus(tmp_path_factory.mktemp("opus"))
