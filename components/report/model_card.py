"""The model card of the trained adapter: what it is made of, what it was measured to do, and what it is not."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from components.params import Params, SourceParams
from components.promotion.gate import Decision
from components.promotion.names import public_name
from components.report.accuracy import accuracy_table
from components.report.as_markdown import markdown
from components.report.document import Block, Bullets, Section, Text
from components.report.inputs import Inputs
from components.report.promotion import promotion_section
from components.report.sections import limits
from components.report.summary import ENGLISH
from components.report.words import (
    gap_sentence,
    headline,
    language_name,
    parts,
    percent,
    verdict_sentence,
    without_gold,
)
from components.statistics import PairedBootstrap

BUILT_IN = "built-in: word problems from this project's own templates, no data of others"
OF_OTHERS = "data of others: its own licence says what may be done with it and with what is trained on it"

NOT_SHOWN = Bullets(
    [
        "Whether another seed gives the same: everything here is of one seed.",
        "Whether the reward's meaning is what helped: arms and controls trained against each other are in "
        "report/compare.md, where make compare was run.",
        "Abilities outside the test problems, safety and bias: none was measured.",
        "Languages, scripts and domains that are not listed.",
    ]
)


def model_card(inputs: Inputs, summary: Mapping[str, Any], bootstrap: PairedBootstrap | None, params: Params) -> str:
    """Markdown under the metadata that model hubs read.

    The metadata names no licence and no base model on a hub: both are the base model's, which may be a local file.
    Of files and folders of this machine only their own names are told.
    """
    languages = [lang for lang in params.base.languages if lang in inputs.languages]
    metadata = {
        "language": languages,
        "library_name": "peft",
        "pipeline_tag": "text-generation",
        "tags": ["lora", params.train.method, "multilingual", "mathematical-reasoning"],
    }
    head = yaml.safe_dump(metadata, sort_keys=False)
    sections = list(_sections(inputs, summary, bootstrap, params))
    return f"---\n{head}---\n\n{markdown(f'LoRA adapter of {public_name(params.models.policy)}', sections)}"


def _sections(
    inputs: Inputs, summary: Mapping[str, Any], bootstrap: PairedBootstrap | None, params: Params
) -> Iterator[Section]:
    yield Section("Model", [_model(inputs, params)])
    yield Section("Languages", [_languages(inputs, params)])
    yield Section("Data and licences", _data(inputs, params))
    yield Section("Reward", _reward(inputs, params))
    yield Section("Training", [_training(inputs, params)])
    yield Section("Metrics", _metrics(inputs, summary, bootstrap, params))
    yield promotion_section(Decision.from_dict(summary["promotion"]))
    yield Section("Limits", [limits(inputs, params)])
    yield Section("Not shown", [NOT_SHOWN])


def _model(inputs: Inputs, params: Params) -> Bullets:
    size, asked = inputs.models["policy_num_parameters"] / 1e6, params.train.lora_targets
    targets = asked if isinstance(asked, str) else ", ".join(asked)
    return Bullets(
        [
            f"Base: {public_name(params.models.policy)}, {size:,.0f} million parameters.",
            f"Adapter: LoRA of rank {params.train.lora_rank} (alpha {params.train.lora_alpha}; {targets}) in "
            "adapters/trained, read by PEFT.",
            f"Prompts: {params.problems.num_shots} worked examples before the question, as in training and evaluation; "
            "`pb-rlsvr export` writes the whole prompt of each language beside this card (prompts.jsonl).",
            "Made for: short arithmetic word problems whose answer is a number or a letter, and research on carrying "
            "reasoning between languages. For nothing else.",
        ]
    )


def _languages(inputs: Inputs, params: Params) -> Bullets:
    trained = _trained_languages(params)
    others = [lang for lang in params.base.languages if lang in inputs.languages and lang not in trained]
    items = [f"Trained: {_named(trained)}.", f"Evaluated and not trained: {_named(others)}."]
    if params.train.warmup_steps:
        items.append(f"Before that, the supervised warm-up learned from references in {language_name(ENGLISH)}.")
    return Bullets(items)


def _trained_languages(params: Params) -> Sequence[str]:
    """After the warm-up; the controls that learn from English questions say so in `train`."""
    train = params.train
    in_english = train.sft_references == "english" if train.method == "sft" else train.english_prompts
    return [ENGLISH] if in_english else params.base.trained_languages


def _named(languages: Sequence[str]) -> str:
    return ", ".join(map(language_name, languages)) or "none"


def _data(inputs: Inputs, params: Params) -> list[Block]:
    sources = {split: getattr(params.problems.sources, split) for split in ("train", "validation", "test")}
    items = [f"{split.capitalize()}: {_source(source)}." for split, source in sources.items()]
    translator = params.problems.translator
    if translator != "none":
        items.append(f"Questions that are only in English were translated by {public_name(translator)}.")
    pivot = "the policy itself (self-pivot)" if inputs.models["self_pivot"] else public_name(params.models.pivot)
    items.append(
        f"References: English answers of {pivot}, {percent(inputs.reference['kept_share'])} % of them kept, "
        f"{percent(inputs.reference['kept_correct_share'])} % of those right."
    )
    licence = (
        f"The adapter is derived from {public_name(params.models.policy)} and falls under that model's licence (for "
        "Gemma models the Gemma Terms of Use with their Prohibited Use Policy). What a pivot's or translator's licence "
        "says about its output holds too. Nobody has checked these licences for you."
    )
    return [Bullets(items), Text(licence)]


def _source(source: str | SourceParams) -> str:
    return BUILT_IN if isinstance(source, str) else f"{public_name(source.path)} ({source.format}), {OF_OTHERS}"


def _reward(inputs: Inputs, params: Params) -> list[Block]:
    reward = params.reward
    if params.train.method == "sft":
        return [Text("None: supervised training alone.")]
    told = f"{reward.function}{', calibrated to P(correct)' if reward.calibrated else ''}"
    if reward.function == "hybrid" and not reward.calibrated:
        told += (
            f" ({reward.answer_weight:g} agreement of the answer with the reference, {reward.semantic_weight:g} "
            f"closeness of meaning by {public_name(reward.encoder)}; times {reward.other_language_factor:g} where less "
            f"than {percent(reward.min_language_share, 0)} % of the words are in the question's language)"
        )
    hidden = " References' answers were hidden from it." if reward.answers_hidden else ""
    return [Text(f"{told}; docs/rewards.md has the formulas.{hidden}"), Text(verdict_sentence(inputs.audit))]


def _training(inputs: Inputs, params: Params) -> Bullets:
    asked, told = params.train, inputs.train
    warm_up = (
        f"{asked.warmup_steps} supervised steps of {asked.warmup_batch_size}, learning rate "
        f"{asked.warmup_learning_rate:g}"
    )
    items = [
        f"Warm-up: {warm_up if asked.warmup_steps else 'none'}.",
        f"{'After it ' if asked.warmup_steps else ''}{told['steps']} steps of {told['method'].upper()}, learning rate "
        f"{asked.learning_rate:g}; step {told['chosen_step']} was chosen on validation. Seed {params.train.seed}.",
    ]
    if asked.method == "raft":
        items.append(
            f"Its lessons: {told['num_lessons']} different good ones of {told['num_rollouts']} responses that the "
            f"{'warmed-up' if asked.warmup_steps else 'untrained'} policy gave ({asked.group_size} a prompt), and "
            f"{told['num_english_lessons']} English references; {asked.lessons_per_step} a step."
        )
    elif asked.method != "sft":
        items.append(f"A step: {asked.prompts_per_step} prompts, {asked.group_size} responses each.")
    if asked.shuffled_references:
        items.append(f"A control: {percent(asked.shuffled_references, 0)} % of the references are other problems'.")
    items.append(f"Budget: {told['tokens_sampled']:,.0f} tokens sampled, {told['tokens_learned']:,.0f} learned from.")
    return Bullets(items)


def _metrics(
    inputs: Inputs, summary: Mapping[str, Any], bootstrap: PairedBootstrap | None, params: Params
) -> list[Block]:
    missing = [Text(without_gold(inputs.num_without_gold, inputs.num_problems))] if inputs.num_without_gold else []
    if bootstrap is None:
        return [*missing]
    confidence = params.report.confidence
    others = [lang for lang in summary["languages"] if lang != ENGLISH]
    gap = (
        [Text(gap_sentence(summary["gap_to_english"], confidence, params.train))] if "gap_to_english" in summary else []
    )
    return [
        Text(headline(bootstrap, others, confidence), strong=True),
        Text(parts(bootstrap, others, params.train)),
        accuracy_table(summary, bootstrap, params),
        Text(f"Per cent right on test, greedy decoding, with {100 * confidence:g} % intervals."),
        *gap,
        *missing,
    ]
