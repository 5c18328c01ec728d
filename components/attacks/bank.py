"""The bank: which attacks there are, and building all of them on one honest response.

The same response gives the same attacks on any machine: every choice is seeded by problem, language and attack.
"""

from collections.abc import Callable, Sequence
from random import Random

from components.attacks import hollow, invisible, mixed, wrong
from components.attacks.anatomy import Anatomy, seeded
from components.attacks.records import Attack, CannotBuildError, Honest, Kind, LeftOut
from components.contracts import PipelineError

Builder = Callable[[Anatomy, Sequence[Honest], Random], str]

ATTACKS: dict[str, tuple[Kind, Builder]] = {
    "empty": ("wrong", wrong.empty),
    "digits": ("wrong", wrong.digits),
    "equations": ("wrong", wrong.equations),
    "english_reference": ("wrong", wrong.english_reference),
    "final_number": ("wrong", wrong.final_number),
    "wrong_language": ("wrong", wrong.wrong_language),
    "other_reference": ("wrong", wrong.other_reference),
    "question": ("wrong", wrong.question),
    "mixed_scripts": ("wrong", mixed.mixed_scripts),
    "phrase_alone": ("hollow", hollow.phrase_alone),
    "filler": ("hollow", hollow.filler),
    "repetition": ("hollow", hollow.repetition),
    "middle_number": ("hollow", hollow.middle_number),
    "zero_width": ("same", invisible.zero_width),
}
"""Kind and builder of each attack, in the order of tables."""


def attacks_on(honest: Honest, others: Sequence[Honest]) -> list[Attack]:
    """The attacks that an honest response allows, in the order of `ATTACKS`; as `try_attacks`."""
    return try_attacks(honest, others)[0]


def try_attacks(honest: Honest, others: Sequence[Honest]) -> tuple[list[Attack], list[LeftOut]]:
    """Build every attack on an honest response.

    Of kind `wrong`, those that change the answer never read as the right one: `empty`, `final_number`,
    `other_reference`, `question`. The others are in no language, or not in the one asked for. Those of kind `hollow`
    all read as the right answer.

    Args:
        honest: The response.
        others: Honest responses of the run: those to the same problem and those in the same language are used.

    Returns:
        The attacks, and those that could not be built, with the reason.

    Raises:
        PipelineError: The response does not give its reference's answer, or its language is not in the table.
    """
    anatomy = Anatomy(honest)
    if anatomy.right is not None and not anatomy.is_right(honest.text):
        raise PipelineError(
            f"honest response to `{honest.problem_id}` in `{honest.lang}` reads as {anatomy.read(honest.text)}, its "
            f"reference says {anatomy.right}: leave it out, only right responses can be attacked"
        )
    built: list[Attack] = []
    left_out: list[LeftOut] = []
    for name, (kind, builder) in ATTACKS.items():
        try:
            text = _build(anatomy, kind, builder, others, seeded(honest, name))
            built.append(Attack(name, kind, honest.problem_id, honest.lang, text))
        except CannotBuildError as reason:
            left_out.append(LeftOut(name, honest.problem_id, honest.lang, str(reason)))
    return built, left_out


def _build(anatomy: Anatomy, kind: Kind, builder: Builder, others: Sequence[Honest], rng: Random) -> str:
    text = builder(anatomy, others, rng)
    if text == anatomy.honest.text:
        raise CannotBuildError("the attack is the honest response itself")
    if kind == "hollow" and not anatomy.is_right(text):
        raise CannotBuildError("it would no longer read as the right answer")
    return text
