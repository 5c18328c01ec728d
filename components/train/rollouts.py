"""Where a step's rollouts come from: our sampler, or vLLM as TRL binds it (in this process, or behind a server).

All sample from the copy that LoRA is folded into, our own also from the policy itself; the base stays as it is.
"""

import os
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor
from transformers import PreTrainedModel
from trl.generation.vllm_generation import VLLMGeneration
from trl.import_utils import is_vllm_available

from components.contracts import PipelineError
from components.environment import release_freed_memory
from components.generation.prompts import PromptFormat
from components.generation.sampler import Decoding, Generated
from components.train.replicas import Replicas

VLLM_URL = "PBRLSVR_VLLM_URL"
MODES = {"vllm": "colocate", "vllm-server": "server"}
"""What TRL calls the two."""

# vLLM in this process tells no more words of each token, and TRL does not ask it to; `vllm serve` can be told to.
_MAX_COLOCATED_WORDS = 20

# Of an accelerator's memory, for weights and cache of vLLM in this process; TRL's default.
_MEMORY_SHARE = 0.3


class Rollouts(Protocol):
    """A sampler of responses to a step's prompts."""

    def sample(self, prompts: Sequence[list[int]], num_samples: int) -> list[Generated]:
        """`num_samples` responses to each of the prompts, each a list of token ids (P,), prompt by prompt.

        They have log-probabilities, and the words that their tokens were drawn from where the sampler tells them.
        """


class OwnRollouts:
    """Our sampler, `batch_size` rollouts of a process decoded together."""

    def __init__(
        self,
        model: PreTrainedModel,
        prompt_format: PromptFormat,
        decoding: Decoding,
        replicas: Replicas,
        batch_size: int,
    ) -> None:
        """`model` has LoRA folded in, or is the policy itself."""
        self._model, self._prompt_format, self._decoding, self._replicas = model, prompt_format, decoding, replicas
        self._batch_size = batch_size

    def sample(self, prompts: Sequence[list[int]], num_samples: int) -> list[Generated]:
        """See `Rollouts`; draws from torch's global generator."""
        release_freed_memory()
        groups = self._replicas.generate(
            self._model,
            prompts,
            self._decoding,
            stop_ids=self._prompt_format.stop_ids,
            pad_id=int(self._prompt_format.tokenizer.pad_token_id),
            num_samples=num_samples,
            batch_size=self._batch_size,
            with_logps=True,
        )
        release_freed_memory()
        return [rollout for group in groups for rollout in group]


class VLLMRollouts:
    """vLLM, which is sent the folded weights before each step. Its draws are its own: no run repeats another's.

    Where it tells the words that tokens were drawn from (`top_k` of at most 20; any number from a server that was
    started with `--max-logprobs -1`), rollouts are learned from as our own are, else over the whole vocabulary.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        prompt_format: PromptFormat,
        decoding: Decoding,
        *,
        accelerator: Any,  # noqa: ANN401 - the trainer's
        mode: str,
        max_prompt_tokens: int,
    ) -> None:
        """`model` has LoRA folded in; `mode` is TRL's name (`MODES`); no prompt is longer than `max_prompt_tokens`."""
        self._stops = set(prompt_format.stop_ids.tolist())
        tells = mode == "server" or decoding.top_k <= _MAX_COLOCATED_WORDS
        self._num_words = decoding.top_k if tells else 0
        self._engine = VLLMGeneration(
            model,
            accelerator,
            prompt_format.tokenizer,
            mode=mode,
            server_base_url=server_url() if mode == "server" else None,
            gpu_memory_utilization=_MEMORY_SHARE,
            max_model_length=max_prompt_tokens + decoding.max_new_tokens,
            temperature=decoding.temperature,
            top_k=decoding.top_k,
            max_completion_length=decoding.max_new_tokens,
            logprobs=self._num_words,
            generation_kwargs={"stop_token_ids": sorted(self._stops)},
        )

    def sample(self, prompts: Sequence[list[int]], num_samples: int) -> list[Generated]:
        """See `Rollouts`."""
        self._engine.sync_weights()
        repeated = [prompt for prompt in prompts for _ in range(num_samples)]
        _, completions, logps, words = self._engine.generate(repeated, None, num_samples)
        return [self._read(*told) for told in zip(completions, logps, words, strict=True)]

    def _read(self, token_ids: list[int], logps: list[list[float]], words: list[list[int]]) -> Generated:
        """From the likeliest words of each token (the chosen one among them) and their log-probabilities."""
        at = [found.index(token) for token, found in zip(token_ids, words, strict=True)]
        chosen = [row[position] for row, position in zip(logps, at, strict=True)]
        rows = [found[: self._num_words] for found in words]
        support = torch.tensor(rows, dtype=torch.int32).view(len(token_ids), self._num_words)  # (T, K)
        return Generated(token_ids, token_ids[-1] not in self._stops, chosen, support)


def check_sampler(name: str) -> None:
    """See that `train.sampler` can be had here.

    Raises:
        PipelineError: vLLM is not installed, or its server's address is missing.
    """
    if name not in MODES:
        return
    if not is_vllm_available():
        raise PipelineError(
            f"train.sampler: {name}: vLLM is not installed here; .venv/bin/python -m pip install 'trl[vllm]' "
            "(it may want another torch), or set train.sampler: own"
        )
    if MODES[name] == "server":
        server_url()


def server_url() -> str:
    """Where `vllm serve` answers.

    Raises:
        PipelineError: It is not set.
    """
    url = os.environ.get(VLLM_URL, "").strip().rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise PipelineError(f"{VLLM_URL} is not set; give the address of `vllm serve`, such as http://127.0.0.1:8000")
    return url


def supports(rollouts: Sequence[Generated]) -> list[Tensor] | None:
    """The words (T, K) of each rollout's tokens; None where they were not told."""
    found = [rollout.support for rollout in rollouts]
    return found if found[0].shape[1] else None
