"""Messages with everything filled in that a test does not care about."""

from typing import Any

from marketplace.correspondence.values import MessageKind, QueueMessage
from marketplace.kernel.ids import new_id

_A_CONTRACT: dict[str, Any] = {
    "policy_number": "EF-HARBOUR-2026-000042",
    "product_name": "Harbour Term 20",
    "insurer_name": "Harbour Life Insurance Co.",
    "card": "Visa 4242",
    "link": "http://localhost:8000/policies/1#premiums",
}
_A_PREMIUM: dict[str, Any] = _A_CONTRACT | {
    "amount": {"minor": 128_400, "currency": "CNY"},
    "number": 2,
    "collect_on": "2027-12-01",
    "grace_until": "2028-01-30",
    "why": "",
    "again_on": "2027-12-04",
}
CONTEXTS: dict[MessageKind, dict[str, Any]] = {
    MessageKind.APPLICATION_CODE: {"code": "482913", "minutes": 15},
    MessageKind.FIND_PURCHASE_CODE: {"code": "482913", "minutes": 1},
    MessageKind.CONFIRM_ADDRESS: {"link": "http://localhost:8000/confirm/abc", "minutes": 30},
    MessageKind.CONFIRM_APPLICANT: {"link": "http://localhost:8000/insurers/apply/abc", "days": 2},
    MessageKind.SITE_REPORT_ANSWERED: {"reference": "R-7KMF-94QC", "answer": "SPECIMEN"},
    MessageKind.APPLICANT_REJECTED: {"reference": "I-7KMF-94QC", "reason": "SPECIMEN"},
    MessageKind.JOIN_INSURER: {
        "link": "http://localhost:8000/join/abc",
        "days": 7,
        "insurer_name": "Harbour Life Insurance Co.",
    },
    MessageKind.INVITATION_WITHDRAWN: {"insurer_name": "Harbour Life Insurance Co."},
    MessageKind.ACCESS_ENDED: {"insurer_name": "Harbour Life Insurance Co."},
    MessageKind.ADDRESS_IN_USE: {
        "sign_in_link": "http://localhost:8000/sign-in",
        "reset_link": "http://localhost:8000/reset",
    },
    MessageKind.PASSWORD_RESET: {"link": "http://localhost:8000/reset/abc", "minutes": 30},
    MessageKind.CONFIRM_IDENTITY_CODE: {"code": "482913", "minutes": 10},
    MessageKind.NO_ACCOUNT: {"register_link": "http://localhost:8000/register"},
    MessageKind.NEW_DEVICE: {
        "device": "Firefox, Linux",
        "security_link": "http://localhost:8000/account/security",
        "reset_link": "http://localhost:8000/reset",
    },
    MessageKind.PASSWORD_CHANGED: {"reset_link": "http://localhost:8000/reset"},
    MessageKind.FACTOR_CHANGED: {
        "change": "passkey_added",
        "security_link": "http://localhost:8000/account/security",
        "reset_link": "http://localhost:8000/reset",
    },
    MessageKind.SECOND_STEP_GUESSED: {"reset_link": "http://localhost:8000/reset"},
    MessageKind.POLICY_ISSUED: {
        "name": "Li Na",
        "policy_number": "EF-HARBOUR-2026-000042",
        "check_code": "7KMF94QC",
        "product_name": "Harbour Term 20",
        "insurer_name": "Harbour Life Insurance Co.",
        "insurer_phone": "400-000-0001",
        "insured_names": ["Li Na", "张伟"],
        "start_on": "2026-12-01",
        "end_on": "2046-11-30",
        "zone": "Asia/Shanghai",
        "premium": {"minor": 128_400, "currency": "CNY"},
        "cooling_off_days": 15,
        "ended_on": "",
        "policy_link": "http://localhost:8000/policies/42",
        "verify_link": "http://localhost:8000/verify",
    },
    MessageKind.POLICY_RECEIPT: {
        "name": "Li Na",
        "policy_number": "EF-HARBOUR-2026-000042",
        "product_name": "Harbour Term 20",
        "trust_policy": "http://localhost:8000/log/trust.policy",
        "guide_link": "http://localhost:8000/verify/evidence",
    },
    MessageKind.PAYMENT_RECEIPT: {
        "receipt_number": "RC-2026-000042",
        "order_reference": "O-7KMF-94QC",
        "amount": {"minor": 128_400, "currency": "CNY"},
    },
    **{
        kind: {
            "name": "Li Na",
            "application_reference": "A-7KMF-94QC",
            "product_name": "Harbour Term 20",
            "insurer_name": "Harbour Life",
            "application_link": "http://localhost:8000/application/1",
        }
        | days
        for kind, days in {
            MessageKind.APPLICATION_ACCEPTED: {"held_until": "2026-12-06"},
            MessageKind.APPLICATION_COUNTERED: {"held_until": "2026-12-06"},
            MessageKind.APPLICATION_POSTPONED: {"again_on": "2027-06-01"},
            MessageKind.APPLICATION_REFUSED: {},
            MessageKind.APPLICATION_ASKED: {},
        }.items()
    },
    MessageKind.APPLICATION_REFERRED: {
        "name": "Li Na",
        "application_reference": "A-7KMF-94QC",
        "product_name": "Harbour Term 20",
        "insurer_name": "Harbour Life",
        "application_link": "http://localhost:8000/application/1/referred",
    },
    MessageKind.APPLICATION_DECLINED: {
        "name": "Li Na",
        "application_reference": "A-7KMF-94QC",
        "product_name": "Harbour Term 20",
        "insurer_name": "Harbour Life",
        "application_link": "http://localhost:8000/application/1/declined",
    },
    MessageKind.INSURED_ASKED: {
        "name": "Li Na",
        "applicant_name": "Li Na",
        "product_name": "Harbour Term 20",
        "insurer_name": "Harbour Life",
        "link": "http://localhost:8000/consent/abc",
        "days": 7,
    },
    MessageKind.INSURED_ANSWERED: {
        "name": "Li Na",
        "insured_name": "Wang Jun",
        "agreed": True,
        "application_reference": "A-7KMF-94QC",
        "product_name": "Harbour Term 20",
        "application_link": "http://localhost:8000/application/1",
    },
    MessageKind.PREMIUM_ANNOUNCED: _A_PREMIUM,
    MessageKind.PREMIUM_DUE: _A_PREMIUM,
    MessageKind.PREMIUM_FAILED: _A_PREMIUM | {"why": "bank_asks"},
    MessageKind.PREMIUM_PAID: _A_PREMIUM,
    MessageKind.CARD_KEPT: _A_CONTRACT,
    MessageKind.CONTRACT_WITHDRAWN: {
        "policy_number": "EF-HARBOUR-2026-000042",
        "product_name": "Harbour Term 20",
        "insurer_name": "Harbour Life",
        "insurer_phone": "400-000-0001",
        "amount": {"minor": 128_400, "currency": "CNY"},
        "withdrawn_at": "2026-11-30T01:12:00+00:00",
        "zone": "Asia/Shanghai",
        "link": "http://localhost:8000/policies/1",
    },
    MessageKind.CONTRACT_SURRENDERED: {
        "policy_number": "EF-HARBOUR-2026-000042",
        "product_name": "Harbour Term 20",
        "insurer_name": "Harbour Life",
        "insurer_phone": "400-000-0001",
        "amount": {"minor": 49_315, "currency": "CNY"},
        "ends_on": "2026-12-30",
        "begun": True,
        "total": {"minor": 49_315, "currency": "CNY"},
        "made": [
            {
                "of": {"minor": 120_000, "currency": "CNY"},
                "percent": "75",
                "value": {"minor": 49_315, "currency": "CNY"},
                "unused": 200,
                "days": 365,
            }
        ],
        "years": None,
        "before_start": False,
        "last_year": False,
        "link": "http://localhost:8000/policies/1",
    },
    MessageKind.REFUND_MADE: {"order_reference": "O-7KMF-94QC", "amount": {"minor": 128_400, "currency": "CNY"}},
    MessageKind.DATA_EXPORT_READY: {"link": "http://localhost:8000/account/data", "days": 7},
    MessageKind.DATA_REQUEST_ANSWERED: {"reference": "D-7KMF-94QC", "link": "http://localhost:8000/account/data"},
    MessageKind.ACCOUNT_CLOSED: {
        "contracts": [{"number": "EF-HARBOUR-2026-000042", "kept_until": "2056-11-30"}],
        "link": "http://localhost:8000/privacy/data",
    },
    MessageKind.CONSULTATION_CODE: {"code": "493027", "minutes": 10},
    MessageKind.CONSULTATION_ANSWERED: {
        "reference": "Q-7KMF-94QC",
        "insurer_name": "Harbour Life",
        "link": "http://localhost:8000/account/questions/1",
    },
    MessageKind.COMPARISON_LINK: {
        "line_name": "Term life",
        "reference": "Q-7KMF-94QC",
        "valid_until": "December 6, 2026",
        "link": "http://localhost:8000/compare/term_life/Q-7KMF-94QC",
    },
    MessageKind.PAYMENT_NOT_ISSUABLE: {
        "order_reference": "O-7KMF-94QC",
        "product_name": "Harbour Term 20",
        "amount": {"minor": 128_400, "currency": "CNY"},
    },
}


def a_message(kind: MessageKind = MessageKind.POLICY_ISSUED, **changes: Any) -> QueueMessage:
    context = CONTEXTS[kind] | changes.pop("context", {})
    parts: dict[str, Any] = {"subject_key": str(new_id()), "recipient": "li.na@customer.example", "locale": "en"}
    return QueueMessage(kind=kind, context=context, **(parts | changes))
