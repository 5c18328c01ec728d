"""The machine's shares of arms that are trained at once."""

import pytest

from components.repro_compare import shares_of


@pytest.mark.parametrize(
    ("given", "num_jobs", "wanted"),
    [
        ("0,1,2,3", 2, ["0,1", "2,3"]),
        ("4,7", 2, ["4", "7"]),
        ("0,1,2", 2, ["0", "1"]),
        ("5", 3, ["5", "5", "5"]),
        ("", 2, [None, None]),
    ],
)
def test_each_job_has_accelerators_of_its_own_as_far_as_they_go(monkeypatch, given, num_jobs, wanted):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    assert [share.get("CUDA_VISIBLE_DEVICES") for share in shares_of(num_jobs)] == wanted


def test_jobs_share_the_cores(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("components.repro_compare.num_cores", lambda: 7)
    assert [share["OMP_NUM_THREADS"] for share in shares_of(3)] == ["2", "2", "2"]
    assert shares_of(9)[0]["OMP_NUM_THREADS"] == "1"
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert shares_of(3)[0]["OMP_NUM_THREADS"] == "5"
