"""The stage as a process of its own, against a real server and with a tiny model."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path

import pytest
import torch
import yaml

from components.contracts import ModelManifest, Reference, Sample, fingerprint, read_records, write_json
from components.reference.served import sample_seed
from tests.reference.conftest import POLICY
from tests.server.local import completion, cut, error, html, serving, stall
from tests.tiny import save_tiny, tiny_gemma

STAGE = """
import sys, yaml
from pathlib import Path
from components.contracts import PipelineError, write_json
from components.params import load_params
from components.reference.__main__ import work
from components.stage import StageRun

run = StageRun("reference", load_params(), None)
try:
    work(run)
except PipelineError as error:
    sys.exit(f"told: {error}")
write_json(Path("metrics/reference.json"), run.metrics)
for clear in run._when_done:
    clear()
"""
SEED = 17
NUM_QUESTIONS, NUM_SAMPLES = 14, 4
ANSWERS = ("5 + 7 = 12. It is 12.", "<think>hm</think>It is 12.", "It is 13.", "5 + 7 = 13, so 12.", "no idea")


def start(url: str, **environment: str) -> "subprocess.Popen[str]":
    own = {"PBRLSVR_SERVER_URL": url, "PBRLSVR_SERVER_TIMEOUT_S": "30", "PBRLSVR_SERVER_CONCURRENCY": "4"}
    own["OMP_NUM_THREADS"] = "1"  # tests run side by side: more would wait for each other
    return subprocess.Popen(
        [sys.executable, "-c", STAGE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | own | environment,
    )  # fmt: skip


def finish(process: "subprocess.Popen[str]", status: int = 0) -> str:
    output, errors = process.communicate(timeout=60)
    assert process.returncode == status, errors
    assert "Traceback" not in errors
    return output + errors


def deterministic(asked):
    """The same prompt and seed give the same answer, as of a server that keeps its promise."""
    key = f"{asked.body['seed']}/{asked.question}".encode()
    return completion(ANSWERS[zlib.crc32(key) % len(ANSWERS)])


def results():
    """What the stage wrote, but for the time that it took."""
    samples = read_records(Path("data/reference/samples.jsonl"), Sample)
    return (
        [sample.model_copy(update={"seconds": 0.0}) for sample in samples],
        read_records(Path("data/reference/references.jsonl"), Reference),
        json.loads(Path("metrics/reference.json").read_text()),
    )


def forget_results():
    for path in ("data/reference/samples.jsonl", "data/reference/references.jsonl", "metrics/reference.json"):
        Path(path).unlink()


ANSWERED = Path(".checkpoints/pivot-big/answers/journal.jsonl")


def finished_keys():
    """Answers that are kept."""
    return {json.loads(line)["key"] for line in ANSWERED.read_bytes().split(b"\n")[:-1]}


def key_of(asked):
    """What an answer is kept by."""
    messages = [[message["role"], message["content"]] for message in asked.body["messages"]]
    return fingerprint({"messages": messages, **{k: asked.body[k] for k in ("temperature", "max_tokens", "seed")}}, [])


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_a_served_pivot_is_asked_with_the_nearest_examples_and_every_answer_is_kept():
    with serving(deterministic) as server:
        finish(start(server.url))
    samples, references, metrics = results()
    assert [(s.problem_id, s.sample) for s in samples[:5]] == [*(("p-train-0", i) for i in range(4)), ("p-train-1", 0)]
    assert len(samples) == len(server.log) == NUM_QUESTIONS * NUM_SAMPLES
    trained_on = {r.problem_id for r in references if r.split == "train"}
    assert all((s.half == "B") == (s.sample % 2 == 1 and s.problem_id not in trained_on) for s in samples)
    assert {s.half for s in samples} == {"A", "B"}
    assert [r.split for r in references] == ["train"] * 10 + ["calibration"] * 2 + ["validation"] * 2
    assert {(r.pivot, r.self_pivot) for r in references} == {("big", False)}
    assert {(r.split, r.num_samples) for r in references} == {("train", 4), ("calibration", 2), ("validation", 2)}
    assert metrics["samples"]["num_false_equations"] == sum(s.text == ANSWERS[3] for s in samples) > 0
    assert metrics["samples"]["num_thoughts"] == sum(s.thought == "hm" for s in samples) > 0

    first = next(a for a in server.log if a.body["seed"] == sample_seed(SEED, "p-train-2", 3))
    assert first.question == "How many plums are 5 and 2?"
    assert [message["role"] for message in first.body["messages"]] == ["user", "assistant"] * 2 + ["user"]
    assert [m["content"] for m in first.body["messages"][2:4]] == ["How many plums are 5 and 7?", "5 + 7 = 12 plums."]
    assert (first.body["model"], first.body["temperature"], first.body["max_tokens"]) == ("big", 0.7, 12)
    assert len({a.body["seed"] for a in server.log}) == len(server.log)
    assert finished_keys() == {key_of(asked) for asked in server.log}


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_other_rules_of_the_vote_ask_nothing_again():
    params = yaml.safe_load(Path("params.yaml").read_text())
    params["reference"]["min_agreement"] = 1.0
    Path("params.yaml").write_text(yaml.safe_dump(params))
    with serving(deterministic) as server:
        told = finish(start(server.url))
        strict = results()[1]
        params["reference"]["min_agreement"] = 0.0
        Path("params.yaml").write_text(yaml.safe_dump(params))
        told = finish(start(server.url))
    assert len(server.log) == NUM_QUESTIONS * NUM_SAMPLES
    assert f"{len(server.log)} answers are there already ({ANSWERED}; remove it to ask again)" in told
    assert sum(r.kept for r in results()[1]) > sum(r.kept for r in strict)


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_a_question_that_the_server_cannot_take_is_given_up_alone():
    def without_the_first(asked):
        refused = asked.question == "How many plums are 5 and 2?"
        return error(400, "maximum context length exceeded") if refused else deterministic(asked)

    with serving(without_the_first) as server:
        told = finish(start(server.url))
    assert f"warning: reference: 4 of {NUM_QUESTIONS * NUM_SAMPLES} questions were given up; the first: 400" in told
    samples, references, _ = results()
    empty = [(s.problem_id, s.text, s.answer) for s in samples if s.problem_id == "p-train-2"]
    assert empty == [("p-train-2", "", None)] * NUM_SAMPLES
    (reference,) = (r for r in references if r.problem_id == "p-train-2")
    assert not reference.kept
    assert sum(r.kept for r in references) > 3


@pytest.mark.usefixtures("folder")
@pytest.mark.slow
def test_no_address_and_no_answer_are_a_line_and_nothing_answered_is_asked_again():
    assert "told: PBRLSVR_SERVER_URL is not set" in finish(start(""), status=1)

    def without_plums(asked):
        return error(401, "no plums today") if "plums" in asked.question else deterministic(asked)

    with serving(without_plums) as server:
        told = finish(start(server.url), status=1)
        kept = finished_keys()
        assert "(How many plums are 5 and 2?): 401 Unauthorized: no plums today" in told
        assert f"answered, and kept: {len(kept)})" in told
        assert "run again" not in told, "it would not help"
    with serving(deterministic) as server:
        finish(start(server.url))
    assert len(server.log) == NUM_QUESTIONS * NUM_SAMPLES - len(kept)


@pytest.mark.usefixtures("folder")
@pytest.mark.slow
def test_killed_at_random_moments_it_asks_only_what_is_missing_and_ends_alike():
    with serving(deterministic) as server:
        finish(start(server.url))
    undisturbed = results()
    forget_results()

    rng = random.Random()
    print("seed of the disturbances:", seed := rng.randrange(10**6))
    rng.seed(seed)
    bad = [stall, html, cut, lambda _: error(503, "loading")]
    lock, enough = threading.Lock(), threading.Event()
    kill_at = 0

    def moody(asked):
        with lock:
            if len(server.log) >= kill_at:
                enough.set()
            chance = rng.random()
        time.sleep(0.02)
        return rng.choice(bad)(asked) if chance < 0.08 else deterministic(asked)

    all_keys = finished_keys()
    ANSWERED.unlink()
    finished: set[str] = set()
    with serving(moody) as server:
        for _ in range(3):
            asked_before, kill_at = len(server.log), len(server.log) + rng.randint(4, 14)
            enough.clear()
            process = start(server.url, PBRLSVR_SERVER_TIMEOUT_S="1")
            assert enough.wait(30)
            time.sleep(rng.random() / 10)
            process.send_signal(signal.SIGKILL)
            process.wait()
            again = {key_of(asked) for asked in server.log[asked_before:]}
            assert not again & finished, "an answered sample was asked again"
            assert finished <= finished_keys(), "an answered sample was lost"
            finished = finished_keys()
        asked_before, kill_at = len(server.log), 10**9
        finish(start(server.url, PBRLSVR_SERVER_TRIES="20", PBRLSVR_SERVER_TIMEOUT_S="1"))
        again = {key_of(asked) for asked in server.log[asked_before:]}
        assert again == all_keys - finished
    assert results() == undisturbed


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_a_problem_in_two_splits_is_named():
    rows = Path("data/problems/train.jsonl").read_text().splitlines()
    with Path("data/problems/validation.jsonl").open("a") as file:
        file.write(rows[0].replace('"train"', '"validation"') + "\n")
    told = finish(start("http://127.0.0.1:9/v1"), status=1)
    assert "data/problems: problem `p-train-0` is in the splits train and validation" in told


@pytest.mark.slow
def test_a_local_pivot_draws_the_same_after_a_kill(folder: Path):
    save_tiny(folder / "tiny")
    model = tiny_gemma()
    with torch.no_grad():  # near-even chances for every byte: some responses end, some hold a digit
        model.get_input_embeddings().weight.div_(20)
    model.save_pretrained(folder / "tiny")
    params = yaml.safe_load(Path("params.yaml").read_text())
    params["reference"] |= {"num_samples": 24, "max_new_tokens": 40, "min_agreement": 0.0}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    entry = POLICY.model_copy(update={"path": "tiny"})
    write_json(Path("models/manifest.json"), ModelManifest(policy=entry, pivot=entry, self_pivot=True).model_dump())
    finish(start(""))
    undisturbed = results()
    assert [s.sample for s in undisturbed[0][:25]] == [*range(24), 0]
    assert {r.self_pivot for r in undisturbed[1]} == {True}
    forget_results()

    process = start("")
    deadline = time.monotonic() + 60
    while not any(path.stat().st_size for path in Path(".checkpoints/reference").glob("*/journal.jsonl")):
        assert time.monotonic() < deadline
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    finish(start(""))
    assert results() == undisturbed
