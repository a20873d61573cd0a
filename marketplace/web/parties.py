"""What the pages about insurers share: the words of what is known of them, and of where they may sell."""

from dataclasses import dataclass
from functools import cache

from marketplace.accounts.values import ApplicantState, FactKind, Insurer, InsurerFact, NewInsurer, Payee, Profile
from marketplace.catalog.values import LINES
from marketplace.infra.formatting import current_locale, format_number, ngettext
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.kernel.text import LocalizedText

KINDS: dict[FactKind, str] = {
    FactKind.REGULATOR: _l("Regulator"),
    FactKind.ADDRESS: _l("Address"),
    FactKind.CONTACT: _l("How and when it can be reached"),
    FactKind.COMPLAINTS_CHANNEL: _l("Where to complain"),
    FactKind.SOLVENCY_RATIO: _l("Solvency ratio"),
    FactKind.CLAIMS_PAID: _l("Claims that were paid"),
    FactKind.DAYS_TO_DECIDE: _l("Days until a claim is decided"),
    FactKind.COMPLAINTS: _l("Complaints for each thousand policies"),
}
HINTS: dict[FactKind, str] = {
    FactKind.SOLVENCY_RATIO: _l("Its own funds as a share of what the regulator asks for."),
    FactKind.CLAIMS_PAID: _l("Of the claims decided in the period, the share that was paid at least in part."),
    FactKind.DAYS_TO_DECIDE: _l("Half of the claims were decided sooner, half later."),
    FactKind.COMPLAINTS: _l("Complaints to the regulator in the period."),
}
APPLICANT_STATES: dict[ApplicantState, tuple[str, str]] = {
    ApplicantState.UNCONFIRMED: (_l("not confirmed"), "plain"),
    ApplicantState.WAITING: (_l("waits for two approvals"), "warn"),
    ApplicantState.HALF_APPROVED: (_l("waits for the second approval"), "warn"),
    ApplicantState.APPROVED: (_l("approved"), ""),
    ApplicantState.REJECTED: (_l("rejected"), "bad"),
}
# What Stripe asks for, by how its name begins (docs.stripe.com/connect/required-verification-information).
DUE: dict[str, str] = {
    "external_account": _l("the bank account"),
    "tos_acceptance": _l("agreement to Stripe’s terms"),
    "business_profile": _l("what the company does and where its site is"),
    "business_type": _l("the kind of company"),
    "company": _l("details of the company"),
    "directors": _l("who directs the company"),
    "executives": _l("who directs the company"),
    "owners": _l("who owns the company"),
    "person": _l("details of people of the company"),
    "representative": _l("who speaks for the company"),
    "documents": _l("papers of the company"),
}
ABOUT = (FactKind.REGULATOR, FactKind.ADDRESS, FactKind.SOLVENCY_RATIO)
REACHED = (FactKind.CONTACT, FactKind.COMPLAINTS_CHANNEL)
WILL_THEY_PAY = (FactKind.CLAIMS_PAID, FactKind.DAYS_TO_DECIDE, FactKind.COMPLAINTS)


@dataclass(frozen=True, slots=True)
class ShownFact:
    """A kind of fact with its words and, where it is known, what it says."""

    name: str
    hint: str
    fact: InsurerFact | None
    said: str

    @property
    def known(self) -> bool:
        return self.fact is not None and self.fact.known


def shown(profile: Profile, kinds: tuple[FactKind, ...]) -> tuple[ShownFact, ...]:
    """These kinds, known or not, in this order."""
    return tuple(
        ShownFact(str(KINDS[kind]), str(HINTS.get(kind, "")), profile.get(kind), said(profile.get(kind)))
        for kind in kinds
    )


def said(fact: InsurerFact | None) -> str:
    """What a fact says, in the reader's language; empty where it is not known."""
    if fact is None or not fact.known:
        return ""
    if fact.figure is None:
        return fact.words.in_(current_locale()) if fact.words else ""
    number = format_number(fact.figure.normalize())
    if fact.kind is FactKind.DAYS_TO_DECIDE:
        plural = 1 if fact.figure == 1 else 2
        return ngettext("%(days)s day", "%(days)s days", plural, days=number)
    return number if fact.kind is FactKind.COMPLAINTS else _("%(number)s%%", number=number)


def due(payee: Payee | None) -> tuple[str, ...]:
    """What Stripe asks of an insurer now, in words, each once."""
    names = (name.partition(".")[0] for name in payee.due) if payee else ()
    return tuple(dict.fromkeys(str(DUE.get(name, _("something else; Stripe’s page says what"))) for name in names))


def regions_of(insurer: Insurer | NewInsurer) -> tuple[str, ...]:
    """Where the insurer may sell, in words; none means everywhere."""
    known = _regions()
    return tuple(known[code].in_(current_locale()) if code in known else code for code in insurer.regions)


def region_codes() -> frozenset[str]:
    """The codes by which regions are named."""
    return frozenset(_regions())


@cache
def _regions() -> dict[str, LocalizedText]:
    factors = (factor for line in LINES.values() for factor in line.factors if factor.name == "region")
    return {str(choice.value): choice.label for factor in factors for choice in factor.choices}
