"""Who may enter by which door. Every endpoint has a row; one without is refused, and a test compares both lists.

`PageClass` follows the notice on traceable sales (T26-04): sales pages lie behind the entry prompt and are recorded.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from flask import Flask, abort, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Account, Bucket, Desk
from marketplace.kernel.errors import NotFound
from marketplace.traceability.values import VISITOR, Actor, ActorRole


class PageClass(StrEnum):
    NON_SALES = "non_sales"
    SALES = "sales"
    SERVICE = "service"
    STAFF = "staff"
    MACHINE = "machine"


class Who(StrEnum):
    """`anyone` includes the signed in; a sales page asks the application itself whose it is."""

    ANYONE = "anyone"
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
        "legal.recording", "legal.privacy",
        "account.sign_in", "account.sign_out", "account.register", "account.confirm", "account.reset_request",
        "account.reset", "account.find", "account.find_code",
    ),
    **_doors(
        Who.ANYONE, PageClass.SALES,
        "application.enter", "application.email", "application.code", "application.people", "application.questions",
        "application.document", "application.exclusions", "application.review", "application.ended",
        "application.resume", "checkout.pay", "checkout.returned", "checkout.done", "checkout.policy_document",
    ),
    **_doors(Who.CUSTOMER, PageClass.SERVICE, "policy.policies", "policy.policy", "policy.document"),
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


class SignedIn(UserMixin):
    """The account behind a session, as Flask-Login wants it."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def get_id(self) -> str:
        return f"{self.account.id}:{self.account.session_epoch}"


def guard(app: Flask) -> None:
    """Load the account of each session and let nobody through a door that is not theirs."""
    login = LoginManager(app)

    @login.user_loader
    def load(session_id: str) -> SignedIn | None:
        account_id, _, epoch = session_id.rpartition(":")
        try:
            account = accounts.account(UUID(account_id))
        except (NotFound, ValueError):
            return None
        return SignedIn(account) if str(account.session_epoch) == epoch else None

    @app.before_request
    def at_the_door() -> ResponseReturnValue | None:
        if request.endpoint is None:
            return None
        door = ACCESS.get(request.endpoint)
        if door is None:
            abort(404)
        if door.who is Who.ANYONE:
            return None
        account = signed_in()
        if account is None:
            return redirect(url_for("account.sign_in", next=request.full_path.rstrip("?")))
        if account.role.desk is not DESK_OF[door.who]:
            abort(403)
        return None


def signed_in() -> Account | None:
    """The account of this session, if any."""
    user: Any = current_user
    return user.account if user.is_authenticated else None


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


def sign_in(account: Account) -> None:
    """Begin a session of `account` under a new cookie; the journey goes on."""
    journey, locale = session.get("journey"), session.get("locale")
    session.clear()
    if journey:
        session["journey"] = journey
    if locale:
        session["locale"] = locale
    login_user(SignedIn(account))


def sign_out() -> None:
    locale = session.get("locale")
    logout_user()
    session.clear()
    if locale:
        session["locale"] = locale


def actor() -> Actor:
    """Who acts, for the trail."""
    account = signed_in()
    if account is None:
        return VISITOR
    role = {Desk.CUSTOMER: ActorRole.CUSTOMER, Desk.INSURER: ActorRole.INSURER, Desk.BACKOFFICE: ActorRole.ADMIN}
    return Actor(role[account.role.desk], account.id, account.role.value)


def source() -> str:
    """Where a request comes from, for limits. Forged proxy headers are not believed."""
    return request.remote_addr or "unknown"
