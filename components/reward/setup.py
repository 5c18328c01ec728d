"""What rewards are made with: names of models, and the hybrid's constants."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from components.params import RewardParams
from components.reward.terms import Terms

NONE = "none"
Unit = Annotated[float, Field(ge=0, le=1)]


class RewardSetup(BaseModel):
    """As in params.yaml, section `reward`; the defaults are those of the embedded pipeline."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoder: str = "packaged-use"
    translator: str = NONE
    translation_metric: Literal["chrf", "bleu", "embedding"] = "chrf"
    comet: str = NONE
    answers_hidden: bool = False
    """Whether no answer is looked at, as where references have none that can be checked."""
    answer_weight: Unit = 0.7
    semantic_weight: Unit = 0.3
    min_language_share: Unit = 0.5
    other_language_factor: Unit = 0.25

    @classmethod
    def from_params(cls, params: RewardParams) -> "RewardSetup":
        """The section's values."""
        return cls(**params.model_dump(exclude={"function", "calibrated", "advantage_std_floor"}))

    def combine(self, terms: Terms) -> float | None:
        """The fixed hybrid (`components.reward.hybrid`) of scores that are already there, 0 to 1.

        None where neither answer nor semantic could be scored.
        """
        answer, similar = terms["answer"], semantic(terms)
        if answer is None or similar is None:
            value = similar if answer is None else answer
        else:
            value = self.answer_weight * answer + self.semantic_weight * similar
        if value is None:
            return None
        return value * self.gate(terms)

    def gate(self, terms: Terms) -> float:
        """g: 1 in the prompt's language, else the factor."""
        return 1.0 if self.is_in_language(terms) else self.other_language_factor

    def is_in_language(self, terms: Terms) -> bool:
        """Whether enough of a response's words are in the prompt's language."""
        return (terms["language"] or 0.0) >= self.min_language_share


def semantic(terms: Terms) -> float | None:
    """repetition · mean(steps, numbers) of those that could be scored, 0 to 1; None where neither could."""
    known = [value for name in ("steps", "numbers") if (value := terms[name]) is not None]
    return (terms["repetition"] or 0.0) * sum(known) / len(known) if known else None
