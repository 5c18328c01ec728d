"""Validation during training, and the choice of the checkpoint: on `validation` only, and without any gold answer.

What is measured is agreement with the pivot's kept references in the trained languages, greedily: the same signal that
a user without annotations has.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from components.answers.reading import read_answer
from components.answers.verdict import same_answer
from components.contracts import Question, Reference, write_json
from components.generation.responder import Responder
from components.generation.sampler import Decoding


class Validation:
    """Agreement with the references by step, kept on disk so that a resumed run still knows it."""

    def __init__(
        self,
        pairs: Sequence[tuple[Question, Reference]],
        decoding: Decoding,
        history_path: Path,
    ) -> None:
        """`pairs`: questions to ask, each with its kept reference; at least one."""
        self.pairs, self.decoding = pairs, decoding
        self._path = history_path
        self.history: dict[int, dict[str, float]] = {}
        if history_path.is_file():
            self.history = {int(step): scores for step, scores in json.loads(history_path.read_text()).items()}

    def measure(self, step: int, responder: Responder) -> dict[str, float]:
        """Agreement by language and in all (`macro`), 0 to 1, for the model as it is now."""
        groups = responder.respond([(q.asked, q.lang) for q, _ in self.pairs], self.decoding)
        agreed: dict[str, list[bool]] = {}
        for (question, reference), (response,) in zip(self.pairs, groups, strict=True):
            read = read_answer(response.text, question.lang, choices=question.choices).value
            agreed.setdefault(question.lang, []).append(same_answer(read, reference.answer))
        scores = {lang: sum(values) / len(values) for lang, values in agreed.items()}
        scores["macro"] = sum(scores.values()) / len(scores)
        self.history[step] = scores
        write_json(self._path, self.history)
        return scores

    def best_step(self) -> int:
        """The trained step (0, the warm-up, is no candidate) of highest macro agreement; ties go to the earlier."""
        candidates = [step for step in self.history if step > 0]
        return max(candidates, key=lambda step: (self.history[step]["macro"], -step))
