"""Tables and texts in MLflow: as MLflow reads them back, once however often they are sent, and after an outage too."""

import json

import pytest

from components.environment import tracking_uri
from components.tracking import spool, store, tracked_run

ROWS = [
    {"system": "base", "lang": "es", "accuracy": 0.5, "majority": None},
    {"system": "base", "lang": "th", "accuracy": 0.25, "pass_at/2": 0.75},
]


def read_table(run):
    import mlflow

    mlflow.set_tracking_uri(tracking_uri())
    return mlflow.MlflowClient().load_table(run.info.experiment_id, "figures.json", [run.info.run_id])


@pytest.mark.usefixtures("repository")
def test_a_table_is_read_back_with_every_column(all_runs) -> None:
    with tracked_run("evaluate", {}) as run:
        run.log_table(ROWS, "figures.json")
    (found,) = all_runs()
    table = read_table(found)
    assert list(table.columns) == ["system", "lang", "accuracy", "majority", "pass_at/2"]
    assert table["lang"].tolist() == ["es", "th"]
    assert table["accuracy"].tolist() == [0.5, 0.25]
    assert table["pass_at/2"].isna().tolist() == [True, False]
    assert json.loads(found.data.tags["mlflow.loggedArtifacts"]) == [{"path": "figures.json", "type": "table"}]


@pytest.mark.usefixtures("repository")
def test_a_table_that_is_sent_again_has_no_row_twice(monkeypatch: pytest.MonkeyPatch, all_runs) -> None:
    def twice(client, run_id, entry):
        spool.deliver(client, run_id, entry)
        spool.deliver(client, run_id, entry)

    monkeypatch.setattr("components.tracking.run.deliver", twice)
    with tracked_run("evaluate", {}) as run:
        run.log_table(ROWS, "figures.json")
    (found,) = all_runs()
    assert read_table(found)["lang"].tolist() == ["es", "th"]


@pytest.mark.usefixtures("repository")
def test_no_rows_are_an_empty_table(all_runs) -> None:
    with tracked_run("evaluate", {}) as run:
        run.log_table([], "figures.json")
    (found,) = all_runs()
    assert len(read_table(found)) == 0
    assert not run.degraded


def refuse(_name):
    raise OSError("disk gone")


@pytest.mark.usefixtures("repository")
def test_a_table_that_waited_is_sent_by_the_next_run(monkeypatch: pytest.MonkeyPatch, all_runs) -> None:
    monkeypatch.setattr(store, "WAITS_S", ())
    with monkeypatch.context() as patch:
        patch.setattr(store, "connect", refuse)
        with tracked_run("evaluate", {}) as run:
            run.log_table(ROWS, "figures.json")
    assert all_runs() == []
    with tracked_run("next", {}):
        pass
    late = next(found for found in all_runs() if found.info.run_name == "evaluate")
    assert read_table(late)["accuracy"].tolist() == [0.5, 0.25]
