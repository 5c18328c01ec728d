"""Whether a folder may be written: only what holds the same evaluation, or none, is."""

import pytest

from components.benchmarks.folder import check_out
from components.contracts import PipelineError, write_json, write_text
from tests.benchmarks.made_up import made


@pytest.fixture
def out(tmp_path):
    write_json(tmp_path / "metrics.json", {"made": made("en", "es")})
    return tmp_path


def test_the_same_made_on_another_day_elsewhere_is_replaced(out):
    again = made("es", "en") | {"date": "2027-01-01", "versions": {"torch": "3.0"}, "model": "moved/tiny"}
    again["rows"]["es"] = {"test": again["rows"]["es"]["test"] | {"source": "/elsewhere"}}
    check_out(out, again | {"of_a_later_version": 1})
    check_out(out / "free", made("en"))


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"model_fingerprint": "f"}, "model_fingerprint"), ({"adapters": {}}, "adapters"), ({"limit": 5}, "limit"),
     ({"benchmark": "other", "num_shots": 0}, "benchmark, num_shots")],
)  # fmt: skip
def test_another_is_not(out, changes, named):
    with pytest.raises(PipelineError, match=rf"holds another evaluation \({named}\); give another folder by --out"):
        check_out(out, made("en", "es") | changes)


def test_other_rows_are_another(out):
    now = made("en", "es")
    now["rows"] = {lang: {"test": own["test"] | {"fingerprint": "f"}} for lang, own in now["rows"].items()}
    with pytest.raises(PipelineError, match=r"\(rows\)"):
        check_out(out, now)


@pytest.mark.parametrize("text", ["[]", "{}", "nothing", '{"made": {}}', '{"made": 3}'])
def test_somebody_elses_metrics_are_not_replaced(out, text):
    write_text(out / "metrics.json", text)
    with pytest.raises(PipelineError, match=r"metrics\.json: is of no evaluation; give another folder by --out"):
        check_out(out, made("en", "es"))
