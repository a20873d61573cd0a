"""The sales log: who may open it, what it shows of a sale, and each page as it was sent."""

import csv
import io
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Role, SecurityEvent, SecurityEventFilter, SecurityEventType
from marketplace.application import queries as applications
from marketplace.infra.db import db
from marketplace.kernel.canonical import sha256_hex
from marketplace.oversight import queries as oversight
from marketplace.oversight.values import Sale, SaleFilter, SaleState
from marketplace.policy import queries as policies
from marketplace.traceability import queries as trail
from marketplace.traceability.values import Actor, ActorRole, EntryType, journey_of_readings
from marketplace.web import released
from marketplace.web.security import STORED_PAGE_POLICY
from sandbox.demo.visitor import Visitor, words
from tests.factories.accounts import a_member_of_staff
from tests.web.conftest import ANSWERS
from tests.web.desk_visits import ILL, LI_NA, WHY, apply, at_the_desk, buy, links, sign_in, statements

SALE = "/admin/sales/[0-9a-f-]{36}"
NOBODY = "00000000-0000-4000-8000-000000000000"

Work = Callable[[], list[str]]
CodeFor = Callable[[str], str]


@pytest.fixture
def admin(shop: Flask, client: FlaskClient) -> Visitor:
    return at_the_desk(shop, Role.ADMIN_SALES)


@pytest.mark.parametrize("path", ["/admin", f"/admin/sales/{NOBODY}", f"/admin/sales/{NOBODY}/policy.pdf"])
def test_a_visitor_is_sent_to_sign_in(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 302
    assert response.headers["Location"] == f"/sign-in?next={path}"


def test_customers_and_insurers_may_not_open_the_log(
    shop: Flask, client: FlaskClient, code_for: CodeFor, work: Work
) -> None:
    customer, _ = apply(shop, code_for)
    assert "/admin" not in customer.get("/")
    customer.get("/admin")
    assert customer.status == 403
    with shop.app_context():
        insurer = accounts.insurer_by_code("harbour")
    staff = at_the_desk(shop, Role.INSURER_ADMIN, insurer)
    work()
    with shop.app_context():
        sale = oversight.sales(SaleFilter()).sales[0]
    for path in ("/admin", f"/admin/sales/{sale.id}"):
        staff.get(path)
        assert staff.status == 403
        assert sale.journey_reference not in staff.text


@pytest.mark.requirement("T26-37")
def test_the_log_shows_a_purchase_with_every_consent(
    shop: Flask, admin: Visitor, work: Work, code_for: CodeFor
) -> None:
    buy(shop, work, code_for)
    assert "policy mailed" in admin.get("/admin")
    found = links(admin.text, SALE)
    assert len(found) == 1
    shown = words(admin.get(found[0]))
    assert "Harbour Term, sold" in shown
    with shop.app_context():
        sale = oversight.sales(SaleFilter()).sales[0]
        told = oversight.timeline(sale.id)
    assert sale.state is SaleState.MAILED
    for step in (
        "Compared 1 offer", "Entered the application, told of recording", "E-mail address proven by code",
        "Told what untrue answers lead to", "Document confirmed", "Confirmed what is not covered",
        "Application declared true and submitted", "Accepted by the insurer", "Paid ¥1,320.75", "Policy mailed",
    ):  # fmt: skip
        assert step in shown, step
    for entry in told:
        assert entry.entry_id.hex[:8] in shown
        if entry.page_version_id:
            assert entry.page_version_id[:8] in shown
    assert LI_NA.email not in admin.text
    assert "l…@example.com" in shown
    assert sale.policy_number is not None
    assert sale.policy_number in shown


@pytest.mark.asvs("1.2.10", "5.4.2")
def test_the_list_is_had_as_a_table_without_customers(
    shop: Flask, admin: Visitor, work: Work, code_for: CodeFor
) -> None:
    buy(shop, work, code_for)
    apply(shop, code_for, ILL)

    (path,) = links(admin.get("/admin?state=mailed"), r'/admin/sales\.csv[^"]*')
    table = admin.client.get(path)

    assert (table.mimetype, table.headers["Content-Disposition"]) == ("text/csv", "attachment; filename=sales.csv")
    header, *rows = csv.reader(io.StringIO(table.data.decode("utf-8-sig"), newline=""))
    (sold,) = (dict(zip(header, row, strict=True)) for row in rows)
    assert (sold["State"], sold["Product"], sold["Premium"], sold["Currency"]) == (
        "policy mailed", "Harbour Term", "1320.75", "CNY",
    )  # fmt: skip
    assert "@" not in table.get_data(as_text=True)
    assert LI_NA.name not in table.get_data(as_text=True)

    assert admin.client.get("/admin/sales.csv?state=unheard-of").location == "/admin?state=unheard-of"


@pytest.mark.parametrize("asked", ["state=\xff", "state=unheard-of&text=\xff"])
def test_bytes_that_are_no_text_in_a_filter_are_said_so(admin: Visitor, asked: str) -> None:
    """A browser would have encoded them."""
    answer = admin.client.get("/admin/sales.csv", environ_overrides={"QUERY_STRING": asked})
    assert answer.status_code == 302
    assert admin.client.get(str(answer.location)).status_code == 422
    assert admin.client.get("/admin", environ_overrides={"QUERY_STRING": asked}).status_code == 422


def test_the_address_of_the_table_holds_the_filters_and_nothing_else_that_was_asked(admin: Visitor) -> None:
    page = admin.get("/admin?state=mailed&text=EF&endpoint=home.home&_external=1&_scheme=evil&page=1")
    assert links(page, r'/admin/sales\.csv[^"]*') == ["/admin/sales.csv?text=EF&amp;state=mailed"]


def test_every_confirmation_is_there_with_the_hash_of_what_was_confirmed(
    shop: Flask, admin: Visitor, work: Work, code_for: CodeFor
) -> None:
    buy(shop, work, code_for)
    admin.get("/admin")
    admin.get(links(admin.text, SALE)[0])
    with shop.app_context():
        sale = oversight.sales(SaleFilter()).sales[0]
        assert sale.application_id is not None
        confirmations = applications.application_view(sale.application_id).confirmations
    assert {each.kind for each in confirmations} >= {"entry", "health_notice", "document", "exclusions", "declaration"}
    for each in confirmations:
        assert each.subject_sha256 in admin.text
        assert each.page_version_id[:8] in admin.text


@pytest.mark.requirement("T26-35")
def test_each_page_is_shown_byte_for_byte_in_a_sandbox(
    shop: Flask, admin: Visitor, work: Work, code_for: CodeFor
) -> None:
    buy(shop, work, code_for)
    admin.get("/admin")
    sale = links(admin.text, SALE)[0]
    admin.get(sale)
    pages = links(admin.text, f"{sale}/pages/[0-9a-f-]+")
    assert len(pages) >= 10
    for path in pages:
        admin.get(path)
        assert admin.status == 200
        stored = admin.client.get(f"{path}/stored")
        assert stored.headers["Content-Security-Policy"] == STORED_PAGE_POLICY
        assert "X-Frame-Options" not in stored.headers
        assert f'<iframe class="page-frame" sandbox src="{path}/stored"' in admin.text
        assert sha256_hex(stored.data) in admin.text
        assert b"Evenfold" in stored.data
        assert "The style of the site has changed" not in admin.text


def test_a_page_whose_style_has_changed_since_says_so(
    shop: Flask, admin: Visitor, work: Work, code_for: CodeFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply(shop, code_for)
    work()
    with shop.app_context():
        sale = oversight.sales(SaleFilter()).sales[0]
        page = next(entry.entry_id for entry in oversight.timeline(sale.id) if entry.has_page)
    now = released.assets(str(shop.static_folder)) | {"css/evenfold.css": "0" * 64}
    monkeypatch.setattr(released, "assets", lambda _folder: now)
    admin.get(f"/admin/sales/{sale.id}")
    admin.get(f"/admin/sales/{sale.id}/pages/{page}")
    assert "The style of the site has changed" in admin.text


def test_a_page_of_another_sale_or_an_entry_without_one_is_not_served(
    shop: Flask, admin: Visitor, work: Work, code_for: CodeFor
) -> None:
    buy(shop, work, code_for)
    apply(shop, code_for, ILL)
    work()
    with shop.app_context():
        of_ill, of_li_na = oversight.sales(SaleFilter()).sales
        told = oversight.timeline(of_li_na.id)
        page = next(entry.entry_id for entry in told if entry.has_page)
        act = next(entry.entry_id for entry in told if not entry.has_page)
        assert trail.page_bytes(page)
    for path in (f"{of_ill.id}/pages/{page}", f"{of_li_na.id}/pages/{act}", f"{of_li_na.id}/pages/{NOBODY}"):
        for ending in ("", "/stored"):
            admin.get(f"/admin/sales/{path}{ending}")
            assert admin.status == 404
    assert admin.get(f"/admin/sales/{NOBODY}")
    assert admin.status == 404


def test_the_sealed_policy_is_downloaded_from_the_sale(
    shop: Flask, admin: Visitor, work: Work, code_for: CodeFor
) -> None:
    buy(shop, work, code_for)
    apply(shop, code_for, ILL)
    work()
    with shop.app_context():
        unsold, sold = oversight.sales(SaleFilter()).sales
        assert sold.policy_id is not None
        paper = policies.document_bytes(sold.policy_id)
    admin.get(f"/admin/sales/{sold.id}")
    answer = admin.client.get(f"/admin/sales/{sold.id}/policy.pdf")
    assert answer.data == paper
    assert answer.headers["Content-Disposition"] == f"attachment; filename=policy-{sold.policy_number}.pdf"
    assert admin.client.get(f"/admin/sales/{unsold.id}/policy.pdf").status_code == 404


def test_filters_narrow_the_log(shop: Flask, admin: Visitor, work: Work, code_for: CodeFor) -> None:
    buy(shop, work, code_for)
    apply(shop, code_for, ILL)
    Visitor(shop.test_client()).compare("term_life", ANSWERS)
    work()
    with shop.app_context():
        compared, referred, sold = (str(sale.id) for sale in oversight.sales(SaleFilter()).sales)
        number = oversight.sale(oversight.sales(SaleFilter()).sales[2].id).policy_number
        insurer_id = oversight.sales(SaleFilter()).sales[2].insurer_id
    for asked, expected in (
        ("", [compared, referred, sold]),
        (f"text={number}", [sold]),
        ("state=referred", [referred]),
        (f"insurer={insurer_id}", [referred, sold]),
        ("line=term_life&state=compared", [compared]),
        ("line=travel", []),
        ("until=2020-01-01", []),
        ("since=2020-01-01&state=mailed", [sold]),
        ("page=2", []),
    ):
        admin.get(f"/admin?{asked}")
        assert admin.status == 200, asked
        assert [path.rsplit("/", 1)[1] for path in links(admin.text, SALE)] == expected, asked


@pytest.mark.parametrize(
    "asked",
    ["state=sold", "line=boats", "insurer=nobody", "since=yesterday", "since=2026-02-01&until=2026-01-01"],
)
def test_a_filter_that_means_nothing_is_said_so(admin: Visitor, asked: str) -> None:
    admin.get(f"/admin?{asked}")
    assert admin.status == 422
    assert "Please look at this again" in admin.text


@pytest.mark.parametrize("page", ["0", "-3", "x", "99999999999999999999"])
def test_any_page_number_gives_a_page(admin: Visitor, page: str) -> None:
    admin.get(f"/admin?page={page}")
    assert admin.status == 200


def test_the_list_asks_the_database_no_more_often_when_it_is_longer(
    shop: Flask, admin: Visitor, work: Work, code_for: CodeFor
) -> None:
    apply(shop, code_for, ILL)
    work()
    short = statements(shop, lambda: admin.get("/admin"))
    assert len(links(admin.text, SALE)) == 1
    for _ in range(4):
        Visitor(shop.test_client()).compare("term_life", ANSWERS)
    apply(shop, code_for)
    work()
    assert statements(shop, lambda: admin.get("/admin")) == short
    assert len(links(admin.text, SALE)) == 6


@pytest.mark.asvs("16.3.2")
@pytest.mark.requirement("T26-48")
def test_why_is_asked_once_for_each_sale_and_sign_in_and_each_look_is_entered_with_it(
    shop: Flask, work: Work, code_for: CodeFor
) -> None:
    apply(shop, code_for)
    apply(shop, code_for, ILL)
    work()
    with shop.app_context():
        other, sale = oversight.sales(SaleFilter()).sales
        page = next(entry.entry_id for entry in oversight.timeline(sale.id) if entry.has_page)
        account = a_member_of_staff(Role.ADMIN_SALES)
        db.session.commit()
    path = f"/admin/sales/{sale.id}"
    admin = sign_in(shop, Visitor(shop.test_client()), account)
    led = admin.client.get(f"{path}/pages/{page}/stored")
    assert (led.status_code, led.location) == (303, f"{path}?next={path}/pages/{page}/stored")
    admin.get(f"{path}/pages/{page}")
    for reason in ("", "abc"):
        admin.post({"reason": reason})
        assert admin.status == 422
        assert LI_NA.name not in admin.text
    assert readings_of(shop, sale) == []
    assert looked_at(shop) == [], "only the question was shown"

    admin.post({"reason": "Complaint C-17"})
    assert (admin.status, admin.at) == (200, f"{path}/pages/{page}"), "there, where it was wanted"
    admin.get(path)
    assert LI_NA.name in admin.text
    assert admin.client.get(f"{path}/pages/{page}/stored").status_code == 200
    admin.get(f"{path}/day")
    assert admin.status == 200
    admin.post({"day": "2026-11-22"})
    entered = [("told", {}), ("page", {"entry_id": page}), ("file", {}), ("bytes", {"entry_id": page}), ("day", {}),
               ("day", {"day": "2026-11-22"})]  # fmt: skip
    said = {"sale_id": str(sale.id), "reason": "Complaint C-17"}
    with shop.app_context():
        assert sale.application_id
        entries = trail.journey_entries(journey_of_readings(sale.application_id))
        assert [each.body for each in entries] == [
            {**said, "what": what, **{name: str(value) for name, value in which.items()}} for what, which in entered
        ]
        assert {(each.type, each.actor) for each in entries} == {
            (EntryType.SALE_VIEWED, Actor(ActorRole.ADMIN, account.id, "admin_sales"))
        }
        assert {(each.application_id, each.insurer_id) for each in entries} == {(sale.application_id, sale.insurer_id)}
    assert [each.endpoint for each in looked_at(shop)] == [
        "sales_log.page", "sales_log.sale", "sales_log.stored_page", "page_versions.day",
    ]  # fmt: skip

    admin.get(f"/admin/sales/{other.id}")
    assert "Why do you look at this sale?" in words(admin.text), "another sale, another reason"
    again = sign_in(shop, Visitor(shop.test_client()), account)
    again.get(path)
    assert "Why do you look at this sale?" in words(again.text), "another sign-in"
    assert LI_NA.name not in again.text


def test_nobody_is_led_elsewhere_by_the_question(shop: Flask, work: Work, code_for: CodeFor) -> None:
    apply(shop, code_for)
    work()
    with shop.app_context():
        path = f"/admin/sales/{oversight.sales(SaleFilter()).sales[0].id}"
    for wanted in ("https://evil.example", "//evil.example", "/admin/security", f"{path}x", "/"):
        desk = sign_in_as(shop, Role.ADMIN_COMPLIANCE)
        desk.get(f"{path}?next={wanted}")
        desk.post({"reason": "Complaint C-17"})
        assert (desk.status, desk.at) == (200, path)


@pytest.mark.requirement("T26-41", "T26-48")
def test_looking_changes_nothing_in_what_is_kept_of_the_sale(
    shop: Flask, admin: Visitor, work: Work, code_for: CodeFor
) -> None:
    Visitor(shop.test_client()).compare("term_life", ANSWERS)
    buy(shop, work, code_for)
    with shop.app_context():
        sold, compared = oversight.sales(SaleFilter()).sales
        before = [trail.journey_entries(each.journey_id) for each in (sold, compared)]
    for each in (sold, compared):
        admin.get(f"/admin/sales/{each.id}")
        assert admin.status == 200
        pages = links(admin.text, f"/admin/sales/{each.id}/pages/[0-9a-f-]+")
        assert admin.client.get(f"{pages[0]}/stored").status_code == 200
    with shop.app_context():
        assert [trail.journey_entries(each.journey_id) for each in (sold, compared)] == before
    looks = [("told", "admin_sales", WHY), ("file", "admin_sales", WHY), ("bytes", "admin_sales", WHY)]
    assert readings_of(shop, sold) == looks
    assert readings_of(shop, compared) == looks
    shown = words(admin.get(f"/admin/sales/{compared.id}"))
    assert f"looked at the file of the sale Marketplace: sales {WHY}" in shown


def readings_of(shop: Flask, sale: Sale) -> list[tuple[str, str, str]]:
    with shop.app_context():
        found = oversight.readings_of(sale.application_id or sale.journey_id)
    return [(each.what, each.label, each.reason) for each in found]


def looked_at(shop: Flask) -> list[SecurityEvent]:
    """The looks into sales that are kept among the events, the first one first."""
    with shop.app_context():
        return list(reversed(accounts.security_events(SecurityEventFilter(SecurityEventType.SALE_VIEWED)).events))


def sign_in_as(shop: Flask, role: Role) -> Visitor:
    """A member of staff who says nothing of her own accord."""
    with shop.app_context():
        account = a_member_of_staff(role)
        db.session.commit()
    return sign_in(shop, Visitor(shop.test_client()), account)
