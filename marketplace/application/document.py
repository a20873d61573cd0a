"""What an applicant is told of how an insurance fits what they need, in both languages: each point that speaks against
it, and the statement of demands and needs, which becomes part of the contract (IDD article 20(1), ICOBS 5.2).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from marketplace.application.values import STATEMENT_FORMAT, Circumstance, Misfit, Warned
from marketplace.infra.formatting import LOCALES, format_day, format_money, use_locale
from marketplace.infra.formatting import gettext as _
from marketplace.kernel.money import Money, minor_digits
from marketplace.kernel.text import LocalizedText
from marketplace.needs import queries as needs
from marketplace.needs.values import CURRENCY, PlannedPart
from marketplace.quoting import queries as quoting
from marketplace.quoting.values import Fit, OfferView

Say = Callable[[str], str]
"""Says something in one of the languages, which it is given."""


def misfit(kind: Warned, need: str | None, offer: OfferView, part: PlannedPart | None) -> Misfit:
    """One point that speaks against the offer, in words."""
    return Misfit(kind, _both(lambda locale: _against(kind, need, offer, part, locale)), need)


def _against(kind: Warned, need: str | None, offer: OfferView, part: PlannedPart | None, locale: str) -> str:
    content = offer.version.content
    match kind:
        case Warned.NEED_NOT_MET:
            (stated,) = content.definition.needs([str(need)])
            return _("You said that you need: %(need)s. This product does not do that.", need=stated.label.in_(locale))
        case Warned.SHORT_OF_PLAN if part is not None:
            return _(
                "By your plan you need %(needed)s; this insurance covers %(covered)s of it. The rest stays open.",
                needed=_yuan(part.need.amount),
                covered=_yuan(part.amount),
            )
        case Warned.COVERED_ALREADY if content.definition.death_factor is not None:
            return _(
                "There is insurance of this kind already. Both would pay. Ask yourself whether the sum of both is needed, and whether you can go on paying for both."  # noqa: E501
            )
        case Warned.COVERED_ALREADY:
            return _(
                "There is insurance of this kind already. Where insurance pays back costs or a damage, the same loss is paid once only: the second premium may buy nothing."  # noqa: E501
            )
        case Warned.OVER_BUDGET:
            return _("All parts of your plan together cost more than the budget that you named.")
        case Warned.NOT_MEANT_FOR if content.target_market is not None:
            whom = content.target_market.in_(locale)
            return _("You said that you are not among those for whom this product is made: %(whom)s", whom=whom)
        case _:
            return _(
                "All your insurance together would cost more than %(percent)s per cent of what your household earns in a year. If you cannot pay a later premium, the cover ends, and little or nothing of what you paid comes back.",  # noqa: E501
                percent=needs.declared().most_of_income_percent,
            )


def statement(
    offer: OfferView,
    told: Mapping[str, bool],
    part: PlannedPart | None,
    misfits: Sequence[Misfit],
    stated_on: date,
) -> dict[str, Any]:
    """The statement in plain JSON: `paragraphs` are what is read on page and paper, the rest is for machines."""
    definition, need = offer.version.content.definition, offer.need
    labels = {each.code: each.label for each in definition.needs(offer.fits)}
    return {
        "format": STATEMENT_FORMAT,
        "stated_on": stated_on.isoformat(),
        "line": need.line.value,
        "comparison": need.reference,
        "needs": [
            {"code": code, "label": labels[code].to_json(), "fit": fit.value} for code, fit in offer.fits.items()
        ],
        "circumstances": dict(told),
        "plan": None if part is None else _plan(part),
        "proposed": {
            "ranking_rule": need.ranking_rule,
            "place": offer.place,
            "offered": need.panel.offered,
            "products": need.panel.products,
            "insurers": need.panel.insurers,
        },
        "advice": False,
        "misfits": [{"kind": each.kind.value, "need": each.need, "words": each.words.to_json()} for each in misfits],
        "paragraphs": [each.to_json() for each in _paragraphs(offer, told, part, misfits, stated_on)],
    }


def _plan(part: PlannedPart) -> dict[str, Any]:
    """What of the plan this contract is for; what the household earns and owes stays with the plan."""
    return {
        "reference": part.scheme,
        "rule": part.rule,
        "kind": part.need.kind.value,
        "needed": part.need.amount,
        "covered": part.amount,
        "currency": CURRENCY,
        "taken_instead": part.chosen,
    }


def _paragraphs(
    offer: OfferView,
    told: Mapping[str, bool],
    part: PlannedPart | None,
    misfits: Sequence[Misfit],
    stated_on: date,
) -> Iterator[LocalizedText]:
    yield _both(lambda locale: _needed(offer, part, locale))
    if told:
        yield _both(lambda locale: _run_on(_told(told), locale))
    yield _both(lambda _locale: _why(offer, part))
    yield _both(
        lambda _locale: _("We gave no personal recommendation. Whether to take out this insurance was your decision.")
    )
    if misfits:
        yield _both(
            lambda locale: _run_on(
                (
                    _("You went on of your own will, although you had been told:"),
                    *(each.words.in_(locale) for each in misfits),
                ),
                locale,
            )
        )
    yield _both(lambda _locale: _("Stated on %(day)s.", day=format_day(stated_on)))


def _needed(offer: OfferView, part: PlannedPart | None, locale: str) -> str:
    definition = offer.version.content.definition
    line = definition.name.in_(locale)
    said = [_("You asked for %(line)s.", line=line)]
    if part is not None:
        said.append(_of_plan(part))
    fits = {
        Fit.MET: _("this product does it"),
        Fit.NOT_MET: _("this product does not do it"),
        Fit.UNKNOWN: _("the product does not say whether it does it"),
    }
    labels = {each.code: each.label.in_(locale) for each in definition.needs(offer.fits)}
    if labels:
        said.append(_("You said what it should do:"))
        each_fit = ((labels[code], fits[fit]) for code, fit in offer.fits.items())
        said += [_("%(need)s (%(fit)s).", need=label, fit=fit) for label, fit in each_fit]
    elif part is None:
        said.append(_("You stated nothing else that it should do."))
    return _run_on(said, locale)


def _of_plan(part: PlannedPart) -> str:
    if not part.need.amount:
        return _("Your plan %(plan)s says that you need it.", plan=part.scheme)
    return _(
        "Your plan %(plan)s says that you need %(needed)s; this insurance covers %(covered)s.",
        plan=part.scheme,
        needed=_yuan(part.need.amount),
        covered=_yuan(part.amount),
    )


def _told(told: Mapping[str, bool]) -> Iterator[str]:
    said = {
        Circumstance.COVERED_ALREADY: (
            _("There is no other insurance of this kind."),
            _("There is insurance of this kind already."),
        ),
        Circumstance.COSTS_TOO_MUCH: (
            _("What all insurance costs is within the means of the household."),
            _("What all insurance costs is more than the household should spend on it."),
        ),
        Circumstance.MEANT_FOR_ME: (
            _("You are not among those for whom the product is made."),
            _("You are among those for whom the product is made."),
        ),
    }
    yield _("You told us:")
    yield from (said[Circumstance(name)][answer] for name, answer in told.items())


def _why(offer: OfferView, part: PlannedPart | None) -> str:
    if part is not None and part.chosen:
        return _("You took this product in place of the one that the rule of the plan had found.")
    if part is not None:
        return _(
            "By the declared rule of the plan it is the product that covers the need at the lowest cost in the first year."  # noqa: E501
        )
    panel = offer.need.panel
    return _(
        "Of %(products)s products of %(insurers)s insurers, %(offered)s were offered for your answers. This one stood at place %(place)s. %(order)s You chose it yourself.",  # noqa: E501
        products=panel.products,
        insurers=panel.insurers,
        offered=panel.offered,
        place=offer.place,
        order=quoting.ranking_rule(offer.need.ranking_rule).sentence,
    )


def _run_on(sentences: Iterable[str], locale: str) -> str:
    """Sentences one after the other; Chinese ones have no blank between them."""
    return ("" if locale.startswith("zh") else " ").join(sentences)


def _yuan(amount: int) -> str:
    return format_money(Money(amount * 10 ** minor_digits(CURRENCY), CURRENCY)).removesuffix(".00")


def _both(say: Say) -> LocalizedText:
    said = []
    for locale in LOCALES:
        with use_locale(locale):
            said.append(say(locale))
    return LocalizedText(*said)
