"""Several processes: they take the step that one would take, and none stays behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from components.contracts import PipelineError
from components.environment import nth_accelerator
from components.generation.sampler import Decoding, generate
from components.train.folding import PolicyItself, SamplingCopy
from components.train.replicas import Replicas, replicas
from components.train.rollouts import OwnRollouts
from components.train.trainer import PivotGRPOTrainer
from tests.processes import command_of
from tests.tiny import tiny_gemma
from tests.train.copies import ABSENT, STARVED, TINY, UNCOPIED, tiny_policy
from tests.train.small import adapter, logged, small_trainer, taught

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def two():
    with replicas(2, TINY) as copies:
        yield copies


@pytest.fixture(scope="module")
def three():
    with replicas(3, TINY) as copies:
        yield copies


def assert_alike(found, expected):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, atol=1e-5, rtol=0)


@pytest.mark.parametrize("number", ["two", "three"])
def test_supervised_steps_are_those_of_one_process(number, tmp_path, request):
    expected, alone = taught(tmp_path / "one", steps=2, micro_batch_tokens=40)
    found, shared = taught(tmp_path / number, request.getfixturevalue(number), steps=2, micro_batch_tokens=40)
    assert_alike(found, expected)
    for key in ("loss", "grad_norm"):
        assert [e[key] for e in shared] == pytest.approx([e[key] for e in alone], rel=1e-4)
    assert len({entry["loss"] for entry in alone}) == 2


def test_a_policy_gradient_step_is_that_of_one_process(tmp_path, two, monkeypatch):
    """From the same rollouts: those of the process that asks."""

    def alone(trainer, _sampler, batch_size):
        return OwnRollouts(trainer.sampled.model, trainer.prompt_format, trainer.decoding, Replicas(), batch_size)

    monkeypatch.setattr(PivotGRPOTrainer, "_make_rollouts", alone)
    told, adapters = [], []
    for name, copies in (("one", None), ("two", two)):
        trainer, policy = small_trainer(tmp_path / name, micro_batch_tokens=50, replicas=copies)
        trainer.train()
        told.append(logged(trainer))
        adapters.append(adapter(policy))
    assert_alike(adapters[1], adapters[0])
    for before, after in zip(*told, strict=True):
        for key in ("loss", "grad_norm", "reward", "entropy", "kl_to_base", "tokens_learned"):
            assert after.get(key) == pytest.approx(before.get(key), rel=1e-3, abs=1e-6), key


def test_rollouts_are_shared_and_follow_the_adapter(two):
    policy, prompts, stops = tiny_policy(), [[2, 9 + n % 3, 9 + n] for n in range(7)], torch.tensor([1])
    torch.manual_seed(5)
    with torch.no_grad():
        for value in adapter(policy):
            policy.get_parameter(value).normal_(std=0.3)
    two.follow(policy)
    copy = SamplingCopy(policy, tiny_gemma())
    keywords = {"stop_ids": stops, "pad_id": 0, "num_samples": 2, "batch_size": 4, "with_logps": True}
    found = two.generate(copy.model, prompts, Decoding(6), **keywords)
    expected = generate(copy.model, prompts, Decoding(6), **keywords)
    assert [[one.token_ids for one in group] for group in found] == [[o.token_ids for o in g] for g in expected]
    for group, own in zip(found, expected, strict=True):
        for one, other in zip(group, own, strict=True):
            assert one.logps == pytest.approx(other.logps, abs=1e-4)
            assert torch.equal(one.support, other.support)

    def drawn(seed):
        torch.manual_seed(seed)
        rows = two.generate(copy.model, prompts, Decoding(6, 3.0, 200), **keywords)
        return [[one.token_ids for one in group] for group in rows]

    first = drawn(1)
    assert drawn(1) == first
    assert drawn(2) != first
    assert len({tuple(ids) for group in first for ids in group}) > len(prompts), "no process repeats another's draws"


def test_rollouts_come_from_the_policy_itself_where_there_is_no_copy():
    policy, prompts = tiny_policy(), [[2, 9 + n % 3, 9 + n] for n in range(4)]
    with torch.no_grad():
        for value in adapter(policy):
            policy.get_parameter(value).normal_(std=0.3)
    keywords = {"stop_ids": torch.tensor([1]), "pad_id": 0, "num_samples": 2, "batch_size": 4, "with_logps": True}
    own = PolicyItself(policy)
    with replicas(2, UNCOPIED) as copies:
        copies.follow(policy)
        found = copies.generate(own.model, prompts, Decoding(6), **keywords)
    expected = generate(SamplingCopy(policy, tiny_gemma()).model, prompts, Decoding(6), **keywords)
    assert [[one.token_ids for one in group] for group in found] == [[o.token_ids for o in g] for g in expected]


def test_a_lack_of_memory_in_another_process_is_met_with_smaller_parts(tmp_path):
    said = []
    expected, _ = taught(tmp_path / "one", steps=1)
    with replicas(2, STARVED) as copies:
        found, _ = taught(tmp_path / "two", copies, steps=1, warn=said.append, micro_batch_tokens=80)
    assert_alike(found, expected)
    assert ["once more with" in line for line in said] == [True]


def test_what_fails_in_another_process_is_told_here():
    with pytest.raises(PipelineError, match="models: there is none"), replicas(2, ABSENT):
        pass
    with replicas(2, TINY) as copies:
        copies.follow(tiny_policy(["q_proj"]))
        with pytest.raises(RuntimeError, match="KeyError"):
            copies.begin_step()


def test_a_process_that_was_killed_ends_training_with_a_line(tmp_path):
    with replicas(2, TINY) as copies:
        os.kill(copies._helpers[0]._process.pid, signal.SIGKILL)
        with pytest.raises(
            PipelineError, match=r"process 2 of `train.num_processes` ended \(exit status -9\)"
        ) as caught:
            taught(tmp_path, copies, steps=2, micro_batch_tokens=40)
    assert caught.value.may_pass


def test_none_stays_behind():
    with replicas(3, TINY) as copies:
        pids = [helper._process.pid for helper in copies._helpers]
    assert not any(map(command_of, pids))


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's signal at a parent's end is Linux's")
def test_none_outlives_a_process_that_was_killed():
    code = (
        "import time\n"
        "from components.train.replicas import replicas\n"
        "from tests.train.copies import TINY\n"
        "if __name__ == '__main__':\n"
        "    with replicas(2, TINY) as copies:\n"
        "        print(copies._helpers[0]._process.pid, flush=True)\n"
        "        time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    pid = int(process.stdout.readline())
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while command_of(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not command_of(pid)


def test_each_process_has_an_accelerator_of_those_given(monkeypatch):
    monkeypatch.setenv("PBRLSVR_ACCELERATORS", "")
    assert nth_accelerator(3) == "3"
    monkeypatch.setenv("PBRLSVR_ACCELERATORS", "4,GPU-7")
    assert nth_accelerator(1) == "GPU-7"
    with pytest.raises(PipelineError, match="asks for accelerator 3, and CUDA_VISIBLE_DEVICES names 2"):
        nth_accelerator(2)
