"""What an insurer's product may not say is found wherever it stands, and what is no praise is left alone."""

from dataclasses import replace

import pytest

from marketplace.catalog.values import Line, ProductContent, unmet_demands
from marketplace.catalog.values.wording import WordingRule, banned_words, wording_rules
from marketplace.kernel.text import LocalizedText
from tests.unit.demo.test_catalogs import products

RULES = {rule.key: rule for rule in wording_rules()}


@pytest.fixture
def content() -> ProductContent:
    """A hospital product that is on sale in the demonstration."""
    return next(product.content for _, product in products().values() if product.content.line is Line.HOSPITAL)


@pytest.mark.requirement("O13-16", "O13-17", "SCM-03", "PER-01", "PER-04", "PER-07")
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_each_rule_finds_its_examples_and_leaves_the_others_alone(rule: WordingRule) -> None:
    assert rule.bad
    assert rule.good
    assert [said for said in rule.bad if rule.found_in(said) is None] == []
    assert [said for said in rule.good if rule.found_in(said) is not None] == []


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_each_phrase_of_a_rule_is_one_that_can_be_found(rule: WordingRule) -> None:
    """Small letters, no punctuation, # for numbers: otherwise it would never be met."""
    for phrase in (*rule.en, *rule.zh):
        assert rule.found_in(phrase.replace("#", "12")) is not None, phrase


@pytest.mark.requirement("O13-16", "PER-01")
def test_it_is_found_wherever_it_stands_and_said_with_its_place(content: ProductContent) -> None:
    praised = LocalizedText("The cheapest there is", "无")
    for name in ("marketing_name", "summary", "target_market", "not_for"):
        assert [path for path, _, _ in banned_words(replace(content, **{name: praised}))] == [name]
    facts = replace(content.key_facts, surrender=praised)
    covers = (replace(content.covers[0], pays=praised), *content.covers[1:])
    said = [
        (each.field, each.requirement, each.reason, each.found)
        for each in unmet_demands(replace(content, key_facts=facts, covers=covers))
    ]
    assert said == [
        ("covers.0.pays", "O13-16", "banned_words", "cheapest"),
        ("key_facts.surrender", "O13-16", "banned_words", "cheapest"),
    ]


@pytest.mark.requirement("PER-01")
def test_a_price_from_is_no_headline_of_health_insurance_and_may_be_of_other_lines(content: ProductContent) -> None:
    said = LocalizedText("Cover from ¥12.50 a month", "每月6元起")
    assert [rule.key for _, rule, _ in banned_words(replace(content, summary=said))] == ["price"]
    assert list(banned_words(replace(content, summary=said, line=Line.ACCIDENT))) == []
    limit = LocalizedText("up to 2 million a year", "最高200万元")
    covers = (replace(content.covers[0], limit=limit), *content.covers[1:])
    assert list(banned_words(replace(content, covers=covers))) == []


@pytest.mark.requirement("PER-07")
def test_no_question_asks_for_genes(content: ProductContent) -> None:
    asked = replace(content.questions[0], text=LocalizedText("Have you had a genetic test?", "您是否做过基因检测？"))
    found = [(path, rule.requirement) for path, rule, _ in banned_words(replace(content, questions=(asked,)))]
    assert found == [("questions.0.text", "PER-07")]


@pytest.mark.parametrize("code", sorted(products()))
def test_the_demonstration_says_none_of_it(code: str) -> None:
    assert list(banned_words(products()[code][1].content)) == []
