"""Numbers and words as a text shows them: the language's decimal mark, plural forms and digits."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from babel import Locale, UnknownLocaleError
from babel.numbers import format_decimal, get_decimal_symbol

from components.contracts import PipelineError
from components.lang import language

FIXED = "fixed"
"""The format of a number whose following word has one form for all numbers."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A number in a template: `{a}` and `{a:fixed}` give the number, `{a:apples}` its form of the word `apples`."""

    value: Decimal
    lang: str
    forms: Mapping[str, Mapping[str, str]]

    def __format__(self, spec: str) -> str:
        if spec in ("", FIXED):
            return show_number(self.value, self.lang)
        category = plural_category(self.value, self.lang)
        try:
            return self.forms[spec][category]
        except KeyError:
            raise PipelineError(f"`forms.{spec}` has no `{category}`, which {self.value} needs") from None


@cache
def show_number(value: Decimal, lang: str) -> str:
    """A number as the language writes it (CLDR), without idle zeros."""
    return format_decimal(value, format="#,##0.##", locale=_locale(lang))


def decimal_mark(lang: str) -> str:
    """Between a number's whole part and its decimals (CLDR)."""
    return str(get_decimal_symbol(_locale(lang)))


def in_native_digits(text: str, lang: str) -> str:
    """The text with every ASCII digit in the language's own digits, where it has any."""
    own = language(lang).native_digits
    return text.translate(str.maketrans("0123456789", own)) if own else text


@cache
def plural_category(value: Decimal, lang: str) -> str:
    """The CLDR plural category of a number: zero, one, two, few, many or other."""
    return str(_locale(lang).plural_form(value.normalize()))


@cache
def _locale(lang: str) -> Locale:
    try:
        return Locale.parse(lang, sep="-")
    except (UnknownLocaleError, ValueError):
        message = (
            f"language `{lang}`: CLDR (babel) has no such code; numbers of built-in problems cannot be written in it"
        )
        raise PipelineError(message) from None
