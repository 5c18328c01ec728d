"""The champion through `mlflow.pyfunc`: without pickle, and with the very answers of `pb-rlsvr ask`."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest

from components.ask import answer
from components.contracts import PipelineError
from components.environment import tracking_uri
from components.promotion.registry import register_champion
from components.tracking import CHAMPION, MODEL
from tests.promotion.conftest import make_base

URI = f"models:/{MODEL}@{CHAMPION}"
ASKED = pd.DataFrame(
    {"question": ["¿Cuántas son 2 + 7?", "How many are 4 + 4?", "¿Y 3 + 1?"], "lang": ["es", "en", "es"]}
)

ELSEWHERE = """
import sys
import mlflow, pandas as pd
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model(sys.argv[2], model_config={"base": sys.argv[3]})
import components
print(components.__file__)
print(model.predict(pd.DataFrame({"question": ["How many are 4 + 4?"], "lang": ["en"]})))
"""


@pytest.fixture
def registered(finished: Path) -> Path:
    register_champion()
    mlflow.set_tracking_uri(tracking_uri())
    assert os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] == "false"
    return finished


def load(**config: str) -> Any:
    return mlflow.pyfunc.load_model(URI, model_config=config)


@pytest.mark.usefixtures("registered")
def test_it_answers_as_ask_does():
    expected = [answer(question, lang) for question, lang in ASKED.itertuples(index=False)]
    assert len(set(expected)) == len(ASKED)
    assert expected != [answer(question, lang, "base") for question, lang in ASKED.itertuples(index=False)]
    assert load().predict(ASKED) == expected


@pytest.mark.usefixtures("registered")
def test_a_base_that_lies_elsewhere_is_named_when_the_model_is_loaded():
    expected = load().predict(ASKED)
    Path("tiny").rename("moved")
    with pytest.raises(PipelineError, match=r"base model `\./tiny`: .*model_config=\{'base': PATH\}"):
        load()
    assert load(base="./moved").predict(ASKED) == expected
    make_base(Path("other"), seed=1)
    with pytest.raises(
        PipelineError, match=r"base model `\./other`: has other weights than the adapter was trained on"
    ):
        load(base="./other")


@pytest.mark.usefixtures("registered")
def test_wrong_questions_are_refused():
    model = load()
    with pytest.raises(mlflow.exceptions.MlflowException, match="lang"):
        model.predict(ASKED[["question"]])
    with pytest.raises(PipelineError, match="`xx`"):
        model.predict(ASKED.assign(lang="xx"))


@pytest.mark.slow
def test_it_carries_its_own_code(registered: Path, tmp_path_factory: pytest.TempPathFactory):
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, tracking_uri(), URI, str(registered / "tiny")],
        cwd=tmp_path_factory.mktemp("elsewhere"), env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    code, said = done.stdout.splitlines()[-2:]
    assert "code/components" in code
    assert said == str([answer("How many are 4 + 4?", "en")])
