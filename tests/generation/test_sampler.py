"""The sampler against transformers' own `generate` and plain forward passes."""

import pytest
import torch
from scipy.stats import chisquare

from components.generation.sampler import Decoding, generate, num_common_tokens, num_shared_tokens
from tests.tiny import tiny_gemma, tiny_llama, tiny_qwen

MODELS = {
    "gemma": tiny_gemma,
    "gemma_short_window": lambda: tiny_gemma(sliding_window=8),
    "llama": tiny_llama,
    "qwen": tiny_qwen,
}
NEVER = torch.tensor([260])


def prompts(count: int, seed: int = 0, equal: int | None = None) -> list[list[int]]:
    generator = torch.Generator().manual_seed(seed)
    lengths = [equal or int(torch.randint(3, 14, (1,), generator=generator)) for _ in range(count)]
    return [torch.randint(5, 260, (n,), generator=generator).tolist() for n in lengths]


@pytest.mark.parametrize("name", ["gemma", "llama", "qwen"])
def test_greedy_equals_transformers_generate_prompt_by_prompt(name):
    model = MODELS[name]()
    asked = prompts(7)
    ours = generate(model, asked, Decoding(12), stop_ids=torch.tensor([9, 40, 77]), pad_id=0, batch_size=4)
    for prompt, (got,) in zip(asked, ours, strict=True):
        expected = model.generate(
            torch.tensor([prompt]), max_new_tokens=12, do_sample=False, eos_token_id=[9, 40, 77], pad_token_id=0
        )[0, len(prompt) :].tolist()
        assert got.token_ids == expected
        assert got.truncated == (expected[-1] not in (9, 40, 77))


@pytest.mark.parametrize("name", list(MODELS))
def test_logps_of_samples_are_those_among_the_words_that_they_were_drawn_from(name):
    model = MODELS[name]()
    torch.manual_seed(1)
    asked = prompts(4, equal=10)  # equal lengths: a window over left-padding would see fewer tokens
    groups = generate(
        model, asked, Decoding(9, 0.7, 50), stop_ids=torch.arange(5, 60), pad_id=0, num_samples=3, batch_size=64,
        with_logps=True,
    )  # fmt: skip
    for prompt, group in zip(asked, groups, strict=True):
        for sample in group:
            with torch.no_grad():
                logits = model(torch.tensor([prompt + sample.token_ids])).logits[0] / 0.7
            top = logits[len(prompt) - 1 : -1].topk(50, -1)
            assert sample.support.shape == (len(sample.token_ids), 50)
            assert torch.equal(sample.support.long().sort(-1).values, top.indices.sort(-1).values)
            table = torch.full_like(logits[len(prompt) - 1 : -1], -torch.inf).scatter(1, top.indices, top.values)
            expected = table.log_softmax(-1).gather(1, torch.tensor(sample.token_ids)[:, None])
            torch.testing.assert_close(torch.tensor(sample.logps), expected[:, 0], atol=2e-4, rtol=1e-4)


def test_logps_and_words_are_told_only_where_they_are_asked_for():
    (group,) = generate(tiny_gemma(), prompts(1), Decoding(4, 1.0, 9), stop_ids=NEVER, pad_id=0, num_samples=2)
    assert [(sample.logps, sample.support.numel()) for sample in group] == [([], 0)] * 2


def test_samples_stay_within_top_k_and_follow_their_probabilities():
    """Chi-square of 4,000 first tokens against the softmax of the top four."""
    model = tiny_gemma()
    prompt = prompts(1)[0]
    torch.manual_seed(0)
    (group,) = generate(
        model, [prompt], Decoding(1, 3.0, 4), stop_ids=NEVER, pad_id=0, num_samples=4000, batch_size=4000
    )
    with torch.no_grad():
        values, indices = model(torch.tensor([prompt])).logits[0, -1].topk(4)
    drawn = torch.tensor([sample.token_ids[0] for sample in group])
    assert set(drawn.tolist()) <= set(indices.tolist())
    counts = [int((drawn == i).sum()) for i in indices]
    expected = (values / 3.0).softmax(-1).double()
    assert expected.min() * len(drawn) > 5, "chi-square needs some of each"
    assert chisquare(counts, (expected / expected.sum() * len(drawn)).numpy()).pvalue > 0.01


def test_same_seed_gives_the_same_samples_and_order_is_kept():
    model, asked = tiny_gemma(), prompts(6)
    runs = []
    for _ in range(2):
        torch.manual_seed(3)
        runs.append(generate(model, asked, Decoding(5, 1.0), stop_ids=NEVER, pad_id=0, num_samples=2, batch_size=4))
    assert runs[0] == runs[1]
    assert [len(group) for group in runs[0]] == [2] * 6


@pytest.mark.parametrize("name", ["gemma", "llama", "qwen"])
def test_a_shared_beginning_changes_nothing(name, monkeypatch):
    model = MODELS[name]()
    beginning = prompts(1, seed=9, equal=20)[0]
    asked = [beginning + own for own in prompts(6)]
    runs = []
    assert num_common_tokens(asked) >= 20
    for share in (num_common_tokens, lambda _: 0):
        monkeypatch.setattr("components.generation.sampler.num_common_tokens", share)
        torch.manual_seed(0)
        groups = generate(
            model, asked, Decoding(8, 1.0, 30), stop_ids=NEVER, pad_id=0, num_samples=2, batch_size=64, with_logps=True
        )
        runs.append([sample for group in groups for sample in group])
    for shared, apart in zip(*runs, strict=True):
        assert shared.token_ids == apart.token_ids
        torch.testing.assert_close(torch.tensor(shared.logps), torch.tensor(apart.logps), atol=1e-4, rtol=1e-4)


def test_a_beginning_longer_than_the_sliding_window_is_shared_too():
    """Worked examples of a benchmark are; transformers' own `generate` reads each prompt by itself."""
    model = MODELS["gemma_short_window"]()
    beginning = prompts(1, seed=9, equal=20)[0]
    asked = [beginning + own for own in prompts(8)]
    read = []
    hook = model.model.layers[0].register_forward_hook(lambda _, inputs, __: read.append(inputs[0].shape))
    ours = generate(model, asked, Decoding(12), stop_ids=torch.tensor([9, 40, 77]), pad_id=0, batch_size=64)
    hook.remove()
    assert sum(shape[1] >= 20 for shape in read) == 1, "the beginning is read once"
    for prompt, (got,) in zip(asked, ours, strict=True):
        expected = model.generate(
            torch.tensor([prompt]), max_new_tokens=12, do_sample=False, eos_token_id=[9, 40, 77], pad_token_id=0
        )
        assert got.token_ids == expected[0, len(prompt) :].tolist()


def test_a_response_ends_where_it_is_complete():
    model, asked = tiny_gemma(), prompts(5)
    whole = generate(model, asked, Decoding(12), stop_ids=NEVER, pad_id=0, batch_size=64)
    stop = whole[0][0].token_ids[2]

    def is_complete(number: int, ids: list[int]) -> bool:
        assert min(ids) >= 0, "asked about a row that has ended"
        assert ids == whole[number][0].token_ids[: len(ids)], "of another prompt"
        return stop in ids[1:]

    ended = generate(model, asked, Decoding(12), stop_ids=NEVER, pad_id=0, batch_size=64, is_complete=is_complete)
    for (all_of_it,), (part,) in zip(whole, ended, strict=True):
        ids = all_of_it.token_ids
        end = next((i for i, token in enumerate(ids) if i and token == stop), None)
        assert part.token_ids == (ids if end is None else ids[: end + 1])
        assert part.truncated == (end is None)
    assert not ended[0][0].truncated


@pytest.mark.parametrize("name", ["gemma", "llama", "qwen"])
def test_prompts_with_several_beginnings_are_decoded_together(name):
    """Three languages' worked examples of unlike length, and a prompt that begins like no other."""
    model, beginnings = MODELS[name](), prompts(3, seed=4, equal=18)
    asked = [beginnings[i % 3] + [7] * (i % 3) * 4 + own for i, own in enumerate(prompts(8))] + prompts(1, seed=5)
    stop_ids = torch.tensor([9, 40, 77])
    ours = generate(model, asked, Decoding(12), stop_ids=stop_ids, pad_id=0, batch_size=64, with_logps=True)
    alone = [generate(model, [one], Decoding(12), stop_ids=stop_ids, pad_id=0, with_logps=True)[0] for one in asked]
    for (got,), (wanted,) in zip(ours, alone, strict=True):
        assert got.token_ids == wanted.token_ids
        assert all(logp < 0 for logp in got.logps)
        torch.testing.assert_close(torch.tensor(got.logps), torch.tensor(wanted.logps), atol=1e-4, rtol=1e-4)


def test_nothing_is_shared_where_a_text_could_outgrow_the_sliding_window():
    config = tiny_gemma(sliding_window=40).config
    beginning = list(range(20, 50))
    asked = [[*beginning, 7], [*beginning, 9, 9]]
    assert num_shared_tokens(asked, 8, config) == 30
    assert num_shared_tokens(asked, 9, config) == 0
    assert num_shared_tokens(asked[:1], 2, config) == 0
    assert num_shared_tokens([beginning, [*beginning, 3]], 4, config) == 29, "each prompt keeps a token of its own"
