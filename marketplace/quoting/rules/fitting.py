"""Whether a product does what a customer stated as a need (UK-12, EU-03: what it lacks is said beside the price).

A need is met when the content says so, not met when the content says otherwise, and not known where it does not say.
"""

from collections.abc import Iterator

from marketplace.catalog.values import Cover, ProductContent, Risk, StatedNeed
from marketplace.kernel.money import minor_digits
from marketplace.quoting.values import Fit


def fit_of(need: StatedNeed, content: ProductContent, risk: Risk) -> Fit:
    """The least of what the conditions of the need come to."""
    found = set(_conditions(need, content, risk))
    return next((fit for fit in (Fit.NOT_MET, Fit.UNKNOWN) if fit in found), Fit.MET)


def _conditions(need: StatedNeed, content: ProductContent, risk: Risk) -> Iterator[Fit]:
    facts = content.key_facts
    if need.cover is not None:
        yield from _of_cover(need, content, risk)
    if need.not_excluded:
        yield _of_exclusions(need.not_excluded, content)
    if need.waiting_at_most is not None:
        yield Fit.UNKNOWN if facts.waiting_days is None else _fit(facts.waiting_days <= need.waiting_at_most)
    if need.cooling_off_at_least is not None:
        days = facts.cooling_off_days
        yield Fit.UNKNOWN if days is None else _fit(days >= need.cooling_off_at_least)
    if need.renewal_guaranteed:
        yield Fit.UNKNOWN if facts.renewal is None else _fit(facts.renewal_guaranteed)


def _of_cover(need: StatedNeed, content: ProductContent, risk: Risk) -> Iterator[Fit]:
    cover = next((each for each in content.covers if each.code == need.cover), None)
    if cover is None:
        known = content.definition.stated.covers
        yield Fit.NOT_MET if content.covers and all(each.code in known for each in content.covers) else Fit.UNKNOWN
        return
    if cover.optional:
        yield Fit.UNKNOWN
    if need.at_least is not None:
        pays = _pays_at_most(cover, content.currency, risk)
        yield Fit.UNKNOWN if pays is None else _fit(pays >= need.at_least)
    if need.nothing_borne:
        yield _fit(cover.deductible is None)


def _pays_at_most(cover: Cover, currency: str, risk: Risk) -> int | None:
    """Whole units of the currency, or None where the limit is in words only."""
    if cover.limit_factor is not None:
        return int(risk[cover.limit_factor])
    return None if cover.limit_minor is None else cover.limit_minor // 10 ** minor_digits(currency)


def _of_exclusions(codes: tuple[str, ...], content: ProductContent) -> Fit:
    excluded = {each.code for each in content.exclusions}
    if excluded & set(codes):
        return Fit.NOT_MET
    return Fit.MET if excluded and excluded <= content.definition.stated.exclusions else Fit.UNKNOWN


def _fit(holds: bool) -> Fit:  # noqa: FBT001  the one question it answers
    return Fit.MET if holds else Fit.NOT_MET
