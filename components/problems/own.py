"""A user's own questions: a folder with the five files that this stage would write, checked before they are taken over."""

from pathlib import Path

from components.contracts import ContractError, PipelineError, Question
from components.params import BaseParams
from components.problems.build import SPLITS
from components.questions import read_questions


def read_own(folder: Path, base: BaseParams) -> list[Question]:
    """All questions of `folder`/{shots,train,calibration,validation,test}.jsonl in the languages of `base`.

    Raises:
        PipelineError: The folder is missing, or a language has no questions in a file.
        ContractError: A file or a row breaks the contract, or a problem stands in two splits (file and row named).
    """
    if not folder.is_dir():
        raise PipelineError(f"params.yaml: `problems.source`: no such folder: {folder}")
    questions: list[Question] = []
    split_of: dict[str, str] = {}
    for split in SPLITS:
        path = folder / f"{split}.jsonl"
        for row, question in enumerate(read_questions(path), start=1):
            _check_row(path, row, question, split, split_of)
            if question.lang in base.languages:
                questions.append(question)
        present = {question.lang for question in questions if question.split == split}
        missing = [lang for lang in base.languages if lang not in present]
        if missing and (split != "shots" or present):
            raise PipelineError(f"{path}: no question in {', '.join(missing)}; add some or shorten `base.languages`")
    return questions


def _check_row(path: Path, row: int, question: Question, split: str, split_of: dict[str, str]) -> None:
    if question.split != split:
        raise ContractError(f"{path}: row {row}: `split` is {question.split}; in this file it must be {split}")
    earlier = split_of.setdefault(question.problem_id, split)
    if earlier != split:
        problem = f"problem `{question.problem_id}` stands in {earlier}.jsonl too"
        raise ContractError(f"{path}: row {row}: {problem}; splits must share none")
    if split == "shots" and question.solution is None:
        raise ContractError(f"{path}: row {row}: `solution` is missing; worked examples need one")
