"""Parallel verifiable word problems: one answer a problem, asked in every language."""

from components.problems.build import build_questions

__all__ = ["build_questions"]
