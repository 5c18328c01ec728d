"""A program that reads LaTeX with math-verify, one JSON string a line; `latex.py` starts it, and kills it if it hangs.

It answers each line with the number's canonical text, or with an empty string where the LaTeX is no real number. It
imports nothing of ours: it is started by its path, in a process that may be killed at any moment.
"""

import json
import logging
import resource
import sys
from fractions import Fraction

_MEMORY_BYTES = 2 << 30
_NUM_DIGITS = 30  # of an irrational number such as \\sqrt{2}


def main() -> None:
    """Say that it is ready, then answer until the input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    logging.disable(logging.CRITICAL)
    from math_verify import parse
    from math_verify.parser import LatexExtractionConfig
    from sympy import Basic

    def value_of(latex: str) -> str:
        # No timeout of its own: it works by signals, in main threads only, and this process is killed anyway.
        for found in parse(f"\\boxed{{{latex}}}", extraction_config=[LatexExtractionConfig()], parsing_timeout=None):
            if isinstance(found, Basic):
                return _number(found)
        return ""

    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        try:
            answer = value_of(json.loads(line))
        except Exception:  # whatever sympy cannot do with a model's LaTeX: it is no number
            answer = ""
        print(json.dumps(answer), flush=True)


def _number(expression: object) -> str:
    """Exact where it is rational; an irrational number to many digits; empty for all else."""
    from sympy import Equality, Expr, FiniteSet, nsimplify

    if isinstance(expression, Equality):
        expression = expression.rhs
    if isinstance(expression, FiniteSet) and len(expression) == 1:
        expression = next(iter(expression))
    if not isinstance(expression, Expr) or expression.free_symbols:
        return ""
    value = nsimplify(expression.doit(), rational=True).simplify()
    if value.is_Rational:
        return str(Fraction(int(value.p), int(value.q)))
    if not value.is_real:
        return ""
    return str(Fraction(str(value.evalf(_NUM_DIGITS))))


if __name__ == "__main__":
    main()
