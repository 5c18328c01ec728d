"""Votes of the pivot's samples, golden and as properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.contracts import Question
from components.generation.responder import Response
from components.reference.vote import vote


def question(gold="12"):
    return Question(
        problem_id="p-1", lang="en", split="train", family="f", num_steps=1, unseen_family=False,
        question="5 + 7?", answer=gold,
    )  # fmt: skip


def said(text, truncated=False, num_tokens=5):
    return Response(text, num_tokens, truncated)


def decide(responses, min_agreement=0.5, gold="12"):
    return vote(question(gold), responses, min_agreement, "gemma", self_pivot=True)


@pytest.mark.parametrize(
    ("responses", "winner", "text", "agreement"),
    [
        ([said("It is 12."), said("It is 13."), said("So 12.")], "12", "So 12.", 2 / 3),
        ([said("13"), said("12"), said("12"), said("13")], "13", "13", 1 / 2),
        ([said("12"), said("13"), said("13"), said("12")], "12", "12", 1 / 2),
        ([said("The answer is 12.0."), said("12")], "12", "12", 1),
        ([said("1,200"), said("The answer is 1200.")], "1200", "1,200", 1),
        ([said("13", truncated=True), said("13", truncated=True), said("It is 12.")], "12", "It is 12.", 1 / 3),
        ([said("12", truncated=True), said("12 it is, then."), said("no idea")], "12", "12 it is, then.", 1 / 3),
        ([said("Is 12 long?"), said("12 apples."), said("no idea")], "12", "12 apples.", 2 / 3),
    ],
)  # fmt: skip
def test_golden_vote(responses, winner, text, agreement):
    reference = decide(responses, min_agreement=0)
    assert (reference.answer, reference.text) == (winner, text)
    assert reference.agreement == pytest.approx(agreement)
    assert (reference.kept, reference.reason) == (True, None)
    assert (reference.num_samples, reference.num_tokens) == (len(responses), 5 * len(responses))


@pytest.mark.parametrize("responses", [[said("no idea"), said("")], [said("12", truncated=True)]])
def test_without_a_readable_answer_there_is_no_reference(responses):
    reference = decide(responses, min_agreement=0)
    assert (reference.answer, reference.text, reference.agreement) == (None, None, 0)
    assert (reference.kept, reference.reason) == (False, "no sample has a readable answer")
    assert reference.gold_correct is False


@pytest.mark.parametrize(("threshold", "kept"), [(0.5, True), (0.51, False), (1.0, False), (0.0, True)])
def test_the_threshold_itself_is_enough(threshold, kept):
    reference = decide([said("12"), said("13"), said("12"), said("14")], threshold)
    assert reference.kept is kept
    assert reference.reason == (None if kept else f"agreement 0.50 is under {threshold:.2f}")
    assert reference.answer == "12", "a dropped reference still says what it would have been"


samples = st.lists(
    st.builds(said, st.sampled_from(["12", "13", "It is 12.", "none", "", "so 7 = 7"]), st.booleans()),
    min_size=1,
    max_size=9,
)


@given(samples, st.floats(0, 1), st.sampled_from(["12", "13", "7", "99"]))
def test_gold_changes_only_what_is_told_about_it(responses, threshold, gold):
    told, other = decide(responses, threshold, gold), decide(responses, threshold, "-1")
    assert told.model_dump(exclude={"gold_correct"}) == other.model_dump(exclude={"gold_correct"})
    assert told.gold_correct is (told.answer == gold)
    assert other.gold_correct is False


@given(samples, st.floats(0, 1))
def test_kept_means_a_complete_sample_and_enough_votes(responses, threshold):
    reference = decide(responses, threshold)
    assert reference.kept is (reference.answer is not None and reference.agreement >= threshold)
    if reference.answer is not None:
        chosen = [r for r in responses if r.text == reference.text]
        assert any(not r.truncated for r in chosen)
        assert 0 < reference.agreement <= 1
