"""What the pages about insurers share: the words of what is known of them, and of where they may sell."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import ApplicantState, FactKind, Insurer, InsurerFact, NewInsurer, Payee, Profile
from marketplace.catalog.values import LINES
from marketplace.infra.formatting import current_locale, format_number, ngettext
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.kernel.text import LocalizedText
from marketplace.quoting.values import Need

KINDS: dict[FactKind, str] = {
    FactKind.REGULATOR: _l("Regulator"),
    FactKind.ADDRESS: _l("Address"),
    FactKind.BRANCHES: _l("Where it has branches"),
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
ABOUT = (FactKind.REGULATOR, FactKind.ADDRESS, FactKind.BRANCHES, FactKind.SOLVENCY_RATIO)
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
    if fact.kind is FactKind.BRANCHES:
        return _named(codes_in(fact.words.en if fact.words else ""))
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
    return tuple(map(_region, insurer.regions))


def codes_in(text: str) -> tuple[str, ...]:
    """The codes of regions in a text, a comma between."""
    return tuple(code for part in text.replace("，", ",").split(",") if (code := part.strip()))


@dataclass(frozen=True, slots=True)
class BranchNote:
    """What is said of an insurer's branches beside its product; `warns` where it has none in the customer's region."""

    words: str
    warns: bool


def branch_note(insurer: Insurer, region: str | None) -> BranchNote | None:
    """Whether service may fall short where the customer is (Order 2020 No. 13, articles 14(5) and 17(1)): `region` as
    far as it was told. None where the insurer has a branch there.
    """
    fact = accounts.latest_fact(insurer.id, FactKind.BRANCHES)
    branches = codes_in(fact.words.en) if fact is not None and fact.words else ()
    if region is not None and region in branches:
        return None
    if not branches:
        return BranchNote(
            _("Where this insurer has branches was not told us. Where it has none, service may fall short."), warns=True
        )
    places = _named(branches)
    if region is None:
        return BranchNote(
            _("This insurer has branches in: %(places)s. Elsewhere, service may fall short.", places=places),
            warns=False,
        )
    return BranchNote(
        _(
            "This insurer has no branch in %(region)s, so service there may fall short. "
            "It has branches in: %(places)s.",
            region=_region(region),
            places=places,
        ),
        warns=True,
    )


def region_told(need: Need) -> str | None:
    """The region a comparison was asked for, unless it was assumed or the line asks for none."""
    region = need.told.get("region")
    return None if region is None else str(region)


def _named(codes: Iterable[str]) -> str:
    return _(", ").join(map(_region, codes))


def _region(code: str) -> str:
    known = _regions()
    return known[code].in_(current_locale()) if code in known else code


def region_codes() -> frozenset[str]:
    """The codes by which regions are named."""
    return frozenset(_regions())


@cache
def _regions() -> dict[str, LocalizedText]:
    factors = (factor for line in LINES.values() for factor in line.factors if factor.name == "region")
    return {str(choice.value): choice.label for factor in factors for choice in factor.choices}
