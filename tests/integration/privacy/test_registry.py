"""The register names everything that is kept: columns, form fields, inputs of templates, keys of the trail."""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, is_dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace.application.values import Circumstance
from marketplace.catalog.values import LINES
from marketplace.infra import jobs
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.kernel.money import Money
from marketplace.privacy.values import Places, registry
from marketplace.traceability.queries import journey_entries
from marketplace.traceability.services import record_act, record_view
from marketplace.web.customer.forms.application import people_form, questions_form
from marketplace.web.customer.forms.suitability import circumstances_form
from marketplace.web.fields import Form, factor_form
from marketplace.web.storefront.forms.needs import needs_form
from tests.everything import every_row
from tests.factories.quoting import a_content
from tests.factories.traceability import a_journey, a_view, an_act
from tests.registered_trail import UnregisteredKeyError

ROOT = Path(__file__).parents[3]
NOT_OURS = ("alembic_version", "procrastinate_", "infra_business_clock", "infra_key_revision", "infra_public_revision")
"""Not about a person. Jobs: their names, states and instants, and as arguments ids, numbers, days and words of our own
lists (held below for every job, and for those of a whole sale by `test_canary`); done ones go after a week. The clock
of a demonstration is one number, the revisions are one random id each.
"""
IDS_OF_THE_PROVIDER = {("payment.settle", "session_id"), ("payment.settle", "event_id"),
                       ("application.close_identity", "reference"), ("application.settle_identity", "fact"),
                       ("payment.note_account", "account_id"), ("payment.note_account", "event_id"),
                       ("payment.settle_overdue", "session_id"), ("payment.send_refund", "event_id"),
                       ("payment.note_dispute", "dispute_id"), ("payment.note_dispute", "event_id"),
                       ("payment.look_up_event", "event_id"), ("payment.look_up_event", "kind"),
                       ("payment.look_up_event", "subject_id"), ("payment.note_decline", "event_id"),
                       ("payment.settle_mandate", "session_id"), ("payment.settle_mandate", "event_id")}  # fmt: skip
"""Texts are `cs_…` and `evt_…` only, and names of our own settings."""
NAMES_OF_SETTINGS = {("traceability.stamp_by", "authority")}
INPUT = re.compile(r"<(?:input|select|textarea|button)\b[^>]*?\bname=\"([a-z_]+)\"")
ITEMS = [item.places for item in registry().items]
OTHERS = [other.places for other in registry().not_personal]


def named(kind: str) -> frozenset[str]:
    return frozenset().union(*(getattr(places, kind) for places in [*ITEMS, *OTHERS]))


def differences(kept: set[str], kind: str) -> tuple[list[str], list[str]]:
    """What is kept and not in the register, and what is in the register and not kept."""
    return sorted(kept - named(kind)), sorted(named(kind) - kept)


@pytest.mark.asvs("14.1.1")
@pytest.mark.requirement("T26-30")
def test_every_column_of_the_database_is_in_the_register(database: None) -> None:
    columns = text(
        "SELECT table_name || '.' || column_name FROM information_schema.columns JOIN information_schema.tables "
        "USING (table_schema, table_name) WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
    )
    with every_row() as reader:
        found = set(reader.execute(columns).scalars()) | {f"infra_subject_key.{name}" for name in key_columns()}
    kept = {name for name in found if not name.startswith(NOT_OURS)}
    assert differences(kept, "columns") == ([], [])


def key_columns() -> Iterator[str]:
    """The table of wrapped keys, which the reading role may not even see."""
    yield from db.session.execute(
        text("SELECT column_name FROM information_schema.columns WHERE table_name = 'infra_subject_key'")
    ).scalars()


@pytest.mark.requirement("T26-30")
def test_every_field_of_every_form_is_in_the_register(migrated_app: Flask) -> None:
    with migrated_app.test_request_context():
        today = clock.today("Asia/Shanghai")
        made = [factor_form(line, today) for line in LINES.values()]
        made += [people_form(line, children=True) for line in LINES.values()]
        made.append(needs_form(today))
        made.append(circumstances_form(Circumstance, a_content(), 10))
        made.append(questions_form((), with_notice=True, with_consent=True))
        fields = {f"{form.__name__}.{field}" for form in [*made, *subclasses(Form)] for field in fields_of(form)}
    missing, stale = differences(fields, "fields")
    assert missing == []
    assert stale == ["QuestionsForm.*"], "the insurers' questions have names of their own"


def subclasses(of: type[Form]) -> Iterator[type[Form]]:
    """The forms of the site; other tests make forms too, also of this site's kinds with fields of their own."""
    for form in of.__subclasses__():
        if form.__module__.startswith("marketplace.") and f"{form.__name__}.*" not in named("fields"):
            yield form
            yield from subclasses(form)


def fields_of(form: type[Form]) -> Iterator[str]:
    return (name for name in dir(form) if hasattr(getattr(form, name), "_formfield"))


def test_every_input_that_a_template_writes_itself_is_in_the_register() -> None:
    fields = {place.split(".")[1] for place in named("fields")}
    written = {
        name
        for path in (ROOT / "templates").rglob("*.html")
        for name in INPUT.findall(path.read_text(encoding="utf-8"))
    }
    missing, stale = differences(written - fields, "inputs")
    assert (missing, stale) == ([], [])


def test_nothing_is_written_into_the_trail_that_the_register_does_not_name(
    database: None, registered_trail: set[str]
) -> None:
    """What every test of the site rests on: a key that nobody registered is refused where it is written."""
    journey_id = a_journey()
    for write in (
        lambda: record_act(an_act(journey_id, body={"shoe_size": 43})),
        lambda: record_view(a_view(journey_id, body={"status": 200, "shoe_size": 43})),
    ):
        with pytest.raises(UnregisteredKeyError, match="shoe_size"):
            write()
        assert registered_trail == {"shoe_size"}
        registered_trail.clear()
    assert journey_entries(journey_id) == ()
    record_view(a_view(journey_id, body={"status": 200}))
    assert [entry.body for entry in journey_entries(journey_id)] == [{"status": 200}]


def test_what_the_register_says_of_the_trail_is_written_somewhere() -> None:
    words = set().union(*(literals(path) for path in (ROOT / "marketplace").rglob("*.py")))
    assert sorted(named("trail") - words) == []


def literals(path: Path) -> set[str]:
    """Strings and names of keyword arguments in a file: that is how keys of entries are spelled."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
        elif isinstance(node, ast.keyword) and node.arg:
            found.add(node.arg)
    return found


def leaves(annotation: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """What an argument is made of: (name, type) of every part of it."""
    if parts := get_args(annotation):
        for part in (each for each in parts if each is not Ellipsis):
            yield from leaves(part, name)
    elif is_dataclass(annotation):
        for part, hint in get_type_hints(annotation).items():
            yield from leaves(hint, part)
    else:
        yield name, annotation


def is_of_a_list(name: str, kind: Any) -> bool:
    """Ids, numbers, days and instants, words of a list; and the three letters of a currency, which `Money` checks."""
    plain = (UUID, int, bool, date, datetime, NoneType)
    return kind in plain or (isinstance(kind, type) and issubclass(kind, StrEnum)) or (name, kind) == ("currency", str)


def told(name: str, function: Callable[..., None]) -> list[tuple[str, str]]:
    """Arguments of a job in which somebody's words would have room."""
    hints = get_type_hints(function)
    hints.pop("return")
    return [
        (name, argument)
        for argument, hint in hints.items()
        for part, kind in leaves(hint, argument)
        if not is_of_a_list(part, kind)
    ]


@pytest.mark.asvs("14.2.4")
def test_no_job_is_given_what_somebody_said(migrated_app: Flask) -> None:
    found = [each for known in jobs.known_tasks().values() for each in told(known.name, known.function)]
    assert set(found) == IDS_OF_THE_PROVIDER | NAMES_OF_SETTINGS
    assert any(is_dataclass(hint) for known in jobs.known_tasks().values() for hint in hints_of(known)), "facts too"


def hints_of(known: jobs.Task) -> list[Any]:
    return list(get_type_hints(known.function).values())


def test_a_job_that_is_given_words_is_found() -> None:
    """The control."""

    @dataclass
    class Said:
        by: UUID
        words: str | None

    def write(fact: Said, address: str, amounts: tuple[Money, ...]) -> None: ...

    write.__annotations__ = {"fact": Said, "address": str, "amounts": tuple[Money, ...], "return": None}
    Said.__annotations__ = {"by": UUID, "words": str | None}
    assert told("bell.write", write) == [("bell.write", "fact"), ("bell.write", "address")]


def test_a_column_that_nobody_wrote_down_is_found() -> None:
    """The control: each comparison can fail, in both directions."""
    missing, _ = differences({*named("columns"), "accounts_account.shoe_size"}, "columns")
    assert missing == ["accounts_account.shoe_size"]
    _, stale = differences(set(named("columns")) - {"accounts_account.email"}, "columns")
    assert stale == ["accounts_account.email"]
    assert INPUT.findall('<p><input type="text" name="shoe_size"></p>') == ["shoe_size"]
    assert Places.of({"columns": ["a.b"]}).columns == {"a.b"}
