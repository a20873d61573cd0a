"""The trail's vocabulary as sentences. What an entry's body says is put in where it helps; nothing is guessed."""

from collections.abc import Callable, Mapping
from typing import Any

from marketplace.catalog.values import LINES, Line
from marketplace.infra.formatting import current_locale, format_money, lazy_gettext, ngettext
from marketplace.infra.formatting import gettext as _
from marketplace.kernel.money import Money
from marketplace.oversight.values import Disagreement, Gap, Lack, Mismatch
from marketplace.policy.values import Ending
from marketplace.traceability.values import ActorRole, EntryType

Body = Mapping[str, Any]


def entry_words(kind: EntryType, body: Body) -> str:
    """What happened, in one sentence of the present locale."""
    if kind in _TELLERS:
        return _TELLERS[kind](body)
    needs, richer = _RICHER.get(kind, ("", ""))
    if needs not in body:
        return str(_PLAIN[kind])
    value = body[needs]
    return str(richer) % {needs: format_money(Money(value, body["currency"])) if needs == "amount" else value}


def gap_words(gap: Gap, named: Mapping[str, str]) -> str:
    """What a trail lacks, in one sentence; `named` has the words for what entries are about."""
    subject = named.get(gap.subject, gap.subject[:8])
    what = entry_words(gap.type, {"title": subject, "question": subject} if subject else {})
    match gap.lack:
        case Lack.MISSING:
            return _("Not in the trail: %(what)s", what=what)
        case Lack.OUT_OF_ORDER:
            return _("Not in its order: %(what)s", what=what)
        case Lack.PAGE_NOT_SHOWN:
            return _("On a page that was not shown before: %(what)s", what=what)


def disagreement_words(told: Disagreement, page: str) -> str:
    """Where a browser's recording of a page and its form disagree, in one sentence."""
    words = {
        Mismatch.TICK_NOT_CARRIED: _("the browser reported a tick that the form did not carry"),
        Mismatch.TICK_NOT_REPORTED: _("the form carried a tick that the browser did not report"),
        Mismatch.TICKED_BEFOREHAND: _("the box was ticked when the page was shown, and not by the customer"),
        Mismatch.VALUE_DIFFERS: _("the browser reported another value than the form carried"),
        Mismatch.NOT_SENT: _("the form came, and the browser did not report that it was sent"),
        Mismatch.TIMES_APART: _("the form came at another time than the browser reported"),
    }[told.kind]
    where = _("%(page)s: %(what)s", page=page, what=words)
    return _("%(said)s (%(field)s)", said=where, field=_field_words(told.field)) if told.field else where


def actor_words(role: ActorRole) -> str:
    return {
        ActorRole.VISITOR: _("Visitor"),
        ActorRole.CUSTOMER: _("Customer"),
        ActorRole.INSURER: _("Insurer"),
        ActorRole.PRACTITIONER: _("Practitioner"),
        ActorRole.ADMIN: _("Administrator"),
        ActorRole.SYSTEM: _("System"),
        ActorRole.PROVIDER: _("Payment provider"),
    }[role]


def page_words(endpoint: str) -> str:
    """What people call the page of an endpoint; an unknown one is named as it is."""
    words = {
        "compare.comparison": _("Comparison"),
        "compare.change": _("Comparison"),
        "beside.side_by_side": _("Side by side"),
        "product.offer": _("Product"),
        "product.document": _("Document"),
        "application.enter": _("Entry"),
        "application.email": _("E-mail address"),
        "application.code": _("Code"),
        "suitability.tell": _("Needs"),
        "application.people": _("Persons"),
        "identity.prove": _("Identity"),
        "insured.ask": _("Consent of the person insured"),
        "insured.answer": _("Page of the person insured"),
        "application.questions": _("Questions"),
        "application.consent": _("Consent"),
        "application.document": _("Document to confirm"),
        "application.exclusions": _("Not covered"),
        "application.review": _("Review"),
        "consultation.ask": _("Question about a product"),
        "consultation.of_application": _("Question in the application"),
        "application.ended": _("End of the application"),
        "referral.question": _("Question of the insurer"),
        "referral.offer": _("Other terms"),
        "checkout.pay": _("Payment"),
        "basket.pay": _("Payment"),
        "checkout.returned": _("Back from paying"),
        "checkout.done": _("Done"),
        "policy.policy": _("Policy"),
    }
    return words.get(endpoint, endpoint)


def _compared(body: Body) -> str:
    if "order" not in body:  # what was compared is erased
        return _("Compared")
    offers = len(body["order"])
    return ngettext(
        "Compared %(num)s offer, %(line)s, ranking rule %(rule)s",
        "Compared %(num)s offers, %(line)s, ranking rule %(rule)s",
        offers,
        line=LINES[Line(body["line"])].name.in_(current_locale()),
        rule=body["ranking_rule"],
    )


def _entered(body: Body) -> str:
    name = _field_words(str(body.get("field", "")))
    if body.get("old") is not None:
        return _("Changed: %(field)s", field=name)
    return _("Entered: %(field)s", field=name)


def _field_words(field: str) -> str:
    words = {
        "email": _("e-mail address"),
        "applicant_name": _("name of the applicant"),
        "applicant_birth_on": _("date of birth of the applicant"),
        "applicant_sex": _("sex of the applicant"),
        "insured_name": _("name of the insured"),
        "insured_birth_on": _("date of birth of the insured"),
        "insured_sex": _("sex of the insured"),
        "insured_email": _("mail address of the insured"),
        "other_death_cover": _("other insurance on the child’s life"),
        "relationship": _("relationship"),
        "mobile": _("mobile number"),
        "confirm": _("confirmation"),
        "declare": _("declaration of the applicant"),
        "notice": _("what untrue answers lead to"),
        "health_consent": _("consent to the use of answers about health"),
    }
    return words.get(field.replace(".", "_"), field)


def _answered(body: Body) -> str:
    if body.get("old") is not None:
        return _("Changed the answer: %(question)s", question=body["question"])
    return _("Answered: %(question)s", question=body["question"]) if "question" in body else _("Answered a question")


def _decided(body: Body) -> str:
    words = {
        "accept": _("Accepted by the insurer's guideline"),
        "load": _("Accepted by the insurer's guideline, for an extra premium"),
        "exclude": _("Accepted by the insurer's guideline, without some of the cover"),
        "refer": _("Referred to the insurer"),
        "postpone": _("Postponed by the insurer's guideline"),
        "decline": _("Declined by the insurer's guideline"),
    }
    by_a_person = {
        "accept": _("Accepted by an underwriter"),
        "load": _("Accepted by an underwriter, for an extra premium"),
        "exclude": _("Accepted by an underwriter, without some of the cover"),
        "postpone": _("Postponed by an underwriter"),
        "decline": _("Declined by an underwriter"),
    }
    if body.get("number", 1) != 1:
        words = by_a_person
    return words.get(str(body.get("outcome")), _("Decided"))


def _not_paid(body: Body) -> str:
    """Stripe's decline codes in words (docs.stripe.com/declines/codes); a code without words stands as it is."""
    reason = body.get("reason")
    words = {
        None: _("Payment failed"),
        "card_declined": _("The card was declined"),
        "generic_decline": _("The card was declined"),
        "insufficient_funds": _("The card was declined: not enough money"),
        "expired_card": _("The card was declined: it has expired"),
        "incorrect_cvc": _("The card was declined: wrong security code"),
    }
    return words.get(reason) or _("Payment failed (%(reason)s)", reason=reason)


def _ended(body: Body) -> str:
    return str(_ENDINGS.get(body.get("ending", ""), _PLAIN[EntryType.CONTRACT_ENDED]))


_TELLERS: Mapping[EntryType, Callable[[Body], str]] = {
    EntryType.CONTRACT_ENDED: _ended,
    EntryType.COMPARISON_MADE: _compared,
    EntryType.FIELD_ENTERED: _entered,
    EntryType.ANSWER_GIVEN: _answered,
    EntryType.UNDERWRITING_DECIDED: _decided,
    EntryType.PAYMENT_FAILED: _not_paid,
}

# The part of the body that makes the sentence richer, and the richer sentence.
_RICHER: Mapping[EntryType, tuple[str, str]] = {
    EntryType.DOCUMENT_OPENED: ("title", lazy_gettext("Document opened: %(title)s")),
    EntryType.DOCUMENT_CONFIRMED: ("title", lazy_gettext("Document confirmed: %(title)s")),
    EntryType.PAYMENT_STARTED: ("amount", lazy_gettext("Payment of %(amount)s started")),
    EntryType.PAYMENT_SUCCEEDED: ("amount", lazy_gettext("Paid %(amount)s")),
    EntryType.REFUND_WISHED: ("amount", lazy_gettext("Staff asked to refund %(amount)s")),
    EntryType.REFUND_APPROVED: ("amount", lazy_gettext("A second person agreed to refund %(amount)s")),
    EntryType.REFUND_REFUSED: ("amount", lazy_gettext("A second person did not agree to refund %(amount)s")),
    EntryType.REFUND_REQUESTED: ("amount", lazy_gettext("Refund of %(amount)s requested")),
    EntryType.REFUND_SUCCEEDED: ("amount", lazy_gettext("Refunded %(amount)s")),
    EntryType.REFUND_FAILED: ("amount", lazy_gettext("The refund of %(amount)s did not arrive")),
    EntryType.PAYMENT_DISPUTED: ("amount", lazy_gettext("The customer’s bank disputes %(amount)s")),
    EntryType.DISPUTE_CLOSED: ("amount", lazy_gettext("The bank’s dispute over %(amount)s ended")),
    EntryType.CONSULTATION_ASKED: ("thread", lazy_gettext("Asked the insurer a question (%(thread)s)")),
    EntryType.CONSULTATION_ANSWERED: (
        "certificate_no",
        lazy_gettext("The insurer answered a question, by the holder of certificate %(certificate_no)s"),
    ),
    EntryType.CONTRACT_CONCLUDED: ("number", lazy_gettext("Contract %(number)s concluded")),
}

_ENDINGS: Mapping[str, str] = {
    Ending.EXPIRED: lazy_gettext("The contract has run out"),
    Ending.WITHDRAWN: lazy_gettext("The contract was withdrawn from"),
    Ending.SURRENDERED: lazy_gettext("The contract was surrendered"),
    Ending.VOID: lazy_gettext("The contract was declared void"),
    Ending.CLAIM_PAID: lazy_gettext("The contract ended with the payment of a claim"),
    Ending.CANCELLED: lazy_gettext("The contract was cancelled"),
}

_PLAIN: Mapping[EntryType, str] = {
    EntryType.SCHEME_MADE: lazy_gettext("Scheme made for the needs of a household"),
    EntryType.COMPARISON_SHOWN: lazy_gettext("Comparison shown"),
    EntryType.PRODUCT_SHOWN: lazy_gettext("Product page shown"),
    EntryType.ENTRY_SHOWN: lazy_gettext("Entry page shown"),
    EntryType.ENTRY_ACKNOWLEDGED: lazy_gettext("Entered the application, told of recording"),
    EntryType.PRIVACY_NOTICE_ACKNOWLEDGED: lazy_gettext("Confirmed the privacy notice"),
    EntryType.CLIENT_NOTICE_ACKNOWLEDGED: lazy_gettext("Confirmed the client notice"),
    EntryType.CODE_SENT: lazy_gettext("Code sent to the e-mail address"),
    EntryType.EMAIL_VERIFIED: lazy_gettext("E-mail address proven by code"),
    EntryType.NEEDS_STATED: lazy_gettext("Told what is needed, and what the means are"),
    EntryType.SUITABILITY_JUDGED: lazy_gettext("Judged whether the insurance suits"),
    EntryType.OWN_WILL_CONFIRMED: lazy_gettext("Went on of their own will against a warning"),
    EntryType.PAGE_SHOWN: lazy_gettext("Page shown"),
    EntryType.PAGE_LEFT: lazy_gettext("Page left"),
    EntryType.PAGE_REFUSED: lazy_gettext("Page refused"),
    EntryType.RECORDING_KEPT: lazy_gettext("Kept what the browser recorded on a page"),
    EntryType.RECORDING_CUT: lazy_gettext("Recording of a page stopped, it was too large"),
    EntryType.INSURED_ASKED: lazy_gettext("Asked the person insured to agree"),
    EntryType.INSURED_CONSENTED: lazy_gettext("The person insured agreed to the cover and its sum"),
    EntryType.INSURED_REFUSED: lazy_gettext("The person insured did not agree"),
    EntryType.IDENTITY_REFUSED: lazy_gettext("An identity was not proven by a document"),
    EntryType.IDENTITY_VERIFIED: lazy_gettext("An identity was proven by a document"),
    EntryType.DOCUMENT_OPENED: lazy_gettext("Document opened"),
    EntryType.DOCUMENT_CONFIRMED: lazy_gettext("Document confirmed"),
    EntryType.OFFER_REPLACED: lazy_gettext("Went on with a new offer"),
    EntryType.EXCLUSIONS_CONFIRMED: lazy_gettext("Confirmed what is not covered"),
    EntryType.HEALTH_NOTICE_ACKNOWLEDGED: lazy_gettext("Told what untrue answers lead to"),
    EntryType.HEALTH_CONSENT_GIVEN: lazy_gettext("Consented to the use of answers about health"),
    EntryType.HEALTH_CONSENT_WITHDRAWN: lazy_gettext("Withdrew the consent to the use of answers about health"),
    EntryType.APPLICATION_SUBMITTED: lazy_gettext("Application declared true and submitted"),
    EntryType.UNDERWRITING_ASKED: lazy_gettext("The insurer asked the applicant a question"),
    EntryType.UNDERWRITING_ANSWERED: lazy_gettext("The applicant answered the insurer’s question"),
    EntryType.COUNTER_OFFER_MADE: lazy_gettext("The insurer offered other terms"),
    EntryType.COUNTER_OFFER_ACCEPTED: lazy_gettext("Agreed to the insurer’s other terms"),
    EntryType.COUNTER_OFFER_REFUSED: lazy_gettext("Did not agree to the insurer’s other terms"),
    EntryType.PAYMENT_STARTED: lazy_gettext("Payment started"),
    EntryType.PAYMENT_LEFT: lazy_gettext("Left for the payment page"),
    EntryType.PAYMENT_RETURNED: lazy_gettext("Came back from the payment page"),
    EntryType.PAYMENT_SUCCEEDED: lazy_gettext("Paid"),
    EntryType.REFUND_WISHED: lazy_gettext("Staff asked for a refund"),
    EntryType.REFUND_APPROVED: lazy_gettext("A second person agreed to the refund"),
    EntryType.REFUND_REFUSED: lazy_gettext("A second person did not agree to the refund"),
    EntryType.REFUND_REQUESTED: lazy_gettext("Refund requested"),
    EntryType.REFUND_SUCCEEDED: lazy_gettext("Refunded"),
    EntryType.REFUND_FAILED: lazy_gettext("The refund did not arrive"),
    EntryType.PAYMENT_DISPUTED: lazy_gettext("The customer’s bank disputes the payment"),
    EntryType.DISPUTE_CLOSED: lazy_gettext("The bank’s dispute ended"),
    EntryType.CONTRACT_CONCLUDED: lazy_gettext("Contract concluded"),
    EntryType.POLICY_SIGNED: lazy_gettext("Policy sealed"),
    EntryType.POLICY_MAILED: lazy_gettext("Policy mailed"),
    EntryType.MAIL_SENT: lazy_gettext("Mail sent"),
    EntryType.MAIL_BOUNCED: lazy_gettext("A report says that a mail came back"),
    EntryType.POLICY_VIEWED: lazy_gettext("Policy looked at"),
    EntryType.PREMIUMS_PLANNED: lazy_gettext("Later premiums fixed"),
    EntryType.PREMIUM_ANNOUNCED: lazy_gettext("Told of a premium to come"),
    EntryType.PREMIUM_DUE: lazy_gettext("A premium fell due"),
    EntryType.PREMIUM_PAID: lazy_gettext("A later premium was paid"),
    EntryType.PREMIUM_FAILED: lazy_gettext("The kept card was not charged; told so"),
    EntryType.PREMIUM_OVERDUE: lazy_gettext("A premium is not paid, its time of grace is over"),
    EntryType.CARD_CONSENTED: lazy_gettext("Agreed that a card is kept for later premiums"),
    EntryType.CARD_KEPT: lazy_gettext("A card is kept for later premiums"),
    EntryType.CARD_STOPPED: lazy_gettext("The kept card is used no more"),
    EntryType.WITHDRAWAL_CONFIRMED: lazy_gettext("Withdrew from the contract"),
    EntryType.SURRENDER_CONFIRMED: lazy_gettext("Ended the contract early"),
    EntryType.CONTRACT_ENDED: lazy_gettext("The contract ended"),
    EntryType.CONSULTATION_ASKED: lazy_gettext("Asked the insurer a question"),
    EntryType.CONSULTATION_ANSWERED: lazy_gettext("The insurer answered a question"),
    EntryType.PUBLICATION_CONSENTED: lazy_gettext("Agreed to a public answer"),
    EntryType.PUBLICATION_CONSENT_WITHDRAWN: lazy_gettext("Took back the consent to a public answer"),
    EntryType.HOLD_OPENED: lazy_gettext("A dispute began; the records are held"),
    EntryType.HOLD_CLOSED: lazy_gettext("A dispute ended"),
    EntryType.DATA_RESTRICTED: lazy_gettext("Account closed, records restricted"),
    EntryType.ERASURE_REFUSED: lazy_gettext("Erasure refused because of a dispute"),
    EntryType.DATA_ERASED: lazy_gettext("Personal data erased"),
    EntryType.EVIDENCE_READ: lazy_gettext("Evidence of this contract was read"),
    EntryType.SALE_VIEWED: lazy_gettext("Staff looked at this sale"),
    EntryType.LOG_KEY_ROTATED: lazy_gettext("The log signs with a new key"),
    EntryType.LOG_STAMPED: lazy_gettext("The log was time-stamped"),
    EntryType.PAGES_RELEASED: lazy_gettext("Sales pages were released"),
    EntryType.ANNOUNCEMENT_RELEASED: lazy_gettext("An announcement was released"),
}
