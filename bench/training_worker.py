"""One side of `bench.training`, a process of its own: it takes a step for every line it reads, and tells the cost.

Both sides have the same base model and dtype, threads, allocator and OpenMP settings, prompts, reward and lengths:
every response has exactly `--new-tokens` tokens. Prints a JSON line a step, the first of which is the warm-up.
"""

import argparse
import json
import resource
import sys
import time
import zlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from components.environment import num_cores, prepare_process

PACKAGED = Path(".cache/packaged")
FOLDER = Path(".cache/bench")  # of a trainer that saves nothing
SIDES = ("ours", "stock")


def read_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """What both processes take; `bench.training` passes its own on."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--side", choices=SIDES, default="ours")
    parser.add_argument("--prompts", type=int, default=12, help="prompts a step")
    parser.add_argument("--group-size", type=int, default=8)
    parser.add_argument("--new-tokens", type=int, default=36)
    parser.add_argument("--prompt-tokens", type=int, default=110, help="the prompts nearest to this length are taken")
    parser.add_argument("--micro-batch", type=int, default=32, help="responses that learn together in stock")
    parser.add_argument("--micro-batch-tokens", type=int, default=1000, help="tokens that learn together in ours")
    parser.add_argument("--num-processes", type=int, default=1, help="that share ours' steps, and the cores")
    parser.add_argument("--steps", type=int, default=5, help="after one to warm up")
    parser.add_argument("--dtype", default="auto", help="auto, bfloat16 or float32, of both sides")
    return parser.parse_args(arguments)


class CharacterReward:
    """Some number from 0 to 1 for every text: it costs nothing, and groups have a signal."""

    __name__ = "characters"

    def __call__(self, completions: list[str], **_: Any) -> list[float | None]:  # noqa: ANN401 - TRL's columns
        """One reward a completion."""
        return [zlib.crc32(text.encode()) / 2**32 for text in completions]


def main() -> None:
    """Build the trainer, then one step a line of standard input."""
    chosen = read_arguments()
    prepare_process(offline=True)

    import torch
    from transformers import PrinterCallback

    from components.generation.models import load_model
    from components.models.packaged import PACKAGED_MODEL
    from components.models.resolve import resolve
    from components.params import load_params
    from components.train.policy import fresh_policy
    from components.train.replica import Loaders
    from components.train.replicas import replicas

    torch.set_num_threads(max(1, num_cores() // chosen.num_processes))
    entry = resolve("policy", PACKAGED_MODEL, PACKAGED)
    policy = partial(fresh_policy, entry, chosen.dtype, load_params().train)
    with replicas(chosen.num_processes, Loaders(policy, partial(load_model, entry, chosen.dtype))) as copies:
        trainer, sampled_s = build(chosen, copies)
        trainer.remove_callback(PrinterCallback)
        trainer.add_callback(_telling(chosen, sampled_s))
        trainer.train()


def build(chosen: argparse.Namespace, copies: Any = None) -> tuple[Any, list[float]]:  # noqa: ANN401
    """The side's trainer, and a list to which each step's sampling adds its seconds."""
    import torch
    from datasets import Dataset
    from peft import get_peft_model
    from trl import GRPOConfig, GRPOTrainer

    from components.generation.models import load_model, load_tokenizer
    from components.generation.prompts import PromptFormat
    from components.generation.sampler import Decoding
    from components.lora import lora_config
    from components.models.packaged import PACKAGED_MODEL
    from components.models.resolve import resolve
    from components.params import load_params
    from components.train.folding import SamplingCopy
    from components.train.policy import fresh_policy
    from components.train.trainer import PivotGRPOTrainer

    torch.manual_seed(0)
    params = load_params()
    entry = resolve("policy", PACKAGED_MODEL, PACKAGED)
    prompt_format = PromptFormat(load_tokenizer(entry), [])
    prompt_format.stop_ids = torch.tensor([prompt_format.tokenizer.pad_token_id])  # lengths are forced
    is_ours, num_rollouts = chosen.side == "ours", chosen.prompts * chosen.group_size
    policy: Any
    if is_ours:
        policy = fresh_policy(entry, chosen.dtype, params.train)
    else:  # LoRA as peft has it
        policy = get_peft_model(load_model(entry, chosen.dtype), lora_config(params.train))
    micro_batch = num_rollouts if is_ours else chosen.micro_batch
    arguments = GRPOConfig(
        output_dir=str(FOLDER / chosen.side),
        max_steps=chosen.steps + 1,
        per_device_train_batch_size=micro_batch,
        gradient_accumulation_steps=num_rollouts // micro_batch,
        num_generations=chosen.group_size,
        max_completion_length=chosen.new_tokens,
        temperature=params.sampling.temperature,
        top_k=params.sampling.top_k,
        generation_kwargs=None if is_ours else {"min_new_tokens": chosen.new_tokens},
        learning_rate=params.train.learning_rate,
        loss_type="dr_grpo",
        scale_rewards="none",
        beta=0.0,
        bf16=False,
        logging_steps=1,
        save_strategy="no",
        activation_checkpointing=False,
        dataloader_pin_memory=False,
        report_to="none",
        disable_tqdm=True,
        seed=params.train.seed,
    )
    common: dict[str, Any] = {
        "model": policy,
        "args": arguments,
        "reward_funcs": [CharacterReward()],
        "train_dataset": Dataset.from_list(_rows(prompt_format, chosen)),
        "processing_class": prompt_format.tokenizer,
    }
    if is_ours:
        trainer: Any = PivotGRPOTrainer(
            **common,
            sampled=SamplingCopy(policy, load_model(entry, chosen.dtype)),
            prompt_format=prompt_format,
            decoding=Decoding(chosen.new_tokens, params.sampling.temperature, params.sampling.top_k),
            advantage_std_floor=params.reward.advantage_std_floor,
            micro_batch_tokens=chosen.micro_batch_tokens,
            sampling_batch_size=chosen.prompts * chosen.group_size,
            replicas=copies,
        )
    else:
        trainer = GRPOTrainer(**common)
    return trainer, _time_sampling(trainer)


def _rows(prompt_format: Any, chosen: argparse.Namespace) -> list[dict[str, str]]:  # noqa: ANN401
    """Prompts nearest to the wanted length: built-in questions with so many worked examples as that takes."""
    from components.generation.prompts import PromptFormat
    from components.params import load_params
    from components.problems.build import build_questions

    params = load_params()
    questions = build_questions(params.problems, params.base)
    shots = [question for question in questions if question.split == "shots"]
    formats = [
        PromptFormat(prompt_format.tokenizer, _first(shots, count)) for count in range(params.problems.num_shots + 1)
    ]
    rows = {
        text: (abs(len(prompt_format.encode(text)) - chosen.prompt_tokens), question.lang)
        for question in questions
        if question.split == "train" and question.lang in params.base.trained_languages
        for text in (each.prompt_text(question.question, question.lang) for each in formats)
    }
    nearest = sorted(rows, key=lambda text: rows[text])[: chosen.prompts * (chosen.steps + 1)]
    return [{"prompt": text, "lang": rows[text][1]} for text in nearest]


def _first(shots: Sequence[Any], count: int) -> list[Any]:
    """The first `count` of each language."""
    seen: dict[str, int] = {}
    kept = []
    for shot in shots:
        seen[shot.lang] = seen.get(shot.lang, 0) + 1
        if seen[shot.lang] <= count:
            kept.append(shot)
    return kept


def _time_sampling(trainer: Any) -> list[float]:  # noqa: ANN401
    """Put a clock around TRL's `_generate`, which asks `rollout_func` where there is one."""
    seconds: list[float] = []
    generate = trainer._generate  # the one point that both sides pass

    def timed(*arguments: Any) -> Any:  # noqa: ANN401
        started = time.perf_counter()
        result = generate(*arguments)
        seconds.append(time.perf_counter() - started)
        return result

    trainer._generate = timed
    return seconds


def _telling(chosen: argparse.Namespace, sampled_s: list[float]) -> Any:  # noqa: ANN401
    from transformers import TrainerCallback

    class Telling(TrainerCallback):
        """Waits for a line before a step, and writes one after it."""

        def on_step_begin(self, *_: Any, **__: Any) -> None:  # noqa: ANN401
            """Wait."""
            sys.stdin.readline()
            self.started = time.perf_counter()

        def on_step_end(self, *_: Any, **__: Any) -> None:  # noqa: ANN401
            """Tell."""
            step_s = time.perf_counter() - self.started
            told = {
                "step_s": step_s,
                "sampling_s": sampled_s[-1],
                "learning_s": step_s - sampled_s[-1],
                "num_rollouts": chosen.prompts * chosen.group_size,
                "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            }
            print(json.dumps(told), flush=True)

    return Telling()


if __name__ == "__main__":
    main()
