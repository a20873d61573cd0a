"""The demonstration's insurers, people and catalogs, entered by the same services that real ones would be."""

import tomllib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import cycle
from pathlib import Path
from typing import Any
from uuid import UUID

import pyotp

from marketplace.accounts import queries as accounts_queries
from marketplace.accounts import services as accounts
from marketplace.accounts.values import (
    Account,
    AccountExists,
    FactKind,
    Insurer,
    InsurerNotFound,
    NewFact,
    NewInsurer,
    NewStaff,
    NewTerm,
    Role,
)
from marketplace.catalog import queries as catalog
from marketplace.disclosure import services as disclosure
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from marketplace.kernel.text import LocalizedText
from marketplace.listing.values import UploadHasFindings
from sandbox.catalog_road import Reviewers, put_on_sale
from sandbox.demo import asking
from sandbox.demo_pki import make_pki
from sandbox.instance import Instance

FOLDER = Path(__file__).parent
CATALOGS = FOLDER / "catalogs"
SOURCE = LocalizedText("made up for this demonstration", "为本演示虚构")
NOT_OF_THE_INSURER = {"facts", "commission"}
CUSTOMER = "customer@evenfold.example"
CUSTOMER_NAME = "Chen Yutong"
ADMIN = "admin@evenfold.example"
COMPLIANCE = "privacy@evenfold.example"
REVIEWER = "reviewer@evenfold.example"
OWNER = "owner@evenfold.example"
ANSWERING = ("Zhao Lei", "Maya Lindqvist", "何静", "Tom Okafor", "沈越", "Irene Castle", "罗佳")
"""Who answers customers, one person for each insurer."""


@dataclass(frozen=True, slots=True)
class Desk:
    """An insurer of the demonstration, the member of its staff who uploads its catalog, and who approves it."""

    insurer: Insurer
    staff: Account
    second: Account


def load(instance: Instance) -> tuple[Desk, ...]:
    """Wordings, insurers with their seals, people, catalogs. Everything that is there already is left alone."""
    disclosure.publish_wordings()
    entries = tomllib.loads((FOLDER / "insurers.toml").read_text())["insurers"]
    make_pki(instance.seals, {entry["code"]: entry["legal_name"]["en"] for entry in entries})
    _customer(instance)
    _staff(instance, ADMIN, "admin: sales log", Role.ADMIN_SALES, None)
    compliance = _staff(instance, COMPLIANCE, "compliance: personal data", Role.ADMIN_COMPLIANCE, None)
    reviewer = _staff(instance, REVIEWER, "reviewer: catalogs", Role.ADMIN_REVIEWER, None)
    owner = _staff(instance, OWNER, "owner: insurers", Role.ADMIN_OWNER, None)
    desks = {entry["code"]: _desk(instance, entry) for entry in entries}
    db.session.commit()
    for place, (entry, name) in enumerate(zip(entries, cycle(ANSWERING), strict=False), 1):
        desk = desks[entry["code"]]
        if (CATALOGS / desk.insurer.code).exists():
            _publish(desk, reviewer)
        _agree(desk, owner, entry["commission"])
        colleague = _staff(instance, f"answers@{entry['code']}.example", name, Role.INSURER_CLAIMS, desk.insurer.id)
        asking.register(desk.insurer.id, colleague, (desk.staff, compliance), f"SPECIMEN-{place:04d}")
        db.session.commit()
    return tuple(desks.values())


def _desk(instance: Instance, entry: dict[str, Any]) -> Desk:
    insurer = _insurer(entry)
    of = insurer.short_name.en
    return Desk(
        insurer,
        _staff(instance, f"staff@{insurer.code}.example", f"staff of {of}", Role.INSURER_ADMIN, insurer.id),
        _staff(instance, f"second@{insurer.code}.example", f"second at {of}", Role.INSURER_CATALOG, insurer.id),
    )


def _insurer(entry: dict[str, Any]) -> Insurer:
    try:
        return accounts_queries.insurer_by_code(entry["code"])
    except InsurerNotFound:
        told: dict[str, Any] = {name: value for name, value in entry.items() if name not in NOT_OF_THE_INSURER} | {
            "legal_name": LocalizedText.from_json(entry["legal_name"]),
            "short_name": LocalizedText.from_json(entry["short_name"]),
            "regions": tuple(entry.get("regions", ())),
        }
        insurer = accounts.register_insurer(NewInsurer(fictional=True, **told))
        for kind, fact in entry["facts"].items():
            accounts.record_fact(_fact(insurer, FactKind(kind), fact), None)
        return insurer


def _fact(insurer: Insurer, kind: FactKind, told: dict[str, Any]) -> NewFact:
    """A made-up fact that says so, as of the end of the last year."""
    figure, words = told.get("figure"), told.get("words")
    return NewFact(
        insurer.id,
        kind,
        source=SOURCE,
        as_of=date(clock.today(ZONE).year - 1, 12, 31),
        figure=None if figure is None else Decimal(figure),
        words=None if words is None else LocalizedText.from_json(words),
    )


def _staff(instance: Instance, email: str, who: str, role: Role, insurer_id: UUID | None) -> Account:
    told = instance.account(email, who)
    try:
        account = accounts.create_staff(
            NewStaff(email=email, name=who, role=role, password=told.password, insurer_id=insurer_id)
        )
    except AccountExists:
        account = next(account for account in accounts_queries.staff() if account.email == email)
    if not (told.one_time_secret and accounts_queries.factors(account.id).factors):
        _set_up_second_step(instance, account)
    return account


def _set_up_second_step(instance: Instance, account: Account) -> None:
    """An authenticator app whose codes `sandbox.site` shows, since nobody has a phone for these people."""
    accounts.forget_factors(account.id)
    secret = accounts.begin_one_time_codes(account.id).secret
    accounts.confirm_one_time_codes(account.id, pyotp.TOTP(secret).at(clock.now()))
    instance.keep_one_time_secret(account.email, secret)


def _customer(instance: Instance) -> None:
    """The customer registers and follows the link of the mail, like anybody."""
    known = any(account.email == CUSTOMER for account in instance.accounts())
    account = instance.account(CUSTOMER, "customer")
    if known:
        return
    mail = accounts.register_customer(CUSTOMER, account.password, CUSTOMER_NAME, "127.0.0.1", "en")
    if "token" in mail.context:
        accounts.confirm_address(str(mail.context["token"]), account.password, "127.0.0.1")


def _agree(desk: Desk, owner: Account, basis_points: int) -> None:
    """Commission terms for each line that the insurer sells, proposed and accepted, unless there are some already."""
    agreed = {term.line for term in accounts_queries.terms(desk.insurer.id)}
    sold = {version.line.value for version in catalog.products_of_insurer(desk.insurer.id)}
    for line in sorted(sold - agreed):
        new = NewTerm(desk.insurer.id, line, basis_points, clock.today(ZONE))
        accounts.accept_terms(accounts.propose_terms(new, owner).id, desk.staff)
    db.session.commit()


def _publish(desk: Desk, reviewer: Account) -> None:
    """The insurer's catalog folder on the road of every upload, unless it has products already."""
    if catalog.products_of_insurer(desk.insurer.id):
        return
    folder = CATALOGS / desk.insurer.code
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
    upload = put_on_sale(desk.insurer, files, Reviewers(desk.staff, desk.second, reviewer))
    if upload.findings:
        raise UploadHasFindings("\n".join(str(finding) for finding in upload.findings))
    db.session.commit()
