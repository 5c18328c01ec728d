"""`pb-rlsvr audit`: attacks on honest responses, scored by one reward."""

from itertools import islice
from pathlib import Path

from components.attacks import Honest, audit, print_audit
from components.comparison.honest import is_right
from components.contracts import ContractError, PipelineError
from components.encoding import Encoder
from components.lang.share import response_shares
from components.lang.table import nearest_language
from components.offline.rows import choose, read_references, read_rollouts
from components.offline.score import named_reward
from components.params import RewardName
from components.problems.build import ask, draw_problems
from components.problems.families import load_families, written_languages
from components.progress import console
from components.reward.setup import RewardSetup

_SEED = 17
_MIN_SHARE = 0.5  # of an honest response's words in its language


def built_in_honest(num_problems: int) -> list[Honest]:
    """Worked solutions of built-in problems in every language, families in turn; the English one is the reference."""
    families = load_families()
    turns = -(-num_problems // len(families))
    problems = [problem for family in families for problem in islice(draw_problems(family, _SEED), turns)][
        :num_problems
    ]
    found = []
    for problem in problems:
        english = ask(problem, "calibration", "en")
        for lang in written_languages(families):
            own = ask(problem, "calibration", lang)
            found.append(
                Honest(own.problem_id, lang, str(own.solution), own.question, str(english.solution), english.answer, (),
                       "solution")
            )  # fmt: skip
    return found


def honest_of(references: Path, rollouts: Path) -> list[Honest]:
    """Of anybody's rollouts those that are right by the reference (and by `correct`, if given) and in language.

    Raises:
        ContractError: See `components.offline.rows`; or no rollout is.
    """
    chosen = {problem: choose(samples) for problem, samples in read_references(references).items()}
    found = []
    for row in read_rollouts(rollouts):
        reference = chosen.get(row.problem_id)
        if reference is None or row.correct is False or nearest_language(row.lang) is None:
            continue
        offered = row.choices or ()
        if not is_right(row.text, row.lang, reference.answer, offered):
            continue
        if response_shares(row.text, row.lang, row.question or "")[1].share < _MIN_SHARE:
            continue
        found.append(Honest(str(row.problem_id), row.lang, row.text, row.question or "", reference.text,
                            reference.answer, offered, "rollout"))  # fmt: skip
    if not found:
        raise ContractError(f"{rollouts}: no rollout is right and in its language; the audit needs honest responses")
    return found


def audit_reward(
    name: RewardName,
    setup: RewardSetup,
    calibration: Path | None,
    references: Path | None,
    rollouts: Path | None,
    num_problems: int,
) -> None:
    """Attack one reward and print attack by language; what could be gamed is told last.

    Args:
        references, rollouts: Both, or neither: then `num_problems` built-in problems with their worked solutions, the
            English one as the reference.

    Raises:
        PipelineError: Only one of the files is given, there is no honest response, or the setup lacks a model.
    """
    if (references is None) != (rollouts is None):
        raise PipelineError("--references goes with ROLLOUTS; give both, or neither for built-in problems")
    honest = honest_of(references, rollouts) if references and rollouts else built_in_honest(num_problems)
    encoder = Encoder(setup.encoder)
    result = audit(honest, named_reward(name, setup, encoder, calibration))
    print_audit(result)
    covered = [lang for lang in result.languages if encoder.declares(lang)]
    failures = result.failures(languages=covered)
    what = f"`{name}` on {len(honest)} honest responses, languages that the encoder declares: {', '.join(covered)}"
    console.print(f"{what}. {'It can be gamed:' if failures else 'It passes.'}", markup=False)
    for line in failures:
        console.print(f"  {line}", markup=False)
