"""Seconds to build and check 2,000 built-in problems in every language: `make bench`."""

import time
from collections import Counter

from components.params import load_params
from components.problems.build import build_questions
from components.problems.contamination import check_contamination

NUM_PROBLEMS = 2000


def main() -> None:
    """Build with as many training problems as make 2,000, check for overlaps, and print the time."""
    params = load_params()
    sizes = {name: getattr(params.problems, name) for name in type(params.problems).model_fields if "num_" in name}
    num_train = NUM_PROBLEMS - sum(sizes.values()) + sizes["num_train"]
    started = time.perf_counter()
    questions = build_questions(params.problems.model_copy(update={"num_train": num_train}), params.base)
    built_s = time.perf_counter() - started
    check_contamination(questions)
    total_s = time.perf_counter() - started
    num_problems = len({question.problem_id for question in questions})
    langs = Counter(question.lang for question in questions)
    print(f"{num_problems} problems, {len(questions)} questions in {len(langs)} languages")
    print(f"built in {built_s:.1f} s, checked in {total_s - built_s:.1f} s: {total_s:.1f} s")


if __name__ == "__main__":
    main()
