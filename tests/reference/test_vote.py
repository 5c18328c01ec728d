"""Votes of the pivot's samples, golden and as properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.reference.vote import Pivot, may_vote, vote
from tests.reference.made_up import half_a, half_b, question, rules, said

GEMMA = Pivot("gemma", True)


def decide(samples, min_agreement=0.5, gold="12", keep_only_gold=False, asked=None):
    decided = rules(min_agreement=min_agreement, keep_only_gold=keep_only_gold)
    return vote(asked or question(gold=gold), samples, decided, GEMMA)


@pytest.mark.parametrize(
    ("texts", "truncated", "winner", "text", "agreement"),
    [
        (["It is 12.", "It is 13.", "So 12."], [], "12", "So 12.", 2 / 3),
        (["13", "12", "12", "13"], [], "13", "13", 1 / 2),
        (["12", "13", "13", "12"], [], "12", "12", 1 / 2),
        (["The answer is 12.0.", "12"], [], "12", "12", 1),
        (["1,200", "The answer is 1200."], [], "1200", "1,200", 1),
        (["13", "13", "It is 12."], [0, 1], "12", "It is 12.", 1 / 3),
        (["12", "12 it is, then.", "no idea"], [0], "12", "12 it is, then.", 1 / 3),
        (["Is 12 long?", "12 apples.", "no idea"], [], "12", "12 apples.", 2 / 3),
        (["5 + 7 = 13. So 13.", "5 + 7 = 13. So 13.", "5 + 7 = 12. So 12."], [], "12", "5 + 7 = 12. So 12.", 1 / 3),
        (["9 o'clock? 9", "So 9.", "It is 8:30.", "It is 8.5.", "8:30 it is."], [], "8:30", "It is 8.5.", 3 / 5),
        (["\\boxed{10/3}", "It is 3.33.", "It is 4.", "It is 4."], [], "10/3", "It is 3.33.", 1 / 2),
        (["5 + 7 = 11, so 12.", "5 + 7 gives 12, so 12."], [], "12", "5 + 7 gives 12, so 12.", 1 / 2),
    ],
)  # fmt: skip
def test_golden_vote(texts, truncated, winner, text, agreement):
    reference = decide(half_a(texts, truncated), min_agreement=0)
    assert (reference.answer, reference.text) == (winner, text)
    assert reference.agreement == pytest.approx(agreement)
    assert (reference.kept, reference.reason) == (True, None)
    assert (reference.num_samples, reference.num_tokens) == (len(texts), 5 * len(texts))
    assert (reference.pivot, reference.self_pivot) == ("gemma", True)


@pytest.mark.parametrize(("texts", "truncated"), [(["no idea", ""], []), (["12"], [0]), (["1 + 1 = 12"], [])])
def test_without_a_voter_there_is_no_reference(texts, truncated):
    reference = decide(half_a(texts, truncated), min_agreement=0)
    assert (reference.answer, reference.text, reference.thought, reference.agreement) == (None, None, None, 0)
    assert (reference.kept, reference.reason) == (False, "no sample has a readable answer and passes the checks")
    assert reference.gold_correct is False


@pytest.mark.parametrize(("threshold", "kept"), [(0.5, True), (0.51, False), (1.0, False), (0.0, True)])
def test_the_threshold_itself_is_enough(threshold, kept):
    reference = decide(half_a(["12", "13", "12", "14"]), threshold)
    assert reference.kept is kept
    assert reference.reason == (None if kept else f"agreement 0.5 is under {threshold:.3g}")
    assert reference.answer == "12", "a dropped reference still says what it would have been"


def test_the_halves_do_not_know_of_each_other():
    reference = decide([*half_a(["12", "12", "no idea"]), *half_b(["13", "13", "13", "no idea"])])
    assert (reference.answer, reference.agreement, reference.num_samples) == ("12", pytest.approx(2 / 3), 3)
    assert (reference.label, reference.label_agreement) == ("13", pytest.approx(3 / 4))
    assert reference.num_tokens == 5 * 7


@pytest.mark.parametrize(("texts", "agreement"), [([], None), (["no idea"], 0.0), (["1 + 1 = 3"], 0.0)])
def test_a_half_without_voters_has_no_label(texts, agreement):
    reference = decide([*half_a(["12"]), *half_b(texts)])
    assert (reference.label, reference.label_agreement) == (None, agreement)


@pytest.mark.parametrize(
    ("gold", "only_gold", "kept", "correct"),
    [
        ("12", True, True, True),
        ("13", True, False, False),
        ("13", False, True, False),
        (None, True, True, None),
        (None, False, True, None),
    ],
)
def test_gold_drops_only_where_it_is_told_to_and_known(gold, only_gold, kept, correct):
    reference = decide(half_a(["12"]), gold=gold, keep_only_gold=only_gold)
    assert (reference.kept, reference.gold_correct) == (kept, correct)
    assert reference.reason == (None if kept else "contradicts the English gold")


def test_the_thought_of_the_chosen_sample_comes_with_it_and_is_not_judged():
    samples = [said("It is 12.", 0, thought="long"), said("12", 2, thought="first 5 + 7 = 13, no")]
    reference = decide(samples)
    assert (reference.text, reference.thought, reference.agreement) == ("12", "first 5 + 7 = 13, no", 1)


def test_choices_are_voted_by_letter():
    asked = question(gold="B", choices=("10", "12", "14"))
    samples = [said(text, 2 * i, asked=asked) for i, text in enumerate(["The answer is (B).", "B", "The answer is C."])]
    reference = decide(samples, asked=asked)
    assert (reference.answer, reference.agreement, reference.gold_correct) == ("B", pytest.approx(2 / 3), True)


texts = st.sampled_from(["12", "13", "It is 12.", "none", "", "so 7 = 7", "6 + 6 = 13"])
samples = st.lists(
    st.builds(said, texts, st.integers(1, 15), st.booleans()), max_size=12, unique_by=lambda s: s.sample
).flatmap(lambda rest: st.builds(said, texts, st.just(0), st.booleans()).map(lambda first: [first, *rest]))


@pytest.mark.slow
@given(samples, st.floats(0, 1), st.sampled_from(["12", "13", "7", "99"]))
def test_gold_changes_only_what_is_told_about_it(samples, threshold, gold):
    told, other = decide(samples, threshold, gold), decide(samples, threshold, "-1")
    assert told.model_dump(exclude={"gold_correct"}) == other.model_dump(exclude={"gold_correct"})
    assert told.gold_correct is (told.answer == gold)
    assert other.gold_correct is False


@pytest.mark.slow
@given(samples, st.floats(0, 1))
def test_kept_means_a_voter_of_half_a_and_enough_votes(samples, threshold):
    reference = decide(samples, threshold)
    assert reference.kept is (reference.answer is not None and reference.agreement >= threshold)
    if reference.answer is not None:
        chosen = [s for s in samples if s.half == "A" and s.text == reference.text]
        assert any(may_vote(question(), s, False) and s.answer == reference.answer for s in chosen)
        assert 0 < reference.agreement <= 1


@pytest.mark.slow
@given(samples)
def test_one_half_alone_decides(samples):
    own = decide([s for s in samples if s.half == "A"])
    both = decide(samples)
    mine = {"answer", "text", "thought", "agreement", "kept", "reason", "gold_correct"}
    assert own.model_dump(include=mine) == both.model_dump(include=mine)


@pytest.mark.parametrize(("use_every_number", "winner"), [(False, "12"), (True, "14")])
def test_a_sample_that_leaves_a_number_out_votes_only_where_allowed(use_every_number, winner):
    asked = question(text="5 red, 7 blue and 2 green ones?")
    samples = half_a(["5 + 7 = 12", "5 + 7 = 12", "5 + 7 = 12. 12 + 2 = 14"])
    reference = vote(asked, samples, rules(use_every_number=use_every_number, min_agreement=0.1), GEMMA)
    assert reference.answer == winner
