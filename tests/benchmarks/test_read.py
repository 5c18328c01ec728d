"""The published rule of reading beside the project's own."""

import pytest

from components.benchmarks.items import Item
from components.benchmarks.read import published_read, published_verdict, read_choice, read_text
from components.benchmarks.setup import load_setup
from components.generation.responder import Response

MGSM, PROX = load_setup("mgsm_native_cot"), load_setup("mmlu_prox")


@pytest.mark.parametrize(
    ("setup", "lang", "text", "read"),
    [
        (MGSM, "es", "Son 3 + 4. La respuesta es 7. Y luego 9.", "7."),  # the full stop is the harness's
        (MGSM, "es", "Tiene 3 + 4 = 12", "12"),  # the last number
        (MGSM, "ja", "答えは11です。", "11"),
        (MGSM, "ja", "答えは 11 です。", "11"),
        (MGSM, "de", "Die Antwort lautet -3,5.", "-3,5."),
        (MGSM, "de", "Keine Ahnung", None),
        (load_setup("mgsm_direct"), "en", " $1,000 in all", "$1,000"),
        (PROX, "es", "Entonces la respuesta... La respuesta es (F).", "F"),
        (PROX, "es", "Creo que F", None),
        (PROX, "en", "the answer is B", "B"),
    ],
)
def test_what_the_published_set_up_reads(setup, lang, text, read):
    assert published_read(setup, lang, text) == read


def test_its_comparison_leaves_out_punctuation():
    assert published_verdict(MGSM, "es", "1,000.", "1000") is True
    assert published_verdict(MGSM, "es", None, "1000") is False
    assert published_verdict(MGSM, "es", "7", None) is None
    assert published_verdict(load_setup("xcopa"), "sw", "A", "A") is None, "it reads nothing from text"


def test_a_response_is_read_both_ways_and_its_language_told():
    item = Item("0001", "es", "¿Cuántas manzanas tiene Ana?", (), "1000", "prompt")
    text = "Ana tiene mil manzanas en total. La respuesta es mil."
    told = read_text(MGSM, "base", item, 0, Response(text, 12, truncated=False, thought="Ana has 500 + 500 apples."))
    assert (told.answer_read, told.correct, told.published_read, told.published_correct) == ("1000", True, None, False)
    assert told.language_share > 0.9
    assert told.thought_share < 0.2


def test_a_choice_is_the_likeliest():
    item = Item("1", "sw", "Mvua?", ("mto", "jua"), "B", "Mvua", (" mto", " jua"))
    told = read_choice(load_setup("xcopa"), "base", item, (-3.0, -2.5), 2)
    assert (told.answer_read, told.correct, told.response, told.choice_lengths) == ("B", True, "jua", (3, 3))
