"""Rollouts through TRL's binding of vLLM: what is asked of it, and what is made of its answer.

vLLM is not installed with this project. Its place is taken by our own sampler on the same folded model, answering in
the form of TRL's `VLLMGeneration.generate`. vLLM itself was never run (docs/training.md).
"""

import inspect

import pytest
import torch
from trl.generation.vllm_generation import VLLMGeneration
from trl.import_utils import is_vllm_available

from bench.fixed_rollouts import FixedRollouts
from components.contracts import PipelineError
from components.generation.prompts import PromptFormat
from components.generation.sampler import Decoding, generate
from components.train import rollouts
from components.train.rollouts import check_sampler
from tests.tiny import tiny_gemma, tiny_tokenizer
from tests.train.small import GROUP, LENGTH, PROMPTS, logged, small_trainer

STARTED: list["Engine"] = []


class Engine:
    """`VLLMGeneration` by another sampler: the likeliest words of each token, and the chosen one, by rank."""

    def __init__(self, model, accelerator, processing_class, **options):
        assert accelerator.num_processes == 1
        self.model, self.tokenizer, self.options, self.num_syncs = model, processing_class, options, 0
        assert set(options) <= set(inspect.signature(VLLMGeneration.__init__).parameters)
        STARTED.append(self)

    def sync_weights(self):
        self.num_syncs += 1

    def generate(self, prompts, images, num_generations):
        assert images is None
        decoding = Decoding(self.options["max_completion_length"], self.options["temperature"], self.options["top_k"])
        groups = generate(
            self.model, prompts[::num_generations], decoding,
            stop_ids=torch.tensor(self.options["generation_kwargs"]["stop_token_ids"]),
            pad_id=self.tokenizer.pad_token_id, num_samples=num_generations, with_logps=True,
        )  # fmt: skip
        found = [one for group in groups for one in group]
        rows = [self._told(prompt, one) for prompt, one in zip(prompts, found, strict=True)]
        return prompts, [one.token_ids for one in found], [row[0] for row in rows], [row[1] for row in rows]

    @torch.no_grad()
    def _told(self, prompt, one):
        ids = torch.tensor([prompt + one.token_ids])
        logits = self.model(ids).logits[0, len(prompt) - 1 : -1] / self.options["temperature"]
        likeliest = logits.topk(self.options["top_k"])
        logps, words = likeliest.values.log_softmax(-1), likeliest.indices
        if self.options["logprobs"] == 0:  # the chosen one alone
            at = (words == torch.tensor(one.token_ids)[:, None]).nonzero()[:, 1:]
            logps, words = logps.gather(1, at), words.gather(1, at)
        return logps.tolist(), words.tolist()


@pytest.fixture
def _engine(monkeypatch):
    STARTED.clear()
    monkeypatch.setattr(rollouts, "VLLMGeneration", Engine)
    monkeypatch.setenv("PBRLSVR_VLLM_URL", "http://127.0.0.1:8000/")


@pytest.mark.slow
@pytest.mark.usefixtures("_engine")
@pytest.mark.parametrize(
    ("sampler", "top_k", "num_words"), [("vllm", 16, 16), ("vllm-server", 64, 64), ("vllm", 64, 0)]
)
def test_a_run_with_vllm_learns_from_what_vllm_drew(tmp_path, sampler, top_k, num_words):
    trainer, policy = small_trainer(
        tmp_path, steps=2, sampler=sampler, decoding=Decoding(LENGTH, 3.0, top_k), config={"top_k": top_k}
    )
    (vllm,) = STARTED
    assert vllm.options["logprobs"] == num_words
    assert vllm.options["mode"] == {"vllm": "colocate", "vllm-server": "server"}[sampler]
    assert vllm.options["server_base_url"] == ("http://127.0.0.1:8000" if sampler == "vllm-server" else None)
    assert vllm.options["max_model_length"] == 8 + LENGTH  # the longest question of the data
    base = policy.get_base_model()
    before = {name: value.clone() for name, value in base.named_parameters() if "lora" not in name}
    trainer.train()
    assert vllm.num_syncs == 2
    assert vllm.model is trainer.sampled.model
    differences = [entry["sampling/logp_difference_mean"] for entry in logged(trainer) if "reward" in entry]
    corrected = [entry["sampling/corrected"] for entry in logged(trainer) if "reward" in entry]
    if num_words:
        assert max(differences) < 1e-4
        assert corrected == [0, 0]
    else:  # learned from over the whole vocabulary: what top-k leaves out is a difference, and corrected
        assert min(differences) > 0.02
        assert corrected == [1, 1]
    after = dict(base.named_parameters())
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_what_is_asked_of_trl_is_what_it_takes():
    assert list(inspect.signature(VLLMGeneration.generate).parameters) == [
        "self", "prompts", "images", "num_generations", "profiler",
    ]  # fmt: skip


@pytest.mark.skipif(is_vllm_available(), reason="vLLM is installed")
def test_without_vllm_it_is_told_before_anything_loads():
    check_sampler("own")
    with pytest.raises(PipelineError, match=r"train.sampler: vllm: vLLM is not installed"):
        check_sampler("vllm")


def test_without_an_address_the_variable_is_named(monkeypatch):
    monkeypatch.setattr(rollouts, "is_vllm_available", lambda: True)
    monkeypatch.delenv("PBRLSVR_VLLM_URL", raising=False)
    with pytest.raises(PipelineError, match="PBRLSVR_VLLM_URL is not set"):
        check_sampler("vllm-server")


def test_fixed_rollouts_are_drawn_once_and_read_as_they_were(tmp_path):
    torch.manual_seed(0)
    tokenizer = tiny_tokenizer()
    prompts = [tokenizer.encode(text) for text in ("2 + 3?", "4?")]
    form = PromptFormat(tokenizer, [])
    own = FixedRollouts(tiny_gemma(), form, Decoding(6, 1.0, 8), 128, tmp_path)
    first = own.sample(prompts[:1], 3)
    both = own.sample(prompts, 3)
    assert len(both) == 6
    assert both[:3] == own.sample(prompts[:1], 3) == first
    again = FixedRollouts(tiny_gemma(), form, Decoding(6, 1.0, 8), 128, tmp_path).sample(prompts, 3)
    assert again == both
    for one, other in zip(again, both, strict=True):
        assert torch.equal(one.support, other.support)
        assert one.support.shape == (len(one.token_ids), 8)


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [8, 128])
def test_no_more_rollouts_are_decoded_together_than_asked(tmp_path, batch_size):
    trainer, _ = small_trainer(tmp_path, steps=1, sampling_batch_size=batch_size)
    rows = []
    decoder = trainer.sampled.model.get_decoder()
    decoder.register_forward_pre_hook(lambda _, _args, given: rows.append(len(given["input_ids"])), with_kwargs=True)
    trainer.train()
    assert max(rows) == min(batch_size, PROMPTS * GROUP)
    assert logged(trainer)[0]["sampling/logp_difference_max"] < 1e-2
