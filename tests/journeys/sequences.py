"""What one traced contract looks like: the events of the regulation checklist, section 6, as the house records them.

The names are the checklist's, the entries ours. What is in another place than there, or is not there at all, says why
in the table, and nowhere else.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from marketplace.traceability.values import EntryType as E

SECTION_6 = (
    "quote_view", "product_view", "enter_view", "entry_ack", "privacy_ack", "client_notice_ack", "needs_submitted",
    "suitability_result", "clauses_view", "doc_opened", "clauses_ack", "exclusions_view", "exclusions_ack", "risk_ack",
    "health_view", "health_consequence_ack", "answer", "identity_attempt", "identity_verified", "field_change",
    "insured_consent", "review_view", "application_submitted", "underwriting_result", "pay_view", "pay_leave",
    "pay_return", "webhook_paid", "policy_issued", "policy_emailed", "policy_delivered", "done_view",
)  # fmt: skip


class Sale(StrEnum):
    """The sales whose sequences are held."""

    SIMPLE = "a simple product"
    REFERRED = "referred, asked, and taken on other terms"
    PLANNED = "a part of a plan that was paid once"


ALL = frozenset(Sale)


@dataclass(frozen=True)
class Happened:
    """An entry of the evidence: `page` is the endpoint whose page was shown, empty for an act; `on` the version of the
    page that was shown, or on which it was done; `actor` a role.
    """

    type: E
    page: str = ""
    actor: str = ""
    on: str | None = None
    said: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Event:
    """`types` and, of a page, `pages` tell which entries these are. `of`: the sales that must have it; `gap` says why
    others lack it. `after`: what must come before it; the event above it where nothing is named. `moved` says why the
    house has it in another place than the checklist. An `added` one is the house's own.
    """

    name: str
    types: tuple[E, ...]
    pages: tuple[str, ...] = ()
    of: frozenset[Sale] = ALL
    gap: str = ""
    after: tuple[str, ...] | None = None
    moved: str = ""
    added: bool = False

    def is_it(self, each: Happened) -> bool:
        return each.type in self.types and (each.page in self.pages if self.pages else True)


NONE, ASKED = frozenset[Sale](), frozenset({Sale.REFERRED})
PEOPLE_FIRST = "who applies is told and proven before a question of health is asked: nobody answers for somebody else"
READ_LAST = "terms are read once the questions are answered, right before the review: of what this person is offered"
NO_QUESTION = "the insurers of these products ask no question"
FOR_DAYS = "before a journey, which is insured for days, nothing is asked but what the comparison asked (decision 40)"

EVENTS = (
    Event("plan", (E.SCHEME_MADE,), of=frozenset({Sale.PLANNED}), added=True),
    Event("compared", (E.COMPARISON_MADE,), after=(), added=True),
    Event("quote_view", (E.COMPARISON_SHOWN,), of=ALL - {Sale.PLANNED},
          gap="the plan itself shows each price; a comparison is looked at where somebody wants to"),
    Event("product_view", (E.PRODUCT_SHOWN,), of=ALL - {Sale.PLANNED},
          gap="from a plan the entry page, which names product and insurer, is one click away"),
    Event("enter_view", (E.ENTRY_SHOWN,), after=("compared", "product_view")),
    Event("entry_ack", (E.ENTRY_ACKNOWLEDGED,)),
    Event("privacy_ack", (E.PRIVACY_NOTICE_ACKNOWLEDGED,)),
    Event("client_notice_ack", (E.CLIENT_NOTICE_ACKNOWLEDGED,)),
    Event("needs_submitted", (E.NEEDS_STATED,), of=ALL - {Sale.SIMPLE}, gap=FOR_DAYS),
    Event("suitability_result", (E.SUITABILITY_JUDGED,), of=ALL - {Sale.SIMPLE}, gap=FOR_DAYS),
    Event("field_change", (E.FIELD_ENTERED,), after=("client_notice_ack",),
          moved=PEOPLE_FIRST),
    Event("address_proven", (E.EMAIL_VERIFIED,), after=("client_notice_ack",), added=True),
    Event("identity_attempt", (E.PAGE_SHOWN,), ("identity.prove",), of=ALL - {Sale.PLANNED}, moved=PEOPLE_FIRST,
          after=("field_change", "address_proven"),
          gap="several contracts of one basket ask once; the entry of the others names the check of the first"),
    Event("identity_verified", (E.IDENTITY_VERIFIED,), after=("field_change", "identity_attempt"),
          moved=PEOPLE_FIRST),
    Event("health_view", (E.PAGE_SHOWN,), ("application.questions",), of=ASKED, moved=PEOPLE_FIRST, gap=NO_QUESTION),
    Event("health_consequence_ack", (E.HEALTH_NOTICE_ACKNOWLEDGED,), of=ASKED, moved=PEOPLE_FIRST, gap=NO_QUESTION),
    Event("health_consent", (E.HEALTH_CONSENT_GIVEN,), of=ASKED, added=True),
    Event("answer", (E.ANSWER_GIVEN,), of=ASKED, moved=PEOPLE_FIRST, gap=NO_QUESTION),
    Event("doc_opened", (E.DOCUMENT_OPENED,), ("application.document",), after=("identity_verified", "answer"),
          moved=READ_LAST),
    Event("clauses_view", (E.DOCUMENT_OPENED, E.PAGE_SHOWN), ("application.document",),
          after=("identity_verified", "answer"), moved="a page that shows a text opens it: one entry is both"),
    Event("clauses_ack", (E.DOCUMENT_CONFIRMED,), after=("doc_opened", "clauses_view")),
    Event("exclusions_view", (E.PAGE_SHOWN,), ("application.exclusions",)),
    Event("exclusions_ack", (E.EXCLUSIONS_CONFIRMED,)),
    Event("risk_ack", (), of=NONE,
          gap="no participating, universal or unit-linked product is sold here, so there is no such page (T26-20)"),
    Event("insured_consent", (E.INSURED_CONSENTED,), of=NONE,
          gap="applicant and insured are one person here; tests/web/test_insured_consent_page.py has two"),
    Event("review_view", (E.PAGE_SHOWN,), ("application.review",), after=("exclusions_ack", "insured_consent")),
    Event("application_submitted", (E.APPLICATION_SUBMITTED,)),
    Event("underwriting_result", (E.UNDERWRITING_DECIDED,)),
    Event("question_put", (E.UNDERWRITING_ASKED,), of=ASKED, added=True),
    Event("question_answered", (E.UNDERWRITING_ANSWERED,), of=ASKED, added=True),
    Event("counter_offer", (E.COUNTER_OFFER_MADE,), of=ASKED, added=True),
    Event("counter_offer_view", (E.PAGE_SHOWN,), ("referral.offer",), of=ASKED, added=True),
    Event("counter_offer_ack", (E.COUNTER_OFFER_ACCEPTED,), of=ASKED, added=True),
    Event("pay_view", (E.PAGE_SHOWN,), ("checkout.pay", "basket.pay"),
          after=("underwriting_result", "counter_offer_ack")),
    Event("pay_leave", (E.PAYMENT_LEFT,)),
    Event("pay_return", (E.PAYMENT_RETURNED,)),
    Event("webhook_paid", (E.PAYMENT_SUCCEEDED,), after=("pay_leave",),
          moved="the provider's word and the customer come in either order: whichever is first settles the payment"),
    Event("policy_issued", (E.CONTRACT_CONCLUDED,)),
    Event("policy_signed", (E.POLICY_SIGNED,), added=True),
    Event("policy_emailed", (E.POLICY_MAILED,)),
    Event("policy_delivered", (E.MAIL_BOUNCED,), of=NONE,
          gap="a mail server tells only of what it could not deliver; that it took the mail is `policy_emailed`"),
    Event("done_view", (E.PAGE_SHOWN,), ("checkout.done",), of=ALL - {Sale.PLANNED}, after=("pay_return",),
          gap="several contracts end on the page of their basket, which shows how each of them stands"),
)  # fmt: skip


def faults(happened: Sequence[Happened], sale: Sale, events: Sequence[Event] = EVENTS) -> list[str]:
    """What the evidence of a contract lacks, or has in another order than the table says: of each event the first time
    counts, and what must come before it.
    """
    first = {
        event.name: next((place for place, each in enumerate(happened) if event.is_it(each)), None) for event in events
    }
    found = [f"{event.name} is missing" for event in events if sale in event.of and first[event.name] is None]
    for event, above in zip(events, (None, *events), strict=False):
        before = event.after if event.after is not None else (above.name,) if above else ()
        found += [
            f"{event.name} before {name}"
            for name in before
            if (here := first[event.name]) is not None and (there := first[name]) is not None and here < there
        ]
    return found


def entries_of(core: Mapping[str, Any], files: Mapping[str, bytes]) -> list[Happened]:
    """The entries of an evidence in their order, those aside that it withholds."""
    return [_entry(core, each, json.loads(files[each["body"]])["envelope"]) for each in core["entries"] if each["body"]]


def _entry(core: Mapping[str, Any], each: Mapping[str, Any], envelope: Mapping[str, Any]) -> Happened:
    version = each["leaf"]["pv"]
    page = core["page_versions"][version]["page"] if each["page"] else ""
    return Happened(E(each["leaf"]["t"]), page, envelope["actor"]["role"], version, envelope["body"])
