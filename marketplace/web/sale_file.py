"""One sale as the desks show it: the trail day by day, the contract, the money, the people, the confirmations."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from uuid import UUID
from zoneinfo import ZoneInfo

from marketplace.accounts.values import Role
from marketplace.application import queries as applications
from marketplace.application.values import (
    AnswerChanged,
    ApplicationView,
    Confirmation,
    ConfirmationKind,
    Relationship,
)
from marketplace.catalog.values import LINES
from marketplace.checkout import queries as checkout
from marketplace.consultation.values import Thread
from marketplace.infra.formatting import ZONE, current_locale, format_day, zone_name
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.kernel import clock
from marketplace.kernel.money import Money
from marketplace.oversight import queries as oversight
from marketplace.oversight.values import Sale, TimelineEntry, Visit
from marketplace.payment import queries as payments
from marketplace.payment.values import OF_CONTRACTS, AttemptState, Purpose, RefundState
from marketplace.policy import queries as policies
from marketplace.policy.values import Paper, Policy
from marketplace.privacy import queries as privacy
from marketplace.privacy.values import Restricted, Restriction
from marketplace.servicing import queries as servicing
from marketplace.servicing.values import PremiumState
from marketplace.traceability.values import Actor, ActorRole
from marketplace.underwriting import queries as underwriting
from marketplace.underwriting.values import Reason
from marketplace.web import consulting
from marketplace.web.fields import factor_words
from marketplace.web.papers import beside_policy
from marketplace.web.premium_words import STATES

_ATTEMPTS: dict[AttemptState, str] = {
    AttemptState.CREATED: _l("begun"),
    AttemptState.OPEN: _l("payment page open"),
    AttemptState.PROCESSING: _l("money on its way"),
    AttemptState.SUCCEEDED: _l("paid"),
    AttemptState.FAILED: _l("failed"),
    AttemptState.EXPIRED: _l("not paid in time"),
    AttemptState.REFUND_PENDING: _l("paid, refund under way"),
    AttemptState.REFUNDED: _l("paid and refunded"),
}

_REFUNDS: dict[RefundState, str] = {
    RefundState.REQUESTED: _l("refund requested"),
    RefundState.SENT: _l("refund sent"),
    RefundState.SUCCEEDED: _l("refunded"),
    RefundState.FAILED: _l("refund failed"),
    RefundState.OVERTAKEN: _l("taken back by the customer’s bank"),
}

_CONFIRMED: dict[ConfirmationKind, str] = {
    ConfirmationKind.ENTRY: _l("Entered, told of recording"),
    ConfirmationKind.PRIVACY_NOTICE: _l("What we do with the customer’s data"),
    ConfirmationKind.CLIENT_NOTICE: _l("Who we are and how we are paid"),
    ConfirmationKind.OWN_WILL: _l("Going on against a warning"),
    ConfirmationKind.HEALTH_NOTICE: _l("What untrue answers lead to"),
    ConfirmationKind.HEALTH_CONSENT: _l("Use of the answers about health"),
    ConfirmationKind.HEALTH_WITHDRAWN: _l("Consent to the use of the answers withdrawn"),
    ConfirmationKind.DOCUMENT_OPENED: _l("Document opened"),
    ConfirmationKind.DOCUMENT: _l("Document"),
    ConfirmationKind.EXCLUSIONS: _l("What is not covered"),
    ConfirmationKind.DECLARATION: _l("Declaration of the applicant"),
    ConfirmationKind.COUNTER_OFFER: _l("Other terms of the insurer"),
}

_RELATIONSHIPS: dict[Relationship, str] = {
    Relationship.SELF: _l("the applicant"),
    Relationship.SPOUSE: _l("husband or wife of the applicant"),
    Relationship.CHILD: _l("child of the applicant"),
    Relationship.PARENT: _l("parent of the applicant"),
    Relationship.OTHER: _l("another person"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the timeline. `page_of` is the entry that keeps the page's bytes: its own, or the view it answers."""

    entry: TimelineEntry
    page_of: UUID | None


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What was confirmed, the hash of exactly that, and on which version of which page."""

    title: str
    sha256: str
    page: str | None
    page_version_id: str
    page_of: UUID | None


@dataclass(frozen=True, slots=True)
class MoneyMoved:
    """One attempt to pay or one refund."""

    words: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Answered:
    """A question, its answer (None while open), and whether this answer kept the application from being accepted."""

    question: str
    answer: bool | None
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class SaleFile:
    """Everything a desk shows of one sale; without an application only the way to it."""

    sale: Sale
    rows: tuple[Row, ...]
    visits: tuple[tuple[Visit, tuple[Row, ...]], ...]
    view: ApplicationView | None
    policy: Policy | None
    money: tuple[MoneyMoved, ...]
    papers: tuple[Paper, ...]
    reasons: tuple[Reason, ...]
    restriction: Restriction | None
    talk: consulting.Talk | None
    changed: tuple[AnswerChanged, ...]

    @property
    def title(self) -> str:
        """`Harbour Term, sold 22 November 2026`."""
        line = LINES[self.sale.line].name
        product = (self.sale.product_name or line).in_(current_locale())
        if self.sale.concluded_at is not None:
            return _("%(product)s, sold %(day)s", product=product, day=format_day(_day(self.sale.concluded_at)))
        return _("%(product)s, begun %(day)s", product=product, day=format_day(_day(self.sale.started_at)))

    @property
    def days(self) -> tuple[tuple[date, tuple[Row, ...]], ...]:
        """The trail by the days of the contract's time."""
        by_day = groupby(self.rows, key=lambda row: _day(row.entry.business_at))
        return tuple((day, tuple(group)) for day, group in by_day)

    @property
    def recorded(self) -> tuple[datetime, datetime]:
        """From when to when the trail was recorded, by the real clock."""
        return self.rows[0].entry.recorded_at, self.rows[-1].entry.recorded_at

    @property
    def zone(self) -> str:
        return zone_name(ZONE)

    @property
    def erased(self) -> bool:
        """Whether what the applicant told was erased."""
        return self.view is not None and self.view.application.erased

    @property
    def insured(self) -> tuple[str, str] | None:
        """The insured person's name and what the person is to the applicant."""
        people = self.view.application.people if self.view else None
        return None if people is None else (people.insured_person.name, str(_RELATIONSHIPS[people.relationship]))

    @property
    def confirmations(self) -> tuple[Confirmed, ...]:
        if self.view is None:
            return ()
        return tuple(self._confirmed(each) for each in self.view.confirmations)

    def _confirmed(self, given: Confirmation) -> Confirmed:
        titles = {each.document.sha256: each.document.title for each in self.view.documents} if self.view else {}
        title = titles.get(given.subject_sha256, str(_CONFIRMED[given.kind]))
        row = next((row for row in self.rows if row.entry.page_version_id == given.page_version_id), None)
        page, page_of = (row.entry.page, row.page_of) if row else (None, None)
        return Confirmed(title, given.subject_sha256, page, given.page_version_id, page_of)

    @property
    def gaps(self) -> tuple[str, ...]:
        """What the trail of a finished sale lacks, in words."""
        if self.view is None or self.sale.completeness is None:
            return ()
        named = {each.document.sha256: each.document.title for each in self.view.documents}
        named |= {each.question.id: each.question.text.in_(current_locale()) for each in self.view.questions}
        return tuple(oversight.gap_words(gap, named) for gap in self.sale.completeness.gaps)

    @property
    def answers(self) -> tuple[Answered, ...]:
        if self.view is None:
            return ()
        reasons = {reason.question_id: reason for reason in self.reasons}
        return tuple(
            Answered(each.question.text.in_(current_locale()), each.answer, reasons.get(each.question.id))
            for each in self.view.questions
        )

    @property
    def changes(self) -> tuple[tuple[str, AnswerChanged], ...]:
        """Each question whose answer was another one before, with when it was changed."""
        asked = self.view.questions if self.view else ()
        words = {each.question.id: each.question.text.in_(current_locale()) for each in asked}
        return tuple((words.get(each.question_id, each.question_id), each) for each in self.changed)

    @property
    def risk(self) -> tuple[tuple[str, str], ...]:
        """What was rated: each factor and its value in words. Nothing of an erased application, though another one may
        rest on the same comparison.
        """
        if self.view is None or self.erased:
            return ()
        need = self.view.offer.need
        line = LINES[need.line]
        return tuple(
            (factor.label.in_(current_locale()), factor_words(factor, need.risk[factor.name], line.currency))
            for factor in line.factors
            if factor.name in need.risk
        )


def sale_file(sale: Sale, *, only_insurer: UUID | None = None) -> SaleFile:
    """The file of a sale. Raises SaleNotFound for a sale of another insurer than `only_insurer`."""
    decision = underwriting.decision_of(sale.application_id) if sale.application_id else None
    view = applications.application_view(sale.application_id) if sale.application_id else None
    return SaleFile(
        sale=sale,
        rows=_rows(oversight.timeline(sale.id, only_insurer=only_insurer)),
        visits=tuple((each, _rows(each.entries)) for each in oversight.visits(sale)),
        view=view,
        policy=policies.policy(sale.policy_id) if sale.policy_id else None,
        money=tuple(_money(sale, only_insurer)),
        papers=tuple(beside_policy(papers_of(sale, only_insurer=only_insurer))),
        reasons=decision.reasons if decision else (),
        restriction=restriction_of(sale),
        talk=consulting.talk_of_application(sale.application_id) if sale.application_id else None,
        changed=applications.answer_changes(view.application.id) if view and not view.application.erased else (),
    )


def papers_of(sale: Sale, *, only_insurer: UUID | None = None) -> tuple[Paper, ...]:
    """For an insurer those about this contract alone: the receipt of several names the contracts of others."""
    found = policies.papers_of_sale(sale.policy_id, sale.order_id)
    return tuple(each for each in found if only_insurer is None or each.sealed_for == sale.application_id)


def refuse_restricted(sale: Sale, by: Actor) -> None:
    """Raises Restricted where the customer closed the account: then only compliance looks, and the insurer of the
    contract as long as it covers the risk.
    """
    _refuse(restriction_of(sale), sale.application_id, by)


def refuse_restricted_talk(thread: Thread, by: Actor) -> None:
    """The same of a conversation in an application, which is part of its sale. Raises Restricted."""
    if thread.application_id is not None:
        _refuse(privacy.restriction_on(thread.journey_id, thread.application_id), thread.application_id, by)


def _refuse(restriction: Restriction | None, application_id: UUID | None, by: Actor) -> None:
    if restriction is not None:
        of_contract = by.role is ActorRole.INSURER and restriction.application_id == application_id
        covering = of_contract and clock.today(ZONE) <= restriction.covered_until
        if by.label != Role.ADMIN_COMPLIANCE and not covering:
            raise Restricted


def restriction_of(sale: Sale) -> Restriction | None:
    """Whether the records of this sale, or of the journey it was on, are kept only because they must be."""
    return privacy.restriction_on(sale.journey_id, sale.application_id)


def _rows(timeline: tuple[TimelineEntry, ...]) -> tuple[Row, ...]:
    """Each entry with where its page can be looked at: an act names the version of the page on which it was done, and
    the latest view of that version before it kept the bytes.
    """
    seen: dict[str | None, UUID] = {}
    rows = []
    for entry in timeline:
        if entry.has_page:
            seen[entry.page_version_id] = entry.entry_id
        rows.append(Row(entry, seen.get(entry.page_version_id) if entry.page_version_id else None))
    return tuple(rows)


def _money(sale: Sale, only_insurer: UUID | None) -> Iterator[MoneyMoved]:
    """For an insurer, of an order of several contracts, what is of this one: the rest is somebody else's price."""
    if sale.order_id is None:
        return
    attempts = payments.attempts_of(Purpose.NEW_BUSINESS, sale.order_id)
    refunds = payments.refunds_for(Purpose.NEW_BUSINESS, sale.order_id)
    lines = () if only_insurer is None else checkout.order(sale.order_id).lines
    if len(lines) <= 1:
        yield from (MoneyMoved(str(_ATTEMPTS[each.state]), each.amount) for each in attempts)
        yield from (MoneyMoved(str(_REFUNDS[each.state]), each.amount) for each in refunds)
        yield from _later_premiums(sale)
        return
    (premium,) = (line.premium for line in lines if line.application_id == sale.application_id)
    yield from (MoneyMoved(str(_ATTEMPTS[each.state]), premium) for each in attempts)
    yield from (MoneyMoved(str(_REFUNDS[each.state]), premium) for each in refunds if each.reason not in OF_CONTRACTS)
    if sale.policy_id and (returned := payments.returned_of(sale.policy_id)):
        yield MoneyMoved(str(_REFUNDS[RefundState.SUCCEEDED]), returned)
    yield from _later_premiums(sale)


def _later_premiums(sale: Sale) -> Iterator[MoneyMoved]:
    """Those of which something has happened."""
    for each in servicing.premiums_of(sale.policy_id) if sale.policy_id else ():
        if each.state is not PremiumState.PLANNED:
            words = _("premium %(number)s, due on %(day)s: %(state)s", number=each.number,
                      day=format_day(each.collect_on), state=STATES[each.state][0])  # fmt: skip
            yield MoneyMoved(words, each.amount)


def _day(at: datetime) -> date:
    return at.astimezone(ZoneInfo(ZONE)).date()
