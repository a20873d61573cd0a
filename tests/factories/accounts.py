"""Insurers, staff and customers, with everything filled in that a test does not care about."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

import pyotp
from sqlalchemy import update

from marketplace.accounts import services
from marketplace.accounts.models import PayeeRow
from marketplace.accounts.values import (
    Account,
    CodePurpose,
    CodeRequest,
    Insurer,
    InsurerApplication,
    InsurerDetails,
    MessageRequest,
    NewApplication,
    NewInsurer,
    NewStaff,
    NewTerm,
    Role,
)
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from marketplace.kernel.text import LocalizedText

PASSWORD = "three calm herons"
STEP = 30  # seconds for which an authenticator app shows a code
_numbers = count(1)
_authenticators: dict[UUID, "Authenticator"] = {}


def an_insurer(code: str = "harbour", **changes: Any) -> Insurer:
    parts: dict[str, Any] = {
        "legal_name": LocalizedText("Harbour Life Insurance Co.", "海港人寿保险有限公司"),
        "short_name": LocalizedText("Harbour Life", "海港人寿"),
        "licence_no": "SPECIMEN-0001",
        "phone": "400-000-0001",
        "email": "service@harbour.example",
        "colour": "#1f4e5f",
        "mark": "H",
        "regions": (),
        "fictional": True,
    }
    return services.register_insurer(NewInsurer(code=code, **(parts | changes)))


def an_application(code: str = "willow", email: str = "admin@willow.example", **changes: Any) -> NewApplication:
    """What an insurer sends that wants to come in."""
    party = NewInsurer(
        code=code,
        legal_name=LocalizedText("Willow General Insurance Co.", "柳林财产保险公司"),
        short_name=LocalizedText("Willow", "柳林财险"),
        licence_no="SPECIMEN-0009",
        phone="400-000-0009",
        email="service@willow.example",
        colour="#1f5f78",
        mark="W",
        regions=("shanghai",),
        active=False,
    )
    details = InsurerDetails(
        party,
        LocalizedText("Specimen Regulator", "样本监管机构"),
        LocalizedText("9 Specimen Road, Shanghai", "上海市样本路9号"),
        Decimal("201.5"),
        "Quarterly report",
        date(2026, 9, 30),
    )
    parts: dict[str, Any] = {"admin_name": "Mei Lan", "papers": (("licence.pdf", b"%PDF-1.7 licence"),), "locale": "en"}
    return NewApplication(details, admin_email=email, **(parts | changes))


def an_applicant(new: NewApplication | None = None) -> InsurerApplication:
    """An insurer that applied and whose address is proven. Commits nothing."""
    return services.confirm_applicant(token_in(services.apply_as_insurer(new or an_application())))


def a_member_of_staff(role: Role = Role.ADMIN_SALES, insurer: Insurer | None = None, **changes: Any) -> Account:
    parts: dict[str, Any] = {"email": f"staff{next(_numbers)}@evenfold.example", "name": "Staff", "password": PASSWORD}
    return services.create_staff(NewStaff(role=role, insurer_id=insurer.id if insurer else None, **(parts | changes)))


def agreed_terms(insurer: Insurer, line: str = "travel", basis_points: int = 1500) -> None:
    """What the marketplace keeps of a premium, agreed by both sides from today on. Commits nothing."""
    owner, admin = a_member_of_staff(Role.ADMIN_OWNER), a_member_of_staff(Role.INSURER_ADMIN, insurer)
    proposed = services.propose_terms(NewTerm(insurer.id, line, basis_points, clock.today(ZONE)), owner)
    services.accept_terms(proposed.id, admin)


def a_ready_payee(admin: Account) -> None:
    """The account at Stripe of this administrator's insurer, of which Stripe said that it works. Commits nothing."""
    payee = services.begin_payee(admin, "HK")
    said = {"charges_enabled": True, "payouts_enabled": True, "details_submitted": True, "seen_at": clock.now()}
    db.session.execute(
        update(PayeeRow).where(PayeeRow.id == payee.id).values(account_id=f"acct_{payee.id.hex}", **said)
    )


@dataclass
class Authenticator:
    """The app on somebody's phone. It shows each code once; who asks too fast gets a recovery code instead."""

    secret: str
    recovery_codes: list[str]
    last_step: int

    def code(self) -> str:
        now = int(clock.now().timestamp()) // STEP
        if self.last_step > now:
            return self.recovery_codes.pop()
        self.last_step = max(now, self.last_step + 1)
        return self.at(self.last_step)

    def at(self, step: int) -> str:
        return pyotp.TOTP(self.secret).generate_otp(step)


def an_authenticator(account: Account) -> Authenticator:
    """The app of this member of staff, set up two codes ago when it is asked for first. Commits nothing."""
    if account.id not in _authenticators:
        with clock.frozen(clock.now() - timedelta(seconds=2 * STEP)):
            secret = services.begin_one_time_codes(account.id).secret
            app = Authenticator(secret, [], int(clock.now().timestamp()) // STEP)
            added = services.confirm_one_time_codes(account.id, app.at(app.last_step))
        app.recovery_codes.extend(added.recovery_codes)
        _authenticators[account.id] = app
    return _authenticators[account.id]


def a_source() -> str:
    """A network address that nobody has used before."""
    number = next(_numbers)
    return f"198.18.{number // 256}.{number % 256}"


def a_guest(email: str = "guest@example.com", locale: str = "en") -> Account:
    """A customer who proved the address by a code and has no password."""
    source, purpose = a_source(), CodePurpose.APPLICATION_EMAIL
    asked = services.request_code(email, purpose, source, locale)
    return services.prove_code(email, purpose, asked.challenge_id, code_in(asked), source)


def a_customer(email: str = "customer@example.com", name: str = "Lin Yue", locale: str = "en") -> Account:
    """A registered customer with the password PASSWORD. Commits nothing."""
    source = a_source()
    message = services.register_customer(email, PASSWORD, name, source, locale)
    account = services.confirm_address(token_in(message), PASSWORD, source)
    db.session.flush()
    return account


def code_in(asked: CodeRequest) -> str:
    return str(asked.mail.context["code"])


def token_in(message: MessageRequest | None) -> str:
    assert message is not None
    return str(message.context["token"])
