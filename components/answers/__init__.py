"""Final answers: reading them out of responses in any language and script, and comparing them.

`reading` finds the answer: in a box (`latex`), behind an answer phrase (`statement`), or at the end. What it finds is
a number (`numbers` in digits and their `signs`, the `quantities` that they are part of, `numerals` in Chinese
characters, `words`), or the choice that a response names by its letter (`letters`) or in words (`mentions`). `doubts`
are what the text says against it. `verdict` compares. All look at text as `plain` writes it. The words that announce,
scale and negate are data: `components/lang/languages/`.
"""

from components.answers.reading import Answer, read_answer
from components.answers.verdict import Verdict, same_answer, verify

__all__ = ["Answer", "Verdict", "read_answer", "same_answer", "verify"]
