"""Ask the register of practitioners: of an insurer, of the marketplace's desk, and of the public."""

from collections.abc import Collection
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, select

from marketplace.accounts.models import PractitionerRow
from marketplace.accounts.rules import practitioners as rules
from marketplace.accounts.values import CertificateMissing, Practitioner, PractitionerNotFound, Standing
from marketplace.infra.db import db

_PUBLIC = (Standing.REGISTERED.value, Standing.ENDED.value)


def practitioners_of(insurer_id: UUID) -> tuple[Practitioner, ...]:
    """All entries of an insurer, the newest first."""
    return _found(PractitionerRow.insurer_id == insurer_id)


def practitioners_to_check() -> tuple[Practitioner, ...]:
    """What insurers entered and nobody has checked yet, the oldest first."""
    return tuple(reversed(_found(PractitionerRow.standing == Standing.PROPOSED.value)))


def registered_practitioners() -> tuple[Practitioner, ...]:
    """All entries that are good as far as nobody ended them, the newest first."""
    return _found(PractitionerRow.standing == Standing.REGISTERED.value)


def practitioners(practitioner_ids: Collection[UUID]) -> dict[UUID, Practitioner]:
    """These entries by their ids."""
    return {each.id: each for each in _found(PractitionerRow.id.in_(practitioner_ids))} if practitioner_ids else {}


def practitioner_by_certificate(number: str) -> Practitioner:
    """What the public is told of a number, however it is spaced: the newest entry that was checked and found good.

    Raises PractitionerNotFound.
    """
    wanted = PractitionerRow.certificate_no == rules.spelled(number)
    found = _found(wanted, PractitionerRow.standing.in_(_PUBLIC))
    if not found:
        raise PractitionerNotFound
    return found[0]


def answering(account_id: UUID, line: str, today: date) -> Practitioner:
    """By which certificate this member of staff answers about a line of business today. Raises CertificateMissing."""
    held = _found(PractitionerRow.account_id == account_id, PractitionerRow.standing == Standing.REGISTERED.value)
    for each in held:
        if each.may_answer(line, today):
            return each
    raise CertificateMissing


def _found(*conditions: ColumnElement[bool]) -> tuple[Practitioner, ...]:
    rows = db.session.scalars(
        select(PractitionerRow).where(*conditions).order_by(PractitionerRow.proposed_at.desc(), PractitionerRow.id)
    )
    return tuple(map(practitioner_of, rows))


def practitioner_of(row: PractitionerRow) -> Practitioner:
    """The entry that a row of this feature holds."""
    return Practitioner(
        id=row.id,
        insurer_id=row.insurer_id,
        account_id=row.account_id,
        name=row.name,
        certificate_no=row.certificate_no,
        lines=tuple(row.lines),
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        standing=Standing(row.standing),
        proposed_at=row.proposed_at,
        checked_at=row.checked_at,
        ended_at=row.ended_at,
    )
