"""What a customer wants to see of a frozen comparison, and in which order. The frozen order itself never changes."""

from collections.abc import Callable, Iterable

from marketplace.kernel.money import minor_digits
from marketplace.quoting.rules.fitting import fit_of
from marketplace.quoting.values import Choice, Fit, OfferView, Sort

# Beside equal ones, and for the disclosed order, the place in the frozen order decides. Amounts of different currencies
# are never compared: they stand in groups.
_KEYS: dict[Sort, Callable[[OfferView, str], tuple[object, ...]]] = {
    Sort.RANKED: lambda _offer, _locale: (),
    Sort.TOTAL: lambda offer, _locale: (offer.total.currency, offer.total.minor),
    Sort.PREMIUM: lambda offer, _locale: (offer.premium.currency, offer.premium.minor),
    Sort.NEEDS: lambda offer, _locale: (-offer.needs_met,),
    Sort.NAME: lambda offer, locale: (offer.version.content.name.in_(locale).casefold(),),
    Sort.CODE: lambda offer, _locale: (offer.version.content.code,),
}


def choose(offers: Iterable[OfferView], choice: Choice, locale: str) -> tuple[OfferView, ...]:
    """The offers that fit the choice in the order chosen; names are read as `locale` shows them."""
    key = _KEYS[choice.sort]
    return tuple(
        sorted((each for each in offers if _fits(each, choice)), key=lambda each: (key(each, locale), each.place))
    )


def _fits(offer: OfferView, choice: Choice) -> bool:
    content = offer.version.content
    if choice.insurer_id is not None and offer.insurer_id != choice.insurer_id:
        return False
    if choice.frequency is not None and offer.frequency is not choice.frequency:
        return False
    if choice.at_most is not None and offer.premium.minor > choice.at_most * 10 ** minor_digits(content.currency):
        return False
    return all(fit_of(need, content, offer.need.risk) is Fit.MET for need in choice.needs)
