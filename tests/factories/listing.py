"""Uploads on their road, and the people who take its steps."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from marketplace.accounts.values import Account, Insurer, Role
from marketplace.listing import queries, services
from marketplace.listing.values import Upload
from marketplace.traceability.values import Actor, ActorRole
from tests.factories.accounts import a_member_of_staff
from tests.factories.catalog import HARBOUR_TERM, changed, findings_in


@dataclass(frozen=True)
class People:
    """Two people of an insurer and a reviewer of the marketplace, as those who act."""

    insurer: Insurer
    first: Actor
    second: Actor
    reviewer: Actor


def acting(account: Account) -> Actor:
    role = ActorRole.INSURER if account.insurer_id else ActorRole.ADMIN
    return Actor(role, account.id, account.role.value)


def people_of(insurer: Insurer) -> People:
    """Commits nothing."""
    return People(
        insurer,
        acting(a_member_of_staff(Role.INSURER_ADMIN, insurer)),
        acting(a_member_of_staff(Role.INSURER_CATALOG, insurer)),
        acting(a_member_of_staff(Role.ADMIN_REVIEWER)),
    )


def read(people: People, files: bytes | Mapping[str, bytes]) -> Upload:
    """Uploaded by the first person and read, as the worker would."""
    upload = services.upload_catalog(people.insurer.id, files, people.first, "catalog.zip")
    services.read_upload(upload.id)
    return queries.upload(upload.id)


def submitted(people: People, files: Mapping[str, bytes]) -> Upload:
    upload = read(people, files)
    services.submit_upload(upload.id, people.first)
    return queries.upload(upload.id)


def approved(people: People, files: Mapping[str, bytes]) -> Upload:
    upload = submitted(people, files)
    services.approve_upload(upload.id, people.second)
    return queries.upload(upload.id)


def accepted(people: People, files: Mapping[str, bytes]) -> tuple[UUID, ...]:
    """The versions that were published."""
    return services.accept_upload(approved(people, files).id, people.reviewer)


def dearer(begin: str, fee: str = "75.00") -> dict[str, bytes]:
    """The reference catalog from another day on, its fee of ¥60 changed, its examples mended as the findings say."""
    files = changed("catalog.toml", "2026-01-01", begin)
    files = changed(f"{HARBOUR_TERM}tariff.toml", 'amount = "60.00"', f'amount = "{fee}"', files=files)
    for finding in findings_in(files):
        assert (finding.code, finding.column) == ("example_differs", "premium")
        lines = files[finding.file].decode().splitlines(keepends=True)
        place = (finding.row or 0) - 1
        lines[place] = lines[place].replace(finding.value, finding.right)
        files |= {finding.file: "".join(lines).encode()}
    return files
