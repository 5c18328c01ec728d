"""What is taken from a translator and what is not."""

import pytest

from components.translation import Translation, load_translator, translate_checked
from tests.server.local import completion, serving


@pytest.fixture
def checked(monkeypatch):
    """Translations by a server that always says the same."""

    def translate(originals, said, lang):
        with serving(lambda _: completion(said)) as server:
            monkeypatch.setenv("PBRLSVR_SERVER_URL", server.url)
            return translate_checked(load_translator("server:m"), originals, lang)

    return translate


@pytest.mark.parametrize(
    ("original", "translated", "lang", "reason"),
    [
        ("She has 1,234 eggs and 2.5 kg.", "Sie hat 1.234 Eier und 2,5 kg.", "de", None),
        ("She has 1,234 eggs.", "Elle a 1 234 œufs.", "fr", None),
        ("She has 1,234 eggs.", "Sie hat 1.235 Eier.", "de", "number lost"),
        ("She has 3 eggs and 3 hens.", "Tiene 3 huevos y gallinas.", "es", "number lost"),
        ("He has 3 eggs.", "তার ৩টি ডিম আছে।", "bn", None),
        ("There are nine computers.", "9台のコンピューターがあります。", "ja", None),
        ("He has 80,000 dollars.", "他有8万美元。", "zh", "number lost"),
        ("How old is she today?", "How old is she today?", "es", "other language"),
        ("How old is she today?", "I am sorry, but I cannot do that.", "es", "other language"),
        ("How old is she today?", "她今天多大了？", "ja", "other language"),
        ("Paris", "Paris", "es", None),
        ("How old is she?", "  ", "es", "empty"),
    ],
)
def test_numbers_must_be_kept(checked, original, translated, lang, reason):
    (translation,) = checked([original], translated, lang)
    assert (translation.reason, translation.text is None) == (reason, reason is not None)


def test_what_is_good_comes_back_as_it_is(checked):
    assert checked(["Hi 5", "Hey 5"], " Hola 5 ", "es") == [Translation(text="Hola 5")] * 2
