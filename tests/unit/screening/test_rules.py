"""The declared rules, each tried by its own examples of both kinds; and who may decide what."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest

from marketplace.kernel.transitions import TransitionRefused
from marketplace.screening import rules
from marketplace.screening.values import RULES, CaseState, Decision, Finding, Rule, RuleCode, Trace, TraceKind

NOW = datetime(2026, 11, 30, 4, tzinfo=UTC)
SPACE = UUID(int=7)
EXAMPLES = [(rule, number) for rule in RULES.values() for number in range(len(rule.examples))]


def a_trace(number: int, told: Mapping[str, Any]) -> Trace:
    words = {"kind": "applied", "person": "p", "insured": told.get("person", "i"), "insurer": "x"} | told
    return Trace(
        kind=TraceKind(words["kind"]),
        application_id=uuid5(SPACE, f"application {number}"),
        insurer_id=uuid5(SPACE, words["insurer"]),
        person=words["person"],
        insured=words["insured"],
        at=NOW - timedelta(days=words.get("day", 0)),
        currency="CNY",
        death_minor=words.get("death", 0) * 100,
        premium_minor=words.get("premium", 0) * 100,
        sum_minor=words.get("sum", 0) * 100,
        answers=words.get("answers", {}),
        instrument=words.get("instrument"),
        payer_fits=words.get("payer_fits"),
    )


def found(rule: Rule, traces: tuple[Mapping[str, Any], ...]) -> list[Finding]:
    *before, new = (a_trace(number, told) for number, told in enumerate(traces))
    return [each for each in rules.found_in(new, before) if each.rule is rule.code]


@pytest.mark.requirement("O13-44")
@pytest.mark.parametrize(("rule", "number"), EXAMPLES, ids=[f"{rule.code}-{number}" for rule, number in EXAMPLES])
def test_a_rule_finds_what_its_examples_say_and_no_more(rule: Rule, number: int) -> None:
    example = rule.examples[number]
    seen = found(rule, example.traces)
    assert bool(seen) is example.found
    for each in seen:
        assert len(each.application_ids) == len(example.traces), "every application of the pattern is named"


@pytest.mark.requirement("O13-44")
def test_every_rule_of_patterns_has_examples_of_both_kinds_and_words_in_both_languages() -> None:
    assert set(RULES) == set(RuleCode)
    for rule in RULES.values():
        assert rule.version >= 1
        assert rule.hours > 0
        assert rule.title.zh
        assert rule.why.zh
        if rule.code is not RuleCode.LIST_MATCH:
            assert {each.found for each in rule.examples} == {True, False}, rule.code
    assert {rule.code for rule in RULES.values() if rule.holds} == {RuleCode.LIST_MATCH}


def test_sums_of_different_currencies_are_not_added() -> None:
    one = a_trace(0, {"insured": "a", "insurer": "x", "death": 2_000_000})
    other = a_trace(1, {"insured": "a", "insurer": "y", "death": 2_000_000})
    euros = Trace(**{name: getattr(other, name) for name in Trace.__slots__} | {"currency": "EUR"})
    assert [each.rule for each in rules.found_in(other, [one])] == [RuleCode.DEATH_COVER]
    assert list(rules.found_in(euros, [one])) == []


def test_one_contract_given_back_in_parts_is_one() -> None:
    back = a_trace(0, {"kind": "refunded", "person": "a"})
    assert list(rules.found_in(back, [back, back, back])) == []


@pytest.mark.parametrize("decision", list(Decision))
def test_what_is_decided_is_not_decided_again(decision: Decision) -> None:
    with pytest.raises(TransitionRefused):
        rules.CASES.next(CaseState.CLOSED, decision)
    assert rules.needs_second(decision) is (decision is not Decision.CLEARED)
