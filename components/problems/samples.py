"""Three problems of every family, question and worked solution, for people to read: docs/problems/<lang>.md.

Run after a change of texts: `python -m components.problems.samples`.
"""

from itertools import islice
from pathlib import Path

from components.contracts import write_text
from components.lang import Language, language
from components.problems.build import ask, draw_problems
from components.problems.families import Family, load_families, written_languages

FOLDER = Path("docs/problems")
SEED = 17
NUM_SAMPLES = 3


def page(lang: Language, families: list[Family]) -> str:
    """One language's samples as Markdown."""
    title = f"# {lang.name}: {NUM_SAMPLES} samples a family\n\nMade by `python -m components.problems.samples`.\n"
    return title + "".join(_section(lang.code, family) for family in families)


def _section(lang: str, family: Family) -> str:
    steps = f"{len(family.steps)} step{'s' if len(family.steps) > 1 else ''}"
    heading = f"\n## {family.name} ({steps}{', only in test' if family.unseen else ''})\n\n"
    problems = islice(draw_problems(family, SEED), NUM_SAMPLES)
    questions = [ask(problem, "shots", lang) for problem in problems]
    return heading + "".join(f"- {q.question}\\\n  *{q.solution}*\n" for q in questions)


def main() -> None:
    """Write every language's page."""
    families = load_families()
    for code in written_languages(families):
        write_text(FOLDER / f"{code}.md", page(language(code), families))


if __name__ == "__main__":
    main()
