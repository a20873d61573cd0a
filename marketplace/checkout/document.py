"""What the papers about the money of an order say, ready to print: for `templates/document/receipt.typ` and
`refund_letter.typ`, whose heads state the shapes. Policy numbers, seals and keeps them.

Equal contracts, payment and locale give equal data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, assert_never
from zoneinfo import ZoneInfo

from marketplace.catalog.values import PaymentMethod
from marketplace.checkout.values import Order
from marketplace.infra.formatting import ZONE, format_day, format_instant, format_money, use_locale
from marketplace.infra.formatting import gettext as _
from marketplace.infra.letterhead import LEGAL_NAME, Letterhead
from marketplace.kernel.money import Money
from marketplace.kernel.text import LocalizedText
from marketplace.payment.values import Attempt, Refund, RefundReason
from marketplace.policy.values import Policy

_TAX = "tax"


@dataclass(frozen=True, slots=True)
class Paid:
    """An order that was paid, by which attempt and by whom; `payer` is None where nobody's name is known any more."""

    order: Order
    attempt: Attempt
    payer: str | None

    @property
    def at(self) -> datetime:
        """When the money of this attempt was taken for the order, or came in for none."""
        return self.attempt.succeeded_at or self.attempt.settled_at or self.attempt.created_at


def receipt(
    number: str, paid: Paid, contracts: Sequence[Policy], issued_at: datetime, agency: Letterhead
) -> dict[str, Any]:
    """The receipt of a payment for the contracts that were concluded on it."""
    locale = paid.order.locale
    with use_locale(locale):
        return {
            "notice": _notice(agency),
            "number": number,
            "issued": _point(issued_at),
            "payer": paid.payer,
            "agency": _agency(agency, locale),
            "facts": _payment_facts(paid, locale),
            "contracts": [_contract(each, locale) for each in contracts],
            "taxes": _taxes(contracts, locale),
            "currency": paid.order.total.currency,
            "total": _amount(paid.order.total.minor, paid.order.total.currency),
            "notes": [
                _("We received this money for the insurers named above. The premium is theirs, not ours."),
                _(
                    "This receipt is no tax invoice. Where the law gives you one, the insurer issues it; we ask for it on your behalf if you write to %(email)s.",  # noqa: E501
                    email=agency.support_email,
                ),
            ],
            "labels": _labels()
            | {
                "receipt": _("Receipt"),
                "payer": _("Paid by"),
                "received_by": _("Received by"),
                "insurer": _("Insurer"),
                "policy_number": _("Policy number"),
                "premium_line": _("Part of the premium"),
                "amount": _("Amount"),
                "subtotal": _("Premium of this policy"),
                "total": _("Total"),
                "taxes": _("of which"),
            },
        }


def refund_letter(
    number: str, paid: Paid, refund: Refund, agency: Letterhead, before: str | None = None
) -> dict[str, Any]:
    """The letter that tells what goes back, why, to where, and when to expect it. `before`: the number of the letter
    about an earlier sending, which came back.
    """
    locale = paid.order.locale
    sent_at = refund.settled_at or refund.requested_at
    with use_locale(locale):
        returned = format_money(refund.amount)
        return {
            "notice": _notice(agency),
            "number": number,
            "issued": _point(sent_at),
            "recipient": paid.payer,
            "agency": _agency(agency, locale),
            "amount": _amount(refund.amount.minor, refund.amount.currency),
            "currency": refund.amount.currency,
            "subject": _("We have returned %(amount)s to you", amount=returned),
            "paragraphs": [
                *_once_more(before),
                _why(refund.reason),
                _(
                    "The money goes back the way it came: by %(method)s. We cannot send it anywhere else.",
                    method=_method(paid.attempt, locale),
                ),
                _(
                    "We sent it on %(day)s. Banks usually show it within five to ten working days. If it is not there by then, write to %(email)s and name the number of this letter.",  # noqa: E501
                    day=_day(sent_at),
                    email=agency.support_email,
                ),
            ],
            "facts": [
                _fact(_("Returned"), returned),
                _fact(_("Sent on"), _day(sent_at)),
                *_payment_facts(paid, locale),
                _fact(_("Paid amount"), format_money(paid.attempt.received or paid.attempt.amount)),
            ],
            "labels": _labels() | {"letter": _("Refund letter"), "to": _("Recipient"), "from": _("Sender")},
        }


def _taxes(contracts: Sequence[Policy], locale: str) -> list[dict[str, Any]]:
    """What of the whole is tax, each tax once."""
    sums: dict[str, Money] = {}
    for each in contracts:
        for line in each.body["premium"]["lines"]:
            if line["kind"] == _TAX:
                label, amount = _said(line["label"], locale), Money(line["minor"], each.premium.currency)
                sums[label] = sums.get(label, Money.zero(amount.currency)) + amount
    return [{"label": label, "amount": _amount(amount.minor, amount.currency)} for label, amount in sums.items()]


def _once_more(before: str | None) -> list[str]:
    if before is None:
        return []
    return [
        _(
            "This is the same refund of which our letter %(number)s told you: the money came back to us, and we have sent it once more. This letter replaces that one.",  # noqa: E501
            number=before,
        )
    ]


def _why(reason: RefundReason) -> str:
    match reason:
        case RefundReason.NOT_ISSUABLE:
            return _(
                "We could not conclude the contract you paid for. You are not covered, and the whole amount goes back."
            )
        case RefundReason.SECOND_PAYMENT:
            return _("Your order had been paid already, so this second payment goes back whole.")
        case RefundReason.LATE_PAYMENT:
            return _(
                "Your payment came in after its payment page was closed, so it goes back whole. Nothing was bought with it."  # noqa: E501
            )
        case RefundReason.AMOUNT_MISMATCH:
            return _(
                "The amount that came in was not the one that was asked for, so it goes back. Nothing was bought with it."  # noqa: E501
            )
        case RefundReason.WITHDRAWN:
            return _(
                "You withdrew from your contract within its cooling-off period. What you paid for it goes back to you; nothing is deducted."  # noqa: E501
            )
        case RefundReason.SURRENDERED:
            return _(
                "You ended your contract early. This is what goes back of this payment, of what the contract was worth on that day by its own terms."  # noqa: E501
            )
        case RefundReason.CONTRACT_ENDED:
            return _("Your contract ended early. This is what you get back of the money you paid for it.")
        case RefundReason.OVERCHARGED:
            return _("You paid more than was due for your contract. This is what was too much.")
        case RefundReason.GOODWILL:
            return _("We give you this amount back as a gesture of goodwill. Your contract does not change by it.")
        case _:
            assert_never(reason)


def _payment_facts(paid: Paid, locale: str) -> list[dict[str, str]]:
    return [
        _fact(_("Order"), paid.order.reference),
        _fact(_("Paid on"), _day(paid.at)),
        _fact(_("Method of payment"), _begun(_method(paid.attempt, locale))),
        _fact(_("Payment reference"), f"{paid.attempt.reference}/{paid.attempt.number}"),
    ]


def _method(attempt: Attempt, locale: str) -> str:
    method: PaymentMethod | None = attempt.method
    return _("the method you paid with") if method is None else method.words.in_(locale)


def _begun(words: str) -> str:
    """As a value of its own, not in a sentence."""
    return words[:1].upper() + words[1:]


def _contract(policy: Policy, locale: str) -> dict[str, Any]:
    body, currency = policy.body, policy.premium.currency
    insurer, period = body["insurer"], body["period"]
    return {
        "product": _said(body["product"]["name"], locale),
        "policy_number": policy.number,
        "period": _(
            "%(start)s to %(end)s, both days included",
            start=format_day(date.fromisoformat(period["start_on"])),
            end=format_day(date.fromisoformat(period["end_on"])),
        ),
        "insurer": {
            "name": _said(insurer["legal_name"], locale),
            "lines": [_("Licence %(number)s", number=insurer["licence_no"])],
        },
        "lines": [
            {"kind": line["kind"], "label": _said(line["label"], locale), "amount": _amount(line["minor"], currency)}
            for line in body["premium"]["lines"]
        ],
        "total": _amount(policy.premium.minor, currency),
    }


def _agency(agency: Letterhead, locale: str) -> dict[str, Any]:
    licence = [_("Licence %(number)s", number=agency.licence_number)] if agency.licence_number else []
    return {"name": LEGAL_NAME.in_(locale), "lines": [*licence, agency.support_email, agency.public_url]}


def _notice(agency: Letterhead) -> str | None:
    return _("SPECIMEN: a demonstration. No money moved.") if agency.demonstration else None


def _labels() -> dict[str, str]:
    return {
        "number": _("Number"),
        "issued": _("Issued"),
        "qr": _("QR code that leads to {url}"),
        "check": _("Check this paper"),
        "check_how": _("Anyone can check this file at"),
        "seal": _("Digitally sealed"),
        "page": _("Page {page} of {pages}"),
    }


def _said(words: Mapping[str, str], locale: str) -> str:
    return LocalizedText.from_json(words).in_(locale)


def _fact(label: str, value: str) -> dict[str, str]:
    return {"label": label, "value": value}


def _amount(minor: int, currency: str) -> dict[str, Any]:
    return {"text": format_money(Money(minor, currency)), "minor": minor}


def _day(at: datetime) -> str:
    return format_day(at.astimezone(ZoneInfo(ZONE)).date())


def _point(at: datetime) -> dict[str, str]:
    return {
        "text": format_instant(at, ZONE).replace("\u202f", " "),  # the narrow blank is in no font
        "iso": at.astimezone(ZoneInfo(ZONE)).isoformat(),
    }
