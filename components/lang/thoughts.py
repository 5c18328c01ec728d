"""Telling a thinking model's thought from its answer."""

OPENING, CLOSING = "<think>", "</think>"


def split_thought(text: str) -> tuple[str | None, str]:
    """The thought of a response (None where there is none) and what it answers, both without tags and outer spaces.

    The thought reaches to the last `</think>`, with or without an opening tag: some chat templates write that one
    themselves. A thought that is not closed, or that nothing follows, was cut off: the answer is then empty. An empty
    thought (a model told not to think) is none.
    """
    before, closed, after = text.rpartition(CLOSING)
    if OPENING in after:
        return _bare(text), ""
    if closed:
        return _bare(before), after.strip()
    return None, text.strip()


def _bare(thought: str) -> str | None:
    return thought.strip().removeprefix(OPENING).strip() or None
