"""What is known of an insurer, whether it may sell, and the keys of its machines."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from marketplace.accounts import queries, rules, services
from marketplace.accounts.models import ApiKeyRow, InsurerFactRow, SuspensionRow
from marketplace.accounts.rules import insurers as party_rules
from marketplace.accounts.values import (
    AlreadySuspended,
    ApiKeyNotFound,
    ApiKeyRefused,
    Bucket,
    FactKind,
    Insurer,
    InsurerNotFound,
    KeyScope,
    LiftingAsked,
    NewFact,
    NotSelling,
    NotSuspended,
    Role,
    ScopeMissing,
    SecondPersonNeeded,
    SecurityEventFilter,
    SecurityEventType,
    TooManyKeys,
    TooManyTries,
)
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.kernel.errors import Invalid
from marketplace.kernel.text import LocalizedText
from tests.conftest import NOON
from tests.factories.accounts import a_member_of_staff, an_insurer

pytestmark = pytest.mark.usefixtures("database")

REPORT = LocalizedText("Annual report 2025", "2025年年度报告")
WRITE = frozenset({KeyScope.CATALOGS_WRITE})


def a_share(insurer: Insurer, **changes: object) -> NewFact:
    new = NewFact(insurer.id, FactKind.CLAIMS_PAID, REPORT, date(2025, 12, 31), figure=Decimal("97.4"))
    return replace(new, **changes)


def test_the_latest_of_each_kind_is_in_force_and_nothing_is_forgotten():
    insurer, who = an_insurer(), a_member_of_staff(Role.ADMIN_COMPLIANCE)
    with clock.frozen(NOON):
        first = services.record_fact(a_share(insurer), who.id)
    with clock.frozen(NOON + timedelta(days=1)):
        second = services.record_fact(a_share(insurer, figure=Decimal("96.1")), who.id)
        words = NewFact(insurer.id, FactKind.ADDRESS, REPORT, date(2026, 1, 1), words=LocalizedText("1 Quay"))
        address = services.record_fact(words, None)
    assert queries.profile(insurer.id) == {FactKind.ADDRESS: address, FactKind.CLAIMS_PAID: second}
    assert {each.id for each in queries.fact_history(insurer.id)} == {first.id, second.id, address.id}
    assert queries.fact_history(insurer.id)[-1] == first
    assert (second.entered_by, second.figure, second.source) == (who.id, Decimal("96.100"), REPORT)


def test_what_is_not_known_any_more_is_said_to_be_so():
    insurer = an_insurer()
    with clock.frozen(NOON):
        services.record_fact(a_share(insurer), None)
    with clock.frozen(NOON + timedelta(days=1)):
        services.record_fact(a_share(insurer, figure=None), None)
    assert queries.profile(insurer.id)[FactKind.CLAIMS_PAID].known is False


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"figure": Decimal("100.001")}, "figure"),
        ({"figure": Decimal(-1)}, "figure"),
        ({"figure": Decimal("1.0001")}, "figure"),
        ({"figure": Decimal("NaN")}, "figure"),
        ({"words": LocalizedText("most")}, "words"),
        ({"kind": FactKind.ADDRESS}, "figure"),
        ({"source": LocalizedText(" ")}, "source"),
        ({"as_of": date(2026, 11, 23)}, "as_of"),
    ],
)
def test_what_cannot_be_is_not_entered(changes, field):
    insurer = an_insurer()
    with clock.frozen(NOON), pytest.raises(Invalid) as refused:
        services.record_fact(a_share(insurer, **changes), None)
    assert set(refused.value.fields) == {field}
    assert db.session.query(InsurerFactRow).count() == 0


def test_no_fact_about_nobody():
    insurer = an_insurer()
    with pytest.raises(InsurerNotFound):
        services.record_fact(a_share(insurer, insurer_id=uuid4()), None)


def test_a_fact_is_never_changed():
    services.record_fact(a_share(an_insurer()), None)
    with pytest.raises(ProgrammingError, match="permission denied"):
        db.session.execute(text("UPDATE accounts_insurer_fact SET figure = 100"))


# --- suspending -------------------------------------------------------------------------------------------------------


def events(kind: SecurityEventType) -> int:
    db.session.commit()
    return queries.security_events(SecurityEventFilter(type=kind)).total


def test_one_person_stops_sales_and_two_let_them_go_on():
    insurer = an_insurer()
    first, second = a_member_of_staff(Role.ADMIN_OWNER), a_member_of_staff(Role.ADMIN_COMPLIANCE)
    stopped = services.suspend_insurer(insurer.id, " solvency below the limit ", first)
    assert queries.insurer(insurer.id).active is False
    assert (stopped.reason, stopped.suspended_by) == ("solvency below the limit", first.id)
    assert queries.suspension(insurer.id) == stopped
    asked = services.ask_to_lift(insurer.id, "capital was raised", first)
    assert (asked.lifting_by, asked.lifted_at) == (first.id, None)
    assert queries.insurer(insurer.id).active is False
    lifted = services.lift_suspension(insurer.id, second)
    assert (lifted.lifting_by, lifted.lifted_by) == (first.id, second.id)
    assert queries.insurer(insurer.id).active is True
    assert queries.suspension(insurer.id) is None
    assert queries.suspensions(insurer.id) == (lifted,)
    kinds = (SecurityEventType.INSURER_SUSPENDED, SecurityEventType.LIFTING_ASKED, SecurityEventType.INSURER_RESUMED)
    assert [events(kind) for kind in kinds] == [1, 1, 1]


def test_nobody_lifts_alone():
    insurer, who = an_insurer(), a_member_of_staff(Role.ADMIN_OWNER)
    services.suspend_insurer(insurer.id, "a reason", who)
    with pytest.raises(SecondPersonNeeded):
        services.lift_suspension(insurer.id, who)
    services.ask_to_lift(insurer.id, "better now", who)
    with pytest.raises(SecondPersonNeeded):
        services.lift_suspension(insurer.id, who)
    assert queries.insurer(insurer.id).active is False
    assert events(SecurityEventType.INSURER_RESUMED) == 0


def test_what_was_asked_can_be_refused_and_asked_again():
    insurer = an_insurer()
    first, second = a_member_of_staff(Role.ADMIN_OWNER), a_member_of_staff(Role.ADMIN_COMPLIANCE)
    services.suspend_insurer(insurer.id, "a reason", first)
    services.ask_to_lift(insurer.id, "better now", first)
    with pytest.raises(LiftingAsked):
        services.ask_to_lift(insurer.id, "better now", second)
    assert services.refuse_lifting(insurer.id, second).lifting_by is None
    with pytest.raises(SecondPersonNeeded):
        services.lift_suspension(insurer.id, second)
    services.ask_to_lift(insurer.id, "better now", second)
    assert services.lift_suspension(insurer.id, first).lifted_by == first.id


def test_sales_are_stopped_once_and_for_a_reason():
    insurer, who = an_insurer(), a_member_of_staff(Role.ADMIN_OWNER)
    with pytest.raises(NotSuspended):
        services.ask_to_lift(insurer.id, "better now", who)
    with pytest.raises(Invalid):
        services.suspend_insurer(insurer.id, "  ", who)
    assert queries.insurer(insurer.id).active is True
    with pytest.raises(InsurerNotFound):
        services.suspend_insurer(uuid4(), "a reason", who)
    services.suspend_insurer(insurer.id, "a reason", who)
    with pytest.raises(AlreadySuspended):
        services.suspend_insurer(insurer.id, "another", who)
    assert db.session.query(SuspensionRow).count() == 1


def test_who_does_not_sell_yet_is_not_suspended_and_so_never_lifted_into_selling():
    insurer = an_insurer("new", active=False)
    with pytest.raises(NotSelling):
        services.suspend_insurer(insurer.id, "Something", a_member_of_staff(Role.ADMIN_OWNER))
    assert not queries.insurer(insurer.id).active
    assert db.session.scalars(select(SuspensionRow.id)).all() == []


def test_the_table_wants_two_people_too():
    insurer, who = an_insurer(), a_member_of_staff(Role.ADMIN_OWNER)
    services.suspend_insurer(insurer.id, "a reason", who)
    services.ask_to_lift(insurer.id, "better now", who)
    with pytest.raises(IntegrityError, match="ck_accounts_suspension_lifted_by_two"):
        db.session.execute(text("UPDATE accounts_suspension SET lifted_at = now(), lifted_by = lifting_by"))


# --- keys -------------------------------------------------------------------------------------------------------------


def test_a_key_opens_what_it_was_made_for_until_its_end():
    admin = a_member_of_staff(Role.INSURER_ADMIN, an_insurer())
    with clock.frozen(NOON):
        made = services.make_api_key(admin, " nightly upload ", 30, WRITE)
        db.session.commit()  # its use is noted apart
        assert services.open_with_key(made.token, KeyScope.CATALOGS_WRITE).id == made.key.id
    assert (made.key.name, made.key.expires_at) == ("nightly upload", NOON + timedelta(days=30))
    db.session.expire_all()
    assert queries.api_keys(admin.insurer_id)[0].last_used_at == NOON
    with clock.frozen(NOON + timedelta(days=30)), pytest.raises(ApiKeyRefused):
        services.open_with_key(made.token, KeyScope.CATALOGS_WRITE)


def test_the_secret_is_kept_nowhere():
    admin = a_member_of_staff(Role.INSURER_ADMIN, an_insurer())
    made = services.make_api_key(admin, "nightly upload", 30, WRITE)
    secret = made.token.removeprefix(f"evenfold_{made.key.prefix}_")
    assert len(secret) == 43
    row = db.session.execute(text("SELECT to_jsonb(k)::text FROM accounts_api_key k")).scalar_one()
    assert made.key.prefix in row
    assert secret not in row


@pytest.mark.parametrize(
    "token", ["", "evenfold", "evenfold__", "other_{prefix}_{secret}", "evenfold_{prefix}_x", "{secret}"]
)
def test_no_other_token_opens_anything(token):
    admin = a_member_of_staff(Role.INSURER_ADMIN, an_insurer())
    made = services.make_api_key(admin, "nightly upload", 30, WRITE)
    secret = made.token.removeprefix(f"evenfold_{made.key.prefix}_")
    with pytest.raises(ApiKeyRefused):
        services.open_with_key(token.format(prefix=made.key.prefix, secret=secret), KeyScope.CATALOGS_WRITE)


def test_a_revoked_key_opens_nothing_and_only_its_insurer_revokes_it():
    admin = a_member_of_staff(Role.INSURER_ADMIN, an_insurer())
    other = a_member_of_staff(Role.INSURER_ADMIN, an_insurer("farshore"))
    made = services.make_api_key(admin, "nightly upload", 30, WRITE)
    with pytest.raises(ApiKeyNotFound):
        services.revoke_api_key(other, made.key.id)
    db.session.commit()
    assert services.open_with_key(made.token, KeyScope.CATALOGS_WRITE).revoked_at is None
    revoked = services.revoke_api_key(admin, made.key.id)
    assert services.revoke_api_key(admin, made.key.id) == revoked
    with pytest.raises(ApiKeyRefused):
        services.open_with_key(made.token, KeyScope.CATALOGS_WRITE)
    assert (events(SecurityEventType.API_KEY_MADE), events(SecurityEventType.API_KEY_REVOKED)) == (1, 1)


def test_a_key_without_the_scope_is_told_so():
    admin = a_member_of_staff(Role.INSURER_ADMIN, an_insurer())
    made = services.make_api_key(admin, "nothing", 30, frozenset())
    with pytest.raises(ScopeMissing):
        services.open_with_key(made.token, KeyScope.CATALOGS_WRITE)


@pytest.mark.parametrize(
    ("name", "days", "field"), [(" ", 30, "name"), ("x" * 61, 30, "name"), ("a", 0, "days"), ("a", 366, "days")]
)
def test_a_key_has_a_name_and_ends_within_a_year(name, days, field):
    admin = a_member_of_staff(Role.INSURER_ADMIN, an_insurer())
    with pytest.raises(Invalid) as refused:
        services.make_api_key(admin, name, days, WRITE)
    assert set(refused.value.fields) == {field}
    assert db.session.query(ApiKeyRow).count() == 0


def test_keys_are_counted_and_so_is_their_use(monkeypatch):
    admin = a_member_of_staff(Role.INSURER_ADMIN, an_insurer())
    made = [services.make_api_key(admin, f"key {number}", 30, WRITE) for number in range(party_rules.MOST_KEYS)]
    with pytest.raises(TooManyKeys):
        services.make_api_key(admin, "one more", 30, WRITE)
    services.revoke_api_key(admin, made[0].key.id)
    services.make_api_key(admin, "one more", 30, WRITE)
    db.session.commit()
    monkeypatch.setattr(rules, "LIMITS", rules.LIMITS | {Bucket.UPLOAD_OF_KEY: rules.Limit(1, timedelta(hours=1))})
    services.open_with_key(made[1].token, KeyScope.CATALOGS_WRITE, counted_in=Bucket.UPLOAD_OF_KEY)
    with pytest.raises(TooManyTries):
        services.open_with_key(made[1].token, KeyScope.CATALOGS_WRITE, counted_in=Bucket.UPLOAD_OF_KEY)
    services.open_with_key(made[2].token, KeyScope.CATALOGS_WRITE, counted_in=Bucket.UPLOAD_OF_KEY)


def test_the_table_lets_no_key_outlive_its_year():
    admin = a_member_of_staff(Role.INSURER_ADMIN, an_insurer())
    services.make_api_key(admin, "nightly upload", 365, WRITE)
    with pytest.raises(DBAPIError, match="ends_within_a_year"):
        db.session.execute(text("UPDATE accounts_api_key SET expires_at = expires_at + interval '2 days'"))
