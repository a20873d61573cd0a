"""Pure underwriting: may this risk be offered, and what does the insurer's guideline say to these answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, TypeAdapter

from marketplace.catalog.values import (
    Allowed,
    Exclusion,
    Factor,
    GuidelineRule,
    Outcome,
    ProductContent,
    Risk,
    Scalar,
)
from marketplace.kernel.canonical import digest
from marketplace.kernel.text import LocalizedText
from marketplace.underwriting.values import AnswersIncomplete, Decision, Eligible, Ineligible, Reason, Terms

# How rows are combined. A new way gets a new name, because it is part of the hash of every decision.
COMBINATION = "gravest-outcome-loads-add-1"
_GRAVITY = tuple(Outcome)
_FORMAT = "evenfold-decision/1"
# What does not fit is not repeated in the error, and so in no log.
_EXCLUSIONS = TypeAdapter[tuple[Exclusion, ...] | None](
    tuple[Exclusion, ...] | None, config=ConfigDict(hide_input_in_errors=True)
)


def assess_eligibility(content: ProductContent, risk: Risk) -> Eligible | Ineligible:
    """Whether the insurer offers this product for `risk` (complete, as `LineDefinition.risk` gives it).

    The first factor of the line that is not insured decides, then the limits over several factors, then the law's limit
    on what the death of a child may pay.
    """
    accepted = content.accepted
    for factor in content.definition.factors:
        allowed = accepted.get(factor.name)
        if allowed is not None and not allowed.includes(risk[factor.name]):
            insures = factor.name != content.definition.frequency_factor
            return Ineligible(factor.name, _why_not(factor, allowed, risk[factor.name], insures=insures))
    for limit in content.limits:
        if not limit.includes(risk):
            return Ineligible(limit.factors[0], limit.reason)
    if (factors := content.death_cover_of_children) is not None:
        age, sum_insured = (int(risk[name]) for name in factors)
        most = content.most_on_death(age)
        if most is not None and sum_insured > most:
            return Ineligible(factors[1], _child_limit(age, most))
    return Eligible()


def assess_answers(guideline: Sequence[GuidelineRule], answers: Mapping[str, bool], today: date) -> Decision:
    """The gravest outcome among all answers; each one that is not an acceptance is a reason. Extra premiums add up,
    exclusions are collected (each once), and the longest postponement counts, from `today`.

    Raises AnswersIncomplete unless exactly the questions of the guideline are answered.
    """
    asked = [rule.question_id for rule in guideline]
    if odd := (*(id_ for id_ in asked if id_ not in answers), *(id_ for id_ in answers if id_ not in asked)):
        raise AnswersIncomplete(odd)
    outcomes = {rule.question_id: rule.on_yes if answers[rule.question_id] else rule.on_no for rule in guideline}
    reasons = tuple(
        Reason(rule.question_id, answers[rule.question_id], outcomes[rule.question_id], rule.reason, rule.reason_code)
        for rule in guideline
        if outcomes[rule.question_id] is not Outcome.ACCEPT
    )
    gravest = max(outcomes.values(), key=_GRAVITY.index, default=Outcome.ACCEPT)
    return Decision(gravest, reasons, guideline_sha256(guideline), _terms(guideline, outcomes, gravest, today))


def _terms(guideline: Sequence[GuidelineRule], outcomes: Mapping[str, Outcome], gravest: Outcome, today: date) -> Terms:
    """Nothing is changed about what is not accepted at all; of a referral they are what a person begins with."""
    if gravest is Outcome.DECLINE:
        return Terms()
    if gravest is Outcome.POSTPONE:
        days = [rule.postpone_days or 0 for rule in guideline if outcomes[rule.question_id] is Outcome.POSTPONE]
        return Terms(until=today + timedelta(days=max(days)))
    loadings = [rule.loading for rule in guideline if outcomes[rule.question_id] is Outcome.LOAD]
    exclusions = [rule.exclusion for rule in guideline if outcomes[rule.question_id] is Outcome.EXCLUDE]
    return Terms(
        tuple(each for each in loadings if each is not None),
        tuple({each.code: each for each in exclusions if each is not None}.values()),
    )


def guideline_sha256(guideline: Sequence[GuidelineRule]) -> str:
    """SHA-256 (hex) of the guideline's rows in order and of the way they are combined."""
    rows = [
        [
            rule.question_id,
            rule.on_yes,
            rule.on_no,
            rule.reason and rule.reason.to_json(),
            rule.loading and str(rule.loading),
            rule.exclusion and rule.exclusion.code,
            rule.postpone_days,
            rule.reason_code,
        ]
        for rule in guideline
    ]
    return digest({"combination": COMBINATION, "rows": rows})


def reasons_json(made: Decision) -> list[dict[str, Any]]:
    return [
        {
            "question_id": reason.question_id,
            "answer": reason.answer,
            "outcome": reason.outcome.value,
            "words": reason.words and reason.words.to_json(),
            "code": reason.code,
        }
        for reason in made.reasons
    ]


def terms_json(made: Decision, salt: str) -> dict[str, Any]:
    """With a salt of its own: the hash of the decision is written where few may read the decision."""
    return {
        "salt": salt,
        "loadings": [str(each) for each in made.terms.loadings],
        "exclusions": _EXCLUSIONS.dump_python(made.terms.exclusions, mode="json"),
        "until": made.terms.until and made.terms.until.isoformat(),
        "code": made.code and made.code.value,
        "words": made.words,
    }


def exclusions_of(kept: Sequence[Any]) -> tuple[Exclusion, ...]:
    """The exclusions of a decision as they were kept."""
    return _EXCLUSIONS.validate_python(kept) or ()


def decision_sha256(
    application_id: UUID, number: int, made: Decision, terms: Mapping[str, Any], decided_by: str
) -> str:
    """SHA-256 (hex) of the canonical bytes of everything a decision says."""
    return digest(
        {
            "format": _FORMAT,
            "application_id": str(application_id),
            "number": number,
            "outcome": made.outcome.value,
            "reasons": reasons_json(made),
            "rule_sha256": made.rule_sha256,
            "terms": dict(terms),
            "decided_by": decided_by,
        }
    )


def _why_not(factor: Factor, allowed: Allowed, given: Scalar, *, insures: bool) -> LocalizedText:
    """Such as `Age: insured from 18 to 50 years, asked for 61`; how often is paid is nothing that is insured."""
    words = factor.words(given)
    range_ = _range(factor, allowed)
    said_en, said_zh = (f"insured {range_.en}", f"承保{range_.in_('zh')}") if insures else (range_.en, range_.in_("zh"))
    asked_zh = f"{factor.label.in_('zh')}：{said_zh}，您选择的是{words.in_('zh')}"
    return LocalizedText(f"{factor.label.en}: {said_en}, asked for {words.en}", asked_zh)


def _child_limit(age: int, most: int) -> LocalizedText:
    return LocalizedText(
        f"The law lets at most ¥{most:,} be paid on the death of a child of {age}.",
        f"依监管规定，{age}周岁的被保险人，身故保险金额不得超过¥{most:,}。",
    )


def _range(factor: Factor, allowed: Allowed) -> LocalizedText:
    if allowed.values:
        labels = [factor.words(value) for value in allowed.values]
        return LocalizedText(
            "only " + ", ".join(label.en for label in labels), "仅限" + "、".join(label.in_("zh") for label in labels)
        )
    low, high = (None if bound is None else factor.words(bound) for bound in (allowed.min, allowed.max))
    unit_en = f" {factor.unit.en}" if factor.unit else ""
    unit_zh = factor.unit.in_("zh") if factor.unit else ""
    if low and high:
        return LocalizedText(f"from {low.en} to {high.en}{unit_en}", f"{low.in_('zh')}至{high.in_('zh')}{unit_zh}")
    if low:
        return LocalizedText(f"from {low.en}{unit_en}", f"{low.in_('zh')}{unit_zh}起")
    if high:
        return LocalizedText(f"up to {high.en}{unit_en}", f"至{high.in_('zh')}{unit_zh}")
    raise ValueError(f"{factor.name}: an eligibility without values and bounds refuses nothing")
