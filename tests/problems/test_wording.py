"""Words after numbers: a form for every CLDR plural category that the number can reach, or wording that has one form.

Enumerates every number of every valid draw of every family, in every language.
"""

import re
from collections import defaultdict
from decimal import Decimal
from functools import cache

import pytest
import yaml

from components.contracts import PipelineError
from components.problems.families import Wording, load_families, written_languages
from components.problems.shown import FIXED, Shown, in_native_digits, plural_category, show_number

FAMILIES = {family.name: family for family in load_families()}
PLACEHOLDER = re.compile(r"\{(\w+)(?::(\w+))?\}")
# What may follow a number without agreeing with it: an operator, a mark, the end, or a unit's percent sign.
NO_WORD = re.compile(r"[\s\u00a0\u202f]*([-+×÷=/%.,;:!?)।。，、？]|$)")


@cache
def reachable(family):
    """Every value of every number, over all draws."""
    values = defaultdict(set)
    for draw in FAMILIES[family].instances(17):
        for name, value in draw.items():
            values[name].add(value)
    return values


def categories(family, number, lang):
    return {plural_category(value, lang) for value in reachable(family)[number]}


def faults(family, wording, lang):
    """One line a number whose following word does not fit all its values."""
    for text in (wording.question, wording.working):
        for match in PLACEHOLDER.finditer(text):
            number, spec = match.groups()
            if number == "name" or spec == FIXED:
                continue
            needed = categories(family, number, lang)
            after = text[match.end() :]
            if spec is not None:
                if missing := needed - wording.forms[spec].keys():
                    yield f"{match[0]} has no {sorted(missing)}"
            elif len(needed) > 1 and not NO_WORD.match(after) and not is_form_of(number, after):
                yield f"{match[0]}{after[:12]}: a word that {sorted(needed)} may change"


def is_form_of(number, after):
    following = PLACEHOLDER.match(after.lstrip(" \u00a0"))
    return following is not None and following[1] == number and following[2] not in (None, FIXED)


@pytest.mark.parametrize("lang", written_languages(list(FAMILIES.values())))
@pytest.mark.parametrize("family", FAMILIES)
def test_every_word_fits_every_number(family, lang):
    assert list(faults(family, FAMILIES[family].wording(lang), lang)) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("few: яблока, ", "", "{a:apples} has no ['few']"),
        ("{a} {a:apples} утром", "{a} яблок утром", "{a} яблок утром"),
        ("{a} {a:apples} утром", "{a} {b:apples} утром", "{a} {b:apples} "),
    ],
)
def test_a_word_that_does_not_fit_is_found(old, new, fault):
    source = """
    forms: {apples: {one: яблоко, few: яблока, many: яблок}}
    question: "{name} собирает {a} {a:apples} утром и {b} {b:apples} вечером."
    working: "Всего {a} + {b} = {total} {total:apples}."
    """
    good = Wording.model_validate(yaml.safe_load(source))
    assert list(faults("change-add", good, "ru")) == []
    assert old in source
    bad = Wording.model_validate(yaml.safe_load(source.replace(old, new)))
    assert any(line.startswith(fault) for line in faults("change-add", bad, "ru"))


@pytest.mark.parametrize(
    ("value", "lang", "shown"),
    [
        ("2.5", "en", "2.5"),
        ("2.5", "de", "2,5"),
        ("2.50", "ru", "2,5"),
        ("1250", "en", "1,250"),
        ("1250", "de", "1.250"),
        ("1250", "fr", "1\u202f250"),
        ("1250", "ru", "1\u00a0250"),
        ("20", "bn", "20"),
    ],
)
def test_numbers_are_written_as_the_language_writes_them(value, lang, shown):
    assert show_number(Decimal(value), lang) == shown


@pytest.mark.parametrize(
    ("lang", "shown"),
    [("bn", "১/৪, ২.৫"), ("th", "๑/๔, ๒.๕"), ("te", "౧/౪, ౨.౫"), ("sw", "1/4, 2.5"), ("ja", "1/4, 2.5")],
)
def test_native_digits_are_the_languages_own_where_it_has_any(lang, shown):
    assert in_native_digits("1/4, 2.5", lang) == shown


@pytest.mark.parametrize(
    ("value", "form"), [("2", "яблока"), ("21", "яблоко"), ("5", "яблок"), ("12", "яблок"), ("20", "яблок")]
)
def test_forms_follow_the_number(value, form):
    forms = {"apples": {"one": "яблоко", "few": "яблока", "many": "яблок"}}
    assert f"{Shown(Decimal(value), 'ru', forms):apples}" == form


def test_missing_form_is_named():
    with pytest.raises(PipelineError, match=r"`forms\.apples` has no `other`, which 2\.5 needs"):
        format(Shown(Decimal("2.5"), "ru", {"apples": {"one": "яблоко"}}), "apples")
