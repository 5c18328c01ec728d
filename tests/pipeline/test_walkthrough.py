"""README's walk-through of other people's data: its very parameters and files, through `reference` and `evaluate`."""

import json
import random
import re
import shutil
import zlib
from pathlib import Path

import pytest
import yaml

from components.answers.numbers import find_numbers
from components.answers.plain import ascii_digits
from components.contracts import Prediction, Question, Reference, read_records, read_table
from tests.pipeline.conftest import ROOT, run
from tests.server.local import completion, serving

pytestmark = pytest.mark.slow

SHOWN = dict(re.findall(r"<!-- walk-through: (\S+) -->\n```\w+\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL))
DATA = ROOT.parent / "shared" / "data"


@pytest.fixture
def walk(clone: Path):
    """Puts shown parameters over the small ones; the clone is as before afterwards."""
    before = (clone / "params.yaml").read_text()

    def merge(name):
        params = yaml.safe_load(before)
        for section, values in yaml.safe_load(SHOWN[name]).items():
            params[section] |= values
        (clone / "params.yaml").write_text(yaml.safe_dump(params))

    yield merge
    (clone / "params.yaml").write_text(before)


WORDS = [a + b for a in ("ka", "mo", "li", "tu", "re", "so") for b in ("na", "pi", "do", "ve", "ra", "zu")]
SENTENCES = {
    "Spanish": "¿Cuántas manzanas rojas hay en total en la cesta grande de la abuela? ({})",
    "Thai": "ในตะกร้าใบใหญ่ของคุณยายมีแอปเปิลสีแดงทั้งหมดกี่ลูก ({})",
}


def translate(asked):
    """A translator whose Spanish and Thai have the text's numbers, and one more that tells texts apart."""
    request, text = asked.question.split("\n\n", 1)
    (name,) = (name for name in SENTENCES if f"to {name}." in request)
    numbers = [number.value for number in find_numbers(ascii_digits(text), "en")]
    return completion(SENTENCES[name].format("; ".join([str(zlib.crc32(text.encode())), *numbers])))


def predictions(clone):
    return read_table(clone / "data/evaluate/predictions.parquet", Prediction)


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no published data in {DATA}")
def test_mgsm_and_gsm8k(clone: Path, walk) -> None:
    shared = clone.parent / "shared"
    if not shared.exists():
        shared.symlink_to(DATA.parent)
    walk("mgsm")
    with serving(translate) as server:
        run(clone, "dvc", "repro", "reference", "evaluate", PBRLSVR_SERVER_URL=server.url)
    train = read_records(clone / "data/problems/train.jsonl", Question)
    spanish = [q for q in train if q.lang == "es"]
    assert {q.translated_by for q in spanish} == {"server:translator"}
    assert all(q.source_row is not None and q.source.endswith("train.jsonl") for q in train)
    references = read_records(clone / "data/reference/references.jsonl", Reference)
    assert {r.problem_id for r in references} >= {q.problem_id for q in train}
    asked = {(p.lang, p.problem_id) for p in predictions(clone)}
    assert {lang for lang, _ in asked} == {"en", "es", "th"}
    first = json.loads((clone / "data/problems/test.jsonl").read_text().splitlines()[0])
    assert first["answer"] == "18"
    assert (first["source_row"], first["translated_by"]) == (0, None)


def test_questions_of_ones_own(clone: Path, walk) -> None:
    """As many as README says, every third without an answer, the others' told in the English line alone."""
    rng, rows = random.Random(5), []
    for number in range(5000):
        words = " ".join(rng.choice(WORDS) for _ in range(12))
        for lang, ask in {"en": "How many", "es": "¿Cuántas", "th": "กี่", "sw": "Ngapi"}.items():
            row = {"id": number, "lang": lang, "question": f"{ask} {number}: {words}?"}
            rows.append(row | ({"answer": number + 1} if lang == "en" and number % 3 else {}))
    rng.shuffle(rows)
    mine = clone / "sources/mine.jsonl"
    mine.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    walk("mine")
    run(clone, "dvc", "repro", "problems")
    seen = set()
    for split, count in {"train": 4500, "calibration": 100, "validation": 200, "test": 200}.items():
        asked = read_records(clone / f"data/problems/{split}.jsonl", Question)
        assert {q.lang for q in asked} == {"en", "es", "th", "sw"}
        problems = {q.problem_id for q in asked}
        assert len(asked) == 4 * count == 4 * len(problems)
        assert not problems & seen
        seen |= problems
        assert 0.5 < sum(q.answer is not None for q in asked) / len(asked) < 0.8

    assert "up to date" in run(clone, "dvc", "status", "problems")
    mine.write_text(mine.read_text().replace("How many", "How very many", 1))
    assert "sources" in run(clone, "dvc", "status", "problems")


def test_own_table(clone: Path, walk) -> None:
    (clone / "sources/capitals.csv").write_text(SHOWN["capitals.csv"])
    walk("table")
    run(clone, "dvc", "repro", "reference", "evaluate", "report")
    rows = predictions(clone)
    gold = {q.problem_id: q.answer for q in read_records(clone / "data/problems/test.jsonl", Question)}
    assert sorted(gold.values(), key=str) == ["A", "B", None]
    assert {row.lang for row in rows} == {"en", "es"}
    assert {row.answer_read for row in rows} <= {"A", "B", "C", None}
    assert all((row.correct is None) == (gold[row.problem_id] is None) for row in rows)
    shutil.rmtree(clone / "report")
