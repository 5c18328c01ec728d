"""The registered model as MLflow loads it ("models from code"): MLflow copies and runs this file, nothing is pickled.

Nobody else imports it.
"""

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext


class ServedModel(PythonModel):
    """`components.promotion.served` behind MLflow's interface."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load base, adapter and worked examples."""
        from components.promotion.served import Served

        artifacts = context.artifacts
        self._served = Served(Path(artifacts["adapter"]), Path(artifacts["shots"]), context.model_config)

    def predict(
        self,
        context: PythonModelContext,  # noqa: ARG002 - MLflow's signature
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> list[str]:
        """A response to each row, which has the columns `question` and `lang`."""
        return self._served.answers(list(zip(model_input["question"], model_input["lang"], strict=True)))


set_model(ServedModel())
