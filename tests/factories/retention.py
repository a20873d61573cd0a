"""Contracts that were applied for and concluded, of any length, and the days on which their records are looked at."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from marketplace.accounts.values import Account, Role
from marketplace.application import queries as applications_told
from marketplace.application import services as applications
from marketplace.catalog.values import EarlyEnd, Term, TermUnit
from marketplace.infra import jobs
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from marketplace.policy import services as policies
from marketplace.policy.values import Policy
from marketplace.privacy import services
from marketplace.privacy.values import Dispute, Hold, OpenHold
from marketplace.quoting.values import OfferView
from tests.factories.accounts import a_guest, a_member_of_staff, an_insurer
from tests.factories.checkout import an_accepted_application
from tests.factories.evidence import acting
from tests.factories.policy import a_contract, a_published_version
from tests.factories.quoting import an_offer

ONE_YEAR, TWO_YEARS = Term(TermUnit.YEAR, length=1), Term(TermUnit.YEAR, length=2)


@contextmanager
def on(day: date, at: time = time(12), zone: str = ZONE) -> Iterator[None]:
    """Both clocks at this time of the day."""
    with clock.frozen(datetime.combine(day, at, ZoneInfo(zone))):
        yield


def a_concluded_contract(
    account: Account | None = None, term: Term = ONE_YEAR, beside: Policy | None = None, **changes: Any
) -> Policy:
    """The contract of an application whose every step was taken, for a year from 1 March 2027 on; in the journey of the
    contract `beside`, if there is one. Commits.
    """
    account = account or a_guest("li.na@example.com")
    told = an_accepted_application(account, beside and an_offer_beside(beside))
    insurer = an_insurer(f"insurer-{told.reference.lower()}")
    version = a_published_version(insurer.id, term=term, early_end=EarlyEnd(of_unused="80"))
    parts = {"application_id": told.id, "journey_id": told.journey_id, "account_id": account.id}
    policy = policies.issue(a_contract(insurer, product_version_id=version.id, **(parts | changes)))
    applications.conclude(told.id)
    db.session.commit()
    return policy


def an_offer_beside(beside: Policy) -> OfferView:
    """For the same product as that of the contract, in its journey."""
    need = applications_told.application_view(beside.application_id).offer.need
    return an_offer(need.journey_id, need.line, start_on=need.start_on)


def ran_out(policy: Policy) -> None:
    """The day after its last one, the clock ends it."""
    with on(date.fromordinal(policy.period.end_on.toordinal() + 1), zone=policy.period.zone):
        run("policy.end_expired")


def run(name: str) -> None:
    """A periodic job, as the worker does it."""
    jobs.run_once(jobs.known_tasks()[name])


def an_open_dispute(policy: Policy, kind: Dispute = Dispute.COMPLAINT) -> Hold:
    """Noted by somebody of compliance. Commits."""
    by = acting(a_member_of_staff(Role.ADMIN_COMPLIANCE))
    opened = services.open_hold(
        OpenHold(policy.id, kind, "K-2027-14", "She says nobody told her of the waiting time.", by)
    )
    db.session.commit()
    return opened
