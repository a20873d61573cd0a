"""Enter insurers and staff: acts of an administrator (or of the demonstration's seeding), never of a visitor."""

from uuid import UUID

from sqlalchemy.exc import IntegrityError

from marketplace.accounts.models import AccountRow, InsurerRow
from marketplace.accounts.queries import account_of, address_index, insurer_of
from marketplace.accounts.services import checks, hashes
from marketplace.accounts.services.security_events import record_security_event
from marketplace.accounts.values import (
    OPERATOR,
    Account,
    AccountExists,
    AccountNotFound,
    Insurer,
    InsurerExists,
    InsurerNotFound,
    NewInsurer,
    NewSecurityEvent,
    NewStaff,
    SecurityEventType,
)
from marketplace.infra.db import constraint_of, db
from marketplace.infra.formatting import DEFAULT_LOCALE, LOCALES
from marketplace.infra.formatting import gettext as _
from marketplace.kernel import clock, ids


def register_insurer(new: NewInsurer) -> Insurer:
    """Enter an insurer, selling from now on unless it is to wait. Raises Invalid and InsurerExists (same code,
    whatever its hyphens: numbers of policies are made of it).
    """
    checks.insurer(new)
    row = InsurerRow(
        id=ids.new_id(),
        code=new.code,
        legal_name=new.legal_name.to_json(),
        short_name=new.short_name.to_json(),
        licence_no=new.licence_no,
        phone=new.phone,
        email=new.email,
        colour=new.colour,
        mark=new.mark,
        regions=list(new.regions),
        fictional=new.fictional,
        active=new.active,
        created_at=clock.now(),
    )
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError as error:
        if constraint_of(error) not in {"uq_accounts_insurer_code", "uq_accounts_insurer_compact_code"}:
            raise
        raise InsurerExists(_("There is an insurer with this code already.")) from error
    return insurer_of(row)


def create_staff(new: NewStaff) -> Account:
    """Make an account of staff, confirmed, with its first password, and keep the event.

    Raises Invalid, InsurerNotFound, AccountExists, SecurityEventsUnavailable.
    """
    checks.staff(new)
    email, name = checks.address(new.email), checks.person_name(new.name)
    checks.new_password(new.password, email, name)
    now = clock.now()
    row = AccountRow(
        id=ids.new_id(),
        email=email,
        email_index=address_index(email),
        name=name,
        role=new.role.value,
        insurer_id=new.insurer_id,
        locale=_known(new.locale),
        password_hash=hashes.of_password(new.password),
        confirmed_at=now,
        created_at=now,
    )
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError as error:
        if constraint_of(error) == "uq_accounts_account_email_index":
            raise AccountExists(_("There is an account with this address already.")) from error
        if constraint_of(error) == "fk_accounts_account_insurer_id_accounts_insurer":
            raise InsurerNotFound from error
        raise
    record_security_event(
        NewSecurityEvent(
            SecurityEventType.STAFF_ADDED, account_id=row.id, actor=OPERATOR, detail={"role": new.role.value}
        )
    )
    return account_of(row)


def change_locale(account_id: UUID, locale: str) -> Account:
    """The language in which this account reads and is written to. An unknown one becomes the default."""
    row = db.session.get(AccountRow, account_id)
    if row is None:
        raise AccountNotFound
    row.locale = _known(locale)
    db.session.flush()
    return account_of(row)


def _known(locale: str) -> str:
    return locale if locale in LOCALES else DEFAULT_LOCALE
