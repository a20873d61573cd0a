"""The evidence of a contract that was really bought: asked for, made, and looked at as a stranger would."""

import io
import json
import zipfile
from dataclasses import dataclass
from typing import Any, NoReturn
from uuid import UUID

from marketplace.accounts.values import Account
from marketplace.infra import pictures
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.kernel.canonical import sha256_hex
from marketplace.oversight import queries, services
from marketplace.oversight.models import locked_bundle
from marketplace.oversight.values import AskBundle, Bundle, BundleState
from marketplace.traceability import queries as trail
from marketplace.traceability.values import Actor, ActorRole
from tests.deferred_jobs import drain
from tests.factories.log import ORIGIN
from verify.bundle import check_bundle
from verify.findings import Code, Report
from verify.policy import read_policy

REASON = "Complaint C-17: the customer says there was no page about exclusions"

ZIP = b"PK\x03\x04 and so on"


def acting(account: Account) -> Actor:
    role = ActorRole.ADMIN if account.role.desk.value == "backoffice" else ActorRole(account.role.desk.value)
    return Actor(role, account.id, account.role.value)


def asked(application_id: UUID, account: Account, reason: str = REASON) -> Bundle:
    """Evidence as the worker makes it, verified or refused."""
    bundle_id = services.ask_bundle(AskBundle(application_id, acting(account), reason, "en"))
    drain("oversight")
    return queries.bundle(bundle_id, account.id)


def kept_evidence(application_id: UUID, account: Account) -> UUID:
    """Evidence that lies ready, whatever is in it, where a test has no log. Commits."""
    bundle_id = services.ask_bundle(AskBundle(application_id, acting(account), REASON, "en"))
    row = locked_bundle(bundle_id)
    assert row
    row.content, row.size, row.sha256, row.core_sha256 = ZIP, len(ZIP), sha256_hex(ZIP), sha256_hex(b"core")
    row.verified, row.findings = True, [{"code": "NO_TIMESTAMP", "fault": False, "entry": None, "text": "when"}]
    row.state, row.made_at, row.expires_at = BundleState.READY.value, clock.now(), clock.now() + services.KEPT
    db.session.commit()
    return bundle_id


@dataclass(frozen=True, slots=True)
class File:
    """An `evidence.zip`, opened."""

    data: bytes
    files: dict[str, bytes]

    @classmethod
    def of(cls, bundle: Bundle, account: Account) -> "File":
        assert bundle.state is BundleState.READY, bundle.failure
        return cls.opened(queries.bundle_bytes(bundle.id, account.id))

    @classmethod
    def opened(cls, data: bytes) -> "File":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return cls(data, {name: archive.read(name) for name in archive.namelist()})

    @property
    def core(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.files["core/core.json"])
        return found

    @property
    def core_files(self) -> dict[str, bytes]:
        return {name: data for name, data in self.files.items() if name.startswith("core/")}

    @property
    def wrapper(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.files["wrapper/wrapper.json"])
        return found

    def exhibits(self, kind: str) -> dict[str, bytes]:
        """Name -> bytes of the exhibits of a kind."""
        return {each["name"]: self.files[each["file"]] for each in self.core["exhibits"] if each["kind"] == kind}


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom a reader believes, as the log's own addresses told them then: `trust.policy` and `authorities.pem`."""

    policy: bytes
    authorities: bytes

    @classmethod
    def told_now(cls) -> "Trust":
        return cls(trail.trust_policy(ORIGIN), trail.time_authorities())


def faults(data: bytes, *receipts: bytes, trust: Trust | None = None, vkey: str | None = None) -> set[Code]:
    """What the verifier finds wrong, without our help."""
    return {each.code for each in judged(data, *receipts, trust=trust, vkey=vkey).findings if each.code.is_fault}


def judged(data: bytes, *receipts: bytes, trust: Trust | None = None, vkey: str | None = None) -> Report:
    """All that the verifier says, to a reader who was told just now whom to trust, unless it was before (`trust`), or
    who believes a key that is printed.
    """
    told = trust or Trust.told_now()
    printed = f"log {vkey}\nquorum none\n".encode()
    report, policy = Report(), read_policy(printed if vkey else told.policy)
    mine = [(f"the receipt {number}", each) for number, each in enumerate(receipts)]
    check_bundle(report, policy, data, mine, told.authorities)
    return report


def without_a_browser(*_: object) -> NoReturn:
    """In place of `pictures.take`."""
    raise pictures.NoBrowser
