"""Pure underwriting: may this risk be offered, and what does the insurer's guideline say to these answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from marketplace.catalog.values import (
    CHILDREN,
    Allowed,
    Factor,
    GuidelineRule,
    Outcome,
    ProductContent,
    Risk,
    Scalar,
)
from marketplace.kernel.canonical import digest
from marketplace.kernel.text import LocalizedText
from marketplace.underwriting.values import AnswersIncomplete, Decision, Eligible, Ineligible, Reason

if TYPE_CHECKING:
    from marketplace.catalog.values.columns import Columns, Mask

# How rows are combined. A new way gets a new name, because it is part of the hash of every decision.
COMBINATION = "gravest-outcome-1"
_GRAVITY = (Outcome.ACCEPT, Outcome.REFER, Outcome.DECLINE)


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


def eligible(content: ProductContent, columns: Columns) -> Mask:
    """For each of many risks whether `assess_eligibility` finds it eligible; no reason is put in words."""
    import numpy as np  # noqa: PLC0415  only jobs need it

    from marketplace.catalog.values.columns import numbers, size_of, where, within  # noqa: PLC0415  as above

    found = np.ones(size_of(next(iter(columns.values()))), np.bool_)
    for name, allowed in content.accepted.items():
        found &= where(columns[name], allowed.includes)
    for limit in content.limits:
        found &= within(limit, columns)
    if (factors := content.death_cover_of_children) is not None:
        age, sum_insured = (numbers(columns[name]) for name in factors)
        for below, most in CHILDREN:
            found &= (age >= below) | (sum_insured <= most)
    return found


def assess_answers(guideline: Sequence[GuidelineRule], answers: Mapping[str, bool]) -> Decision:
    """The gravest outcome among all answers; each one that is not an acceptance is a reason.

    Raises AnswersIncomplete unless exactly the questions of the guideline are answered.
    """
    asked = [rule.question_id for rule in guideline]
    if odd := (*(id_ for id_ in asked if id_ not in answers), *(id_ for id_ in answers if id_ not in asked)):
        raise AnswersIncomplete(odd)
    outcomes = {rule.question_id: rule.on_yes if answers[rule.question_id] else rule.on_no for rule in guideline}
    reasons = tuple(
        Reason(rule.question_id, answers[rule.question_id], outcomes[rule.question_id], rule.reason)
        for rule in guideline
        if outcomes[rule.question_id] is not Outcome.ACCEPT
    )
    gravest = max(outcomes.values(), key=_GRAVITY.index, default=Outcome.ACCEPT)
    return Decision(gravest, reasons, guideline_sha256(guideline))


def guideline_sha256(guideline: Sequence[GuidelineRule]) -> str:
    """SHA-256 (hex) of the guideline's rows in order and of the way they are combined."""
    rows = [[rule.question_id, rule.on_yes, rule.on_no, rule.reason and rule.reason.to_json()] for rule in guideline]
    return digest({"combination": COMBINATION, "rows": rows})


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
