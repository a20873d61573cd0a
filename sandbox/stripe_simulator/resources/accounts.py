"""Connected accounts and the links that lead their people to the set-up page. https://docs.stripe.com/api/accounts."""

import secrets
from typing import Annotated, Literal

from pydantic import Field

from sandbox.stripe_simulator.endpoint import Endpoint
from sandbox.stripe_simulator.errors import JsonObject, invalid_request
from sandbox.stripe_simulator.ledger import Ledger, new_id
from sandbox.stripe_simulator.parameters import (
    Currency,
    Email,
    ListRequest,
    Metadata,
    Part,
    Request,
    Text,
    WebAddress,
    merged,
)

PATH, LINKS_PATH = "/v1/accounts", "/v1/account_links"
LINK_LASTS_SECONDS = 300
CURRENCY_OF = {"AU": "aud", "CA": "cad", "CH": "chf", "CN": "cny", "GB": "gbp", "HK": "hkd", "JP": "jpy", "SG": "sgd"}
"""Where it is not US dollars or, in the European Union, euros."""
EURO = frozenset(
    [
        "AT",
        "BE",
        "CY",
        "DE",
        "EE",
        "ES",
        "FI",
        "FR",
        "GR",
        "HR",
        "IE",
        "IT",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "PT",
        "SI",
        "SK",
    ]
)
DUE_AT_FIRST = ("business_profile.url", "external_account", "tos_acceptance.date", "tos_acceptance.ip")

State = Literal["in_good_standing", "restricted", "rejected"]


class Capability(Part):
    requested: bool


class Capabilities(Part):
    card_payments: Capability | None = None
    transfers: Capability | None = None


class BusinessProfile(Part):
    mcc: Text | None = None
    name: Text | None = None
    product_description: Text | None = None
    support_email: Email | None = None
    support_phone: Text | None = None
    support_url: WebAddress | None = None
    url: WebAddress | None = None


class UpdateAccount(Request):
    business_profile: BusinessProfile | None = None
    business_type: Literal["company", "government_entity", "individual", "non_profit"] | None = None
    capabilities: Capabilities | None = None
    default_currency: Currency | None = None
    email: Email | None = None
    metadata: Metadata = Field(default_factory=dict)


class CreateAccount(UpdateAccount):
    type: Literal["standard", "express", "custom"] = "standard"
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] = "US"


class CreateLink(Request):
    account: Text
    type: Literal["account_onboarding", "account_update"]
    refresh_url: WebAddress
    return_url: WebAddress


class RejectAccount(Request):
    reason: Literal["fraud", "terms_of_service", "other"]


def create(ledger: Ledger, asked: CreateAccount) -> JsonObject:
    """A new account cannot be charged for or paid until its people have been through the set-up page."""
    account_id = new_id("acct")
    account = ledger.add(
        {
            "id": account_id,
            "object": "account",
            "business_profile": _profile(asked),
            "business_type": asked.business_type,
            "capabilities": _requested(asked),
            "charges_enabled": False,
            "controller": _controller(asked.type),
            "country": asked.country,
            "created": ledger.now,
            "default_currency": asked.default_currency or _currency(asked.country),
            "details_submitted": False,
            "email": asked.email,
            "external_accounts": {
                "object": "list",
                "data": [],
                "has_more": False,
                "url": f"{PATH}/{account_id}/external_accounts",
            },
            "future_requirements": _requirements(),
            "metadata": dict(asked.metadata),
            "payouts_enabled": False,
            "requirements": _requirements(due=DUE_AT_FIRST, disabled="requirements.past_due"),
            "settings": _settings(),
            "tos_acceptance": {"date": None, "ip": None, "user_agent": None},
            "type": asked.type,
        }
    )
    _tell(ledger, account)
    return account


def _currency(country: str) -> str:
    return CURRENCY_OF.get(country, "eur" if country in EURO else "usd")


def _profile(asked: CreateAccount) -> JsonObject:
    absent = ("annual_revenue", "estimated_worker_count", "minority_owned_business_designation", "support_address")
    given = (asked.business_profile or BusinessProfile()).model_dump()
    return dict.fromkeys(absent) | given


def _requested(asked: UpdateAccount) -> dict[str, str]:
    given = (asked.capabilities or Capabilities()).model_dump(exclude_none=True)
    return {name: "inactive" for name, capability in given.items() if capability["requested"]}


def _controller(kind: str) -> JsonObject:
    if kind == "standard":
        return {"type": "account"}
    return {
        "type": "application",
        "fees": {"payer": "application"},
        "is_controller": True,
        "losses": {"payments": "application"},
        "requirement_collection": "stripe" if kind == "express" else "application",
        "stripe_dashboard": {"type": "express" if kind == "express" else "none"},
    }


def _requirements(due: tuple[str, ...] = (), disabled: str | None = None) -> JsonObject:
    return {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": list(due),
        "disabled_reason": disabled,
        "errors": [],
        "eventually_due": list(due),
        "past_due": list(due) if disabled else [],
        "pending_verification": [],
    }


def _settings() -> JsonObject:
    return {
        "branding": dict.fromkeys(("icon", "logo", "primary_color", "secondary_color")),
        "card_payments": {
            "decline_on": {"avs_failure": False, "cvc_failure": False},
            "statement_descriptor_prefix": None,
            "statement_descriptor_prefix_kana": None,
            "statement_descriptor_prefix_kanji": None,
        },
        "dashboard": {"display_name": None, "timezone": "Etc/UTC"},
        "payments": dict.fromkeys(
            (
                "statement_descriptor",
                "statement_descriptor_kana",
                "statement_descriptor_kanji",
            )
        ),
        "payouts": {
            "debit_negative_balances": True,
            "schedule": {"delay_days": 2, "interval": "manual"},
            "statement_descriptor": None,
        },
    }


def _tell(ledger: Ledger, account: JsonObject) -> None:
    """`account.updated` is an event of the connected account, for endpoints that listen to those (`connect`)."""
    ledger.on(account["id"]).announce("account.updated", account)


def onboard(ledger: Ledger, account: JsonObject) -> None:
    """Its people have given everything asked for: what was requested works."""
    ledger.change(account, details_submitted=True, tos_acceptance={"date": ledger.now, "ip": None, "user_agent": None})
    put(ledger, account, "in_good_standing")


def put(ledger: Ledger, account: JsonObject, state: State) -> JsonObject:
    """Let an account work, restrict it (something is missing again) or reject it for good."""
    works = state == "in_good_standing"
    reason = {"in_good_standing": None, "restricted": "requirements.past_due", "rejected": "rejected.fraud"}[state]
    due = ("business_profile.url",) if state == "restricted" else ()
    ledger.change(
        account,
        capabilities=dict.fromkeys(account["capabilities"], "active" if works else "inactive"),
        charges_enabled=works,
        payouts_enabled=works,
        requirements=_requirements(due, reason),
    )
    _tell(ledger, account)
    return account


def check_receives(ledger: Ledger, account_id: str, param: str) -> JsonObject:
    """The account money can be transferred to.

    :raises ApiError: there is none, or it may not receive transfers now.
    """
    account = ledger.find("account", account_id, param, status=400)
    if account["capabilities"].get("transfers") != "active":
        raise invalid_request(
            "Your destination account needs to have at least one of the following capabilities enabled: transfers.",
            code="insufficient_capabilities_for_transfer",
            param=param,
        )
    return account


def update(ledger: Ledger, asked: UpdateAccount, account_id: str) -> JsonObject:
    account = ledger.find("account", account_id, "account")
    changes = asked.model_dump(include=asked.model_fields_set & {"business_type", "default_currency", "email"})
    if asked.business_profile is not None:
        given = asked.business_profile.model_dump(exclude_unset=True)
        changes["business_profile"] = account["business_profile"] | given
    now_works = "active" if account["charges_enabled"] else "inactive"
    fresh = {name: now_works for name in _requested(asked) if name not in account["capabilities"]}
    ledger.change(
        account,
        **changes,
        capabilities=account["capabilities"] | fresh,
        metadata=merged(account["metadata"], asked.metadata),
    )
    _tell(ledger, account)
    return account


def reject(ledger: Ledger, asked: RejectAccount, account_id: str) -> JsonObject:
    account = put(ledger, ledger.find("account", account_id, "account"), "rejected")
    reason = {"fraud": "rejected.fraud", "terms_of_service": "rejected.terms_of_service", "other": "rejected.other"}
    return ledger.change(account, requirements=_requirements(disabled=reason[asked.reason]))


def link(ledger: Ledger, asked: CreateLink) -> JsonObject:
    """An address for the account's people: good once, for five minutes."""
    account = ledger.find("account", asked.account, "account", status=400)
    if asked.type == "account_update" and account["controller"].get("requirement_collection") != "application":
        message = "You cannot create `account_update` links for this account: Stripe collects what it has to give."
        raise invalid_request(message, param="type")
    token = secrets.token_urlsafe(18)
    ledger.records.save_private(
        account["id"],
        {
            "token": token,
            "expires_at": ledger.now + LINK_LASTS_SECONDS,
            "refresh_url": asked.refresh_url,
            "return_url": asked.return_url,
        },
    )
    return {
        "object": "account_link",
        "created": ledger.now,
        "expires_at": ledger.now + LINK_LASTS_SECONDS,
        "url": f"{ledger.public_url}/setup/{account['id']}/{token}",
    }


def retrieve(ledger: Ledger, _asked: Request, account_id: str) -> JsonObject:
    return ledger.find("account", account_id, "account")


def page(ledger: Ledger, asked: ListRequest) -> JsonObject:
    return ledger.page("account", PATH, asked)


ENDPOINTS = (
    Endpoint("POST", PATH, CreateAccount, create),
    Endpoint("GET", PATH, ListRequest, page),
    Endpoint("GET", f"{PATH}/<account_id>", Request, retrieve),
    Endpoint("POST", f"{PATH}/<account_id>", UpdateAccount, update),
    Endpoint("POST", f"{PATH}/<account_id>/reject", RejectAccount, reject),
    Endpoint("POST", LINKS_PATH, CreateLink, link),
)
