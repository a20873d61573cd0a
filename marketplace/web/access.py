"""Who may enter by which door. Every endpoint has a row; one without is refused, and a test compares both lists.

`PageClass` follows the notice on traceable sales (T26-04): sales pages lie behind the entry prompt and are recorded.
"""

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit
from uuid import UUID

from flask import Flask, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Account, Bucket, Desk, MessageRequest
from marketplace.infra.db import narrow_scope
from marketplace.traceability.values import VISITOR, Actor, ActorRole
from marketplace.web import sessions


class PageClass(StrEnum):
    NON_SALES = "non_sales"
    SALES = "sales"
    SERVICE = "service"
    STAFF = "staff"
    MACHINE = "machine"


class Who(StrEnum):
    """`anyone` includes the signed in; a sales page asks the application itself whose it is.

    `signed_in` is every role; `second_step` is staff who gave their password, before and after the second factor.
    """

    ANYONE = "anyone"
    SIGNED_IN = "signed_in"
    SECOND_STEP = "second_step"
    CUSTOMER = "customer"
    INSURER = "insurer"
    BACKOFFICE = "backoffice"


@dataclass(frozen=True, slots=True)
class Door:
    """One endpoint's rule.

    `step_up`: the person must have proven who they are within the last minutes. `limit`: what each unsafe request is
    counted in by its source before anything is done. `audited`: reading here looks into a customer's file and leaves an
    entry; what staff change is always audited.
    """

    who: Who
    page_class: PageClass
    step_up: bool = False
    limit: Bucket | None = None
    audited: bool = False


def _doors(
    who: Who,
    page_class: PageClass,
    *endpoints: str,
    step_up: bool = False,
    limit: Bucket | None = None,
    audited: bool = False,
) -> dict[str, Door]:
    return {endpoint: Door(who, page_class, step_up, limit, audited) for endpoint in endpoints}


ACCESS: dict[str, Door] = {
    **_doors(
        Who.ANYONE, PageClass.NON_SALES,
        "static", "home.home", "home.choose_language", "compare.ask", "compare.comparison", "compare.ranking",
        "product.offer", "product.document", "product.document_bytes", "verify.check", "legal.disclosure_page",
        "legal.recording", "legal.privacy", "legal.security_txt",
        "account.sign_in", "account.sign_out", "account.register", "account.confirm", "account.reset_request",
        "account.reset", "account.find", "account.find_code",
    ),
    **_doors(
        Who.ANYONE, PageClass.SALES,
        "application.enter", "application.email", "application.code", "application.people", "application.questions",
        "application.document", "application.exclusions", "application.review", "application.ended",
        "application.resume", "checkout.pay", "checkout.returned", "checkout.done", "checkout.policy_document",
    ),
    **_doors(Who.ANYONE, PageClass.NON_SALES, "factor.sign_in_options", "factor.sign_in_passkey"),
    **_doors(
        Who.SECOND_STEP, PageClass.STAFF,
        "factor.verify", "factor.verify_options", "factor.verify_passkey", "factor.setup", "factor.passkey_options",
        "factor.add_passkey", "factor.begin_authenticator", "factor.authenticator",
    ),
    **_doors(Who.SIGNED_IN, PageClass.SERVICE, "security.overview", "security.confirm", "security.send_code"),
    **_doors(
        Who.SIGNED_IN, PageClass.SERVICE,
        "security.end_session", "security.end_others", "security.password", "factor.remove", "factor.recovery_codes",
        step_up=True,
    ),
    **_doors(Who.CUSTOMER, PageClass.SERVICE, "policy.policies", "policy.policy", "policy.document"),
    **_doors(Who.ANYONE, PageClass.NON_SALES, "register.data", "privacy.closed"),
    **_doors(Who.CUSTOMER, PageClass.SERVICE, "privacy.overview", "privacy.ask"),
    **_doors(Who.CUSTOMER, PageClass.SERVICE, "privacy.export", "privacy.download", "privacy.close", step_up=True),
    **_doors(Who.BACKOFFICE, PageClass.STAFF, "data_desk.desk", "data_desk.request"),
    **_doors(
        Who.INSURER, PageClass.STAFF,
        "insurer_sales.sales", "insurer_products.products",
    ),
    **_doors(
        Who.INSURER, PageClass.STAFF,
        "insurer_sales.sale", "insurer_sales.policy_document",
        audited=True,
    ),
    **_doors(
        Who.BACKOFFICE, PageClass.STAFF,
        "sales_log.sales",
    ),
    **_doors(
        Who.BACKOFFICE, PageClass.STAFF,
        "sales_log.sale", "sales_log.page", "sales_log.stored_page", "sales_log.policy_document",
        audited=True,
    ),
    **_doors(
        Who.ANYONE, PageClass.MACHINE,
        "health.live", "health.ready", "stripe.receive", "inbox.messages", "inbox.message", "inbox.body",
        "inbox.attachment", "inbox.source",
    ),
}  # fmt: skip

DESK_OF = {Who.CUSTOMER: Desk.CUSTOMER, Who.INSURER: Desk.INSURER, Who.BACKOFFICE: Desk.BACKOFFICE}


def guard(app: Flask) -> None:
    """Let nobody through a door that is not theirs."""
    sessions.keep_cookies(app)

    @app.before_request
    def at_the_door() -> ResponseReturnValue | None:
        if request.endpoint is None:
            return None
        door = ACCESS.get(request.endpoint)
        if door is None:
            abort(404)
        if door.who is Who.ANYONE:
            return None
        if door.who is Who.SECOND_STEP:
            return None if second_step_of() else _to_sign_in()
        account = signed_in()
        if account is None:
            return _to_sign_in()
        if door.who is not Who.SIGNED_IN and account.role.desk is not DESK_OF[door.who]:
            abort(403)
        if door.step_up and not stepped_up():
            return _to_confirm(account)
        if door.who is Who.INSURER and account.insurer_id is not None:
            narrow_scope(account.insurer_id)
        return None


def _to_sign_in() -> ResponseReturnValue:
    """To the second step where the first was taken, else to the beginning; then back here."""
    endpoint = "factor.verify" if second_step_of() else "account.sign_in"
    return redirect(url_for(endpoint, next=request.full_path.rstrip("?")))


def _to_confirm(account: Account) -> ResponseReturnValue:
    """To the page that asks for a fresh proof, then back: here, or to the page whose form was sent."""
    back = request.full_path.rstrip("?") if request.method == "GET" else urlsplit(request.referrer or "").path
    endpoint = "factor.verify" if account.role.is_staff else "security.confirm"
    return redirect(url_for(endpoint, next=back), 303)


def signed_in() -> Account | None:
    """The account of this session, if any: for staff only after the second step."""
    found = sessions.behind()
    return found[1] if found is not None and found[0].whole else None


def second_step_of() -> Account | None:
    """The member of staff whose second step this session may take, for the first time or afresh."""
    found = sessions.behind()
    return found[1] if found is not None and found[1].role.is_staff else None


def stepped_up() -> bool:
    """Whether the person of this session proved to be there within the last minutes."""
    found = sessions.behind()
    return found is not None and accounts.is_fresh(found[0])


def session_id() -> UUID:
    """The id of this request's session, behind a door that asks for one."""
    found = sessions.behind()
    if found is None:
        abort(403)
    return found[0].id


def here() -> Account:
    """The account of this session behind a door that asks for one."""
    account = signed_in()
    if account is None:
        abort(403)
    return account


def customer() -> Account | None:
    """The signed-in customer; staff never act as one (T26-25)."""
    account = signed_in()
    return account if account is not None and account.role.desk is Desk.CUSTOMER else None


def sign_in(account: Account) -> MessageRequest | None:
    """Begin a session of `account` under new cookies; the journey goes on. Staff are in after the second step only.

    Returns the mail to queue when the account was never signed in at this browser.
    """
    return sessions.begin(account)


def renew(*, second_factor: bool = False) -> MessageRequest | None:
    """After a fresh proof: new tokens for this session, whole after a second factor. Returns the mail to queue."""
    return sessions.renew(second_factor=second_factor)


def sign_out() -> None:
    """End the session, on the server too."""
    sessions.end()


def actor() -> Actor:
    """Who acts, for the trail."""
    account = signed_in()
    if account is None:
        return VISITOR
    role = {Desk.CUSTOMER: ActorRole.CUSTOMER, Desk.INSURER: ActorRole.INSURER, Desk.BACKOFFICE: ActorRole.ADMIN}
    return Actor(role[account.role.desk], account.id, account.role.value)


def device() -> str | None:
    """The token by which this browser is known again, if it was ever signed in."""
    return sessions.device()


def source() -> str:
    """Where a request comes from, for limits. Forged proxy headers are not believed."""
    return request.remote_addr or "unknown"
