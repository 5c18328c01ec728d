"""Files of references and rollouts in the form that anybody might have them in."""

import json

WORDS = {  # (right, wrong, out of language) by language; {n} is the answer
    "es": ("Hay {a} y {b}: {a} + {b} = {n}. La respuesta es {n}.", "en"),
    "de": ("Es sind {a} und {b}: {a} + {b} = {n}. Die Antwort ist {n}.", "en"),
    "zh": ("有{a}个和{b}个：{a} + {b} = {n}。答案是{n}。", "en"),
    "sw": ("Kuna {a} na {b}: {a} + {b} = {n}. Jibu ni {n}.", "en"),
    "en": ("There are {a} and {b}: {a} + {b} = {n}. The answer is {n}.", "en"),
}


def text(lang, number, off=0):
    """A response to "number + 5" that is `off` by so much."""
    return WORDS[lang][0].format(a=number, b=5, n=number + 5 + off)


def references(num_problems=6, samples=(0,)):
    """A row for each sample; the sample is off by its number."""
    return [
        {"problem_id": number, "text": text("en", number + 7, off), "answer": str(number + 12 + off), "extra": 1}
        for number in range(num_problems)
        for off in samples
    ]


def rollouts(num_problems=6, langs=("es", "de", "zh", "sw", "en"), offs=(0, 1, 0, 2)):
    """`len(offs)` responses to each problem in each language."""
    return [
        {"id": f"{number}-{lang}-{i}", "problem_id": number, "lang": lang, "text": text(lang, number + 7, off)}
        for number in range(num_problems)
        for lang in langs
        for i, off in enumerate(offs)
    ]


def write(path, rows):
    """JSONL."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path
