"""Pure decisions about insurers as parties: what may be said of them, their papers, terms, keys, how they are paid."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from marketplace.accounts.values import (
    ApplicantEvent,
    ApplicantState,
    CommissionTerm,
    FactKind,
    Fault,
    NewFact,
    NewTerm,
    PayeeState,
)
from marketplace.kernel.transitions import Table

# The most that each figure can be: per cent of what the regulator asks for, per cent of claims, days, complaints for
# each thousand policies.
FIGURES: Mapping[FactKind, Decimal] = {
    FactKind.SOLVENCY_RATIO: Decimal(10_000),
    FactKind.CLAIMS_PAID: Decimal(100),
    FactKind.DAYS_TO_DECIDE: Decimal(3_650),
    FactKind.COMPLAINTS: Decimal(1_000),
}
_DIGITS_OF_A_FIGURE = 3
LONGEST_KEY_NAME = 60
MOST_KEYS = 20
MOST_KEY_DAYS = 365
KEY_PREFIX_LENGTH = 8
KEY_SEEN_AT_MOST_EVERY = timedelta(minutes=1)


def fact_faults(new: NewFact, today: date) -> dict[str, Fault]:
    """By field: a figure that cannot be, words where a figure belongs or the reverse, no source, a day to come."""
    most = FIGURES.get(new.kind)
    found: dict[str, Fault] = {}
    if most is None and new.figure is not None:
        found["figure"] = Fault.FACT_WORDS
    if most is not None and new.words is not None:
        found["words"] = Fault.FACT_WORDS
    if most is not None and new.figure is not None and not _may_be(new.figure, most):
        found["figure"] = Fault.FACT_FIGURE
    if not new.source.en.strip():
        found["source"] = Fault.FACT_SOURCE
    if new.as_of > today:
        found["as_of"] = Fault.FACT_AHEAD
    return found


def _may_be(figure: Decimal, most: Decimal) -> bool:
    return figure.is_finite() and 0 <= figure <= most and figure == round(figure, _DIGITS_OF_A_FIGURE)


def key_faults(name: str, days: int) -> dict[str, Fault]:
    """By field: a key without a name, or one that works for no day or for more than a year."""
    fits = {
        "name": (Fault.KEY_NAME, 0 < len(name.strip()) <= LONGEST_KEY_NAME),
        "days": (Fault.KEY_DAYS, 1 <= days <= MOST_KEY_DAYS),
    }
    return {field: fault for field, (fault, good) in fits.items() if not good}


MOST_PAPERS = 2
LARGEST_PAPER = 3 * 2**20
_PDF = b"%PDF-"

_UNPROVEN = "its address was not proven yet"
_DECIDED = "it was decided already"
_PROVEN = "its address was proven already"
APPLICANTS: Table[ApplicantState, ApplicantEvent] = Table(
    ApplicantState,
    ApplicantEvent,
    {
        (ApplicantState.UNCONFIRMED, ApplicantEvent.CONFIRM): ApplicantState.WAITING,
        (ApplicantState.UNCONFIRMED, ApplicantEvent.APPROVE): _UNPROVEN,
        (ApplicantState.UNCONFIRMED, ApplicantEvent.REJECT): _UNPROVEN,
        (ApplicantState.WAITING, ApplicantEvent.CONFIRM): _PROVEN,
        (ApplicantState.WAITING, ApplicantEvent.APPROVE): ApplicantState.HALF_APPROVED,
        (ApplicantState.WAITING, ApplicantEvent.REJECT): ApplicantState.REJECTED,
        (ApplicantState.HALF_APPROVED, ApplicantEvent.CONFIRM): _PROVEN,
        (ApplicantState.HALF_APPROVED, ApplicantEvent.APPROVE): ApplicantState.APPROVED,
        (ApplicantState.HALF_APPROVED, ApplicantEvent.REJECT): ApplicantState.REJECTED,
        (ApplicantState.APPROVED, ApplicantEvent.CONFIRM): _PROVEN,
        (ApplicantState.APPROVED, ApplicantEvent.APPROVE): _DECIDED,
        (ApplicantState.APPROVED, ApplicantEvent.REJECT): _DECIDED,
        (ApplicantState.REJECTED, ApplicantEvent.CONFIRM): _PROVEN,
        (ApplicantState.REJECTED, ApplicantEvent.APPROVE): _DECIDED,
        (ApplicantState.REJECTED, ApplicantEvent.REJECT): _DECIDED,
    },
)


def paper_faults(papers: tuple[tuple[str, bytes], ...]) -> dict[str, Fault]:
    """By field: no licence at all, or something that is no PDF of a size that a person reads."""
    if not papers:
        return {"licence": Fault.PAPERS_MISSING}
    fit = all(data.startswith(_PDF) and len(data) <= LARGEST_PAPER for _name, data in papers)
    return {} if fit and len(papers) <= MOST_PAPERS else {"licence": Fault.PAPERS_UNFIT}


INVITATION_LASTS = timedelta(days=7)

WHOLE = 10_000
"""Basis points of the whole premium."""


def term_faults(new: NewTerm, today: date) -> dict[str, Fault]:
    """By field: more than the whole premium, or a day that has passed."""
    fits = {
        "basis_points": (Fault.TERM_SHARE, 0 <= new.basis_points <= WHOLE),
        "effective_from": (Fault.TERM_PAST, new.effective_from >= today),
    }
    return {field: fault for field, (fault, good) in fits.items() if not good}


def in_force(terms: Iterable[CommissionTerm], day: date) -> tuple[CommissionTerm, ...]:
    """The accepted terms of each insurer and line that began last by this day, by line."""
    latest: dict[tuple[UUID, str], CommissionTerm] = {}
    for term in sorted(terms, key=lambda each: each.effective_from):
        if term.accepted_at is not None and term.effective_from <= day:
            latest[term.insurer_id, term.line] = term
    return tuple(sorted(latest.values(), key=lambda each: (each.line, each.insurer_id)))


# Stripe forgets idempotency keys after 24 hours at the earliest; long before that we look before we ask again.
PAYEE_KEY_TRUSTED_FOR = timedelta(hours=20)
_BEING_LOOKED_AT = {None, "requirements.pending_verification", "under_review"}


def payee_state(*, works: bool, given: bool, disabled_reason: str | None) -> PayeeState:
    """How an account at Stripe stands. `works`: it is charged for and paid out; `given`: its people were through
    Stripe's pages (docs.stripe.com/connect/handling-api-verification).
    """
    if works:
        return PayeeState.READY
    if not given:
        return PayeeState.BEGUN
    return PayeeState.CHECKING if disabled_reason in _BEING_LOOKED_AT else PayeeState.RESTRICTED
