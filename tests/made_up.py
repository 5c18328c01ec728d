"""A problem and its reference, made up: no two numbers share an answer or a text, and no two languages a question."""

from components.contracts import Question, Reference


def question(number, lang, **changes):
    """English asks `q3`, Spanish `¿es q3?`; the gold answer is no reference's."""
    values = {
        "problem_id": f"p-{number}", "lang": lang, "split": "train", "family": "f", "num_steps": 1,
        "unseen_family": False, "question": f"q{number}" if lang == "en" else f"¿{lang} q{number}?",
        "answer": str(900 + number),
    }  # fmt: skip
    return Question(**(values | changes))


def reference(number, **changes):
    values = {
        "problem_id": f"p-{number}", "split": "train", "answer": str(100 + number), "text": f"R{number}",
        "thought": None, "agreement": 1, "num_samples": 1, "label": None, "label_agreement": None, "kept": True,
        "reason": None, "gold_correct": None, "num_tokens": 1, "pivot": "tiny", "self_pivot": True,
    }  # fmt: skip
    return Reference(**(values | changes))
