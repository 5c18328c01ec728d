"""How much of a text is in a language: by script where a script decides, by statistics among Latin ones.

Only the table's languages are told apart: Ukrainian counts as Russian, Portuguese mostly as Spanish.
"""

import re
import unicodedata
from functools import cache

from lingua import Language, LanguageDetector, LanguageDetectorBuilder

from components.lang.table import language, languages

SCRIPTS = {
    "Latin": "A-Za-zªºÀ-ÖØ-öø-ɏḀ-ỿ",
    "Cyrillic": "Ѐ-ԯ",
    "Han": "々〇㐀-䶿一-鿿豈-﫿",
    "Kana": "ぁ-ゖゝ-ヿｦ-ﾟ",
    "Thai": "ก-๛",
    "Bengali": "ঀ-৿",
    "Telugu": "ఀ-౿",
}
_MIN_KANA = 0.1  # of Chinese characters and kana together; from here on the characters are Japanese
_MATHS = re.compile(r"\\[A-Za-z]+|\b[A-Za-z]\b")
_SENTENCE_END = re.compile(r"(?<=[.!?。！？।\n])\s*")
# Words with their vowel signs, which Python does not count as word characters.
_WORD = re.compile(r"(?:[^\W\d_]|[\u0300-\u036f\u0900-\u0dff\u0e00-\u0e7f])+")
_RUNS = {script: re.compile(f"[{ranges}]+") for script, ranges in SCRIPTS.items()}


def language_share(text: str, lang: str, ignore: str = "") -> float | None:
    """Share of the text's letters that are in `lang`, 0 to 1.

    Numbers, LaTeX commands and one-letter variables are left out, and so is every word that occurs in
    `ignore` (names from the prompt, say). A sentence in Latin letters counts whole, for its likeliest
    language. None where no letter is left to judge. Deterministic.

    Raises:
        PipelineError: `lang` is not in the table of languages.
    """
    script = language(lang).script
    ignored = {word.casefold() for word in _WORD.findall(unicodedata.normalize("NFC", ignore))}
    plain = _MATHS.sub(" ", unicodedata.normalize("NFC", text))
    sentences = [_words(sentence, ignored) for sentence in _SENTENCE_END.split(plain)]
    total = sum(_num_letters(sentence) for sentence in sentences)
    if total == 0:
        return None
    if script == "Latin":
        return sum(_num_latin_letters(sentence, lang) for sentence in sentences) / total
    return _num_script_letters(" ".join(sentences), script) / total


def _words(sentence: str, ignored: set[str]) -> str:
    return " ".join(word for word in _WORD.findall(sentence) if word.casefold() not in ignored)


def _num_letters(text: str) -> int:
    return sum(character.isalpha() for character in text)


def _num_script_letters(text: str, script: str) -> int:
    """Letters of a script. Chinese characters are Chinese or Japanese letters, by the kana among them."""
    if script not in ("Han", "Kana"):
        return _num_letters(_only(text, script))
    han, kana = _num_letters(_only(text, "Han")), _num_letters(_only(text, "Kana"))
    japanese = kana > 0 and kana >= _MIN_KANA * (han + kana)
    if script == "Kana":
        return han + kana if japanese else 0
    return 0 if japanese else han


def _num_latin_letters(sentence: str, lang: str) -> int:
    """Latin letters of a sentence whose likeliest language is `lang`, else 0."""
    latin = _only(sentence, "Latin")
    if not latin:
        return 0
    likeliest = _detector().detect_language_of(latin)
    return _num_letters(latin) if likeliest is not None and _code(likeliest) == lang else 0


def _only(text: str, script: str) -> str:
    return " ".join(_RUNS[script].findall(text))


@cache
def _detector() -> LanguageDetector:
    codes = [code for code, row in languages().items() if row.script == "Latin"]
    latin = [candidate for candidate in Language.all() if _code(candidate) in codes]
    return LanguageDetectorBuilder.from_languages(*latin).with_preloaded_language_models().build()


def _code(candidate: Language) -> str:
    return candidate.iso_code_639_1.name.lower()
