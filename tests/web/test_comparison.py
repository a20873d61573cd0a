"""What a customer does with a comparison: state needs, sort, filter, put side by side, change, take along, reopen."""

import csv
import io
import re
from dataclasses import replace
from html import unescape
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace.accounts import queries as accounts
from marketplace.catalog import services as catalog
from marketplace.catalog.values import Allowed, Commission, Cover, Exclusion, ProductContent, Scalar
from marketplace.infra.db import db
from marketplace.privacy.services import erasing
from marketplace.privacy.values import ErasureReason
from marketplace.quoting import queries as quoting
from marketplace.quoting.rules.ranking import RULES
from marketplace.traceability import queries as trail
from marketplace.traceability.values import SYSTEM, EntryType
from marketplace.web.storefront.compare import OFFERS_ON_A_PAGE
from sandbox.demo.visitor import Visitor, words
from tests.factories.accounts import an_insurer
from tests.factories.catalog import RISK, a_draft_product
from tests.factories.quoting import a_content, a_tariff, publish
from tests.factories.quoting import words as say
from tests.web.conftest import NothingWritten, count, days_later, run_jobs

ANSWERS = {"zone": "asia", "days": "10", "age": "34"}
RECALLED = say("Something was wrong.")
PLACE = re.compile(r'<article class="offer" aria-labelledby="offer-(\d+)">')


def product(code: str, *covers: str, **changes: object) -> ProductContent:
    parts = {"covers": tuple(Cover(each, say(each), say("pays"), say("limit")) for each in covers)} | changes
    return a_content(code, **parts)


@pytest.fixture
def market(shop: Flask) -> Flask:
    """Three travel products: the cheap one lacks cancellation, the dear one has it, the wordy one has its own words."""
    with shop.app_context():
        publish(an_insurer("cheap"), product("zebra", "medical"), a_tariff("10.00"))
        publish(an_insurer("dear"), product("apple", "medical", "cancellation"), a_tariff("90.00"))
        publish(an_insurer("wordy"), product("mango", "trip_called_off"), a_tariff("50.00"))
        db.session.commit()
    return shop


@pytest.fixture
def comparison(market: Flask, visitor: Visitor) -> str:
    """The path of a comparison in which cancellation is needed: apple, zebra, mango."""
    visitor.compare("travel", ANSWERS | {"needs-cancellation": "yes"})
    return visitor.at


def shown(page: str) -> list[str]:
    """The products of the page in its order, by the first word of their names."""
    return re.findall(r'<div class="who">.*?<b>(\w+) cover</b>', page, re.DOTALL)


def change(visitor: Visitor, comparison: str, **answers: str) -> None:
    """Send the form for changing answers that stands on the page."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', visitor.get(comparison).split('id="change"')[1])
    assert token
    fields = {name.replace("__", "-"): value for name, value in answers.items()}
    visitor.post({"csrf_token": token[1]} | fields, f"{comparison}/change")


def journey_of(visitor: Visitor) -> UUID:
    with visitor.client.session_transaction() as session:
        return UUID(session["journey"])


# --- stated needs ---------------------------------------------------------------------------------------------------


@pytest.mark.requirement("UK-12")
def test_nothing_is_ticked_before_the_customer_ticks_it(market: Flask, visitor: Visitor) -> None:
    visitor.get("/compare/travel")
    boxes = re.findall(r'<input type="checkbox" name="needs-[^>]*>', visitor.text)
    assert len(boxes) == 7
    assert [box for box in visitor.text.split("<input") if " checked" in box] == []
    visitor.compare("travel", ANSWERS)
    assert shown(visitor.text) == ["zebra", "mango", "apple"], "without needs the total decides"
    assert "What you need" not in words(visitor.text)
    assert not re.search(r"<input[^>]* checked", visitor.text)


@pytest.mark.requirement("O13-16")
def test_each_offer_says_which_needs_it_meets(comparison: str, visitor: Visitor) -> None:
    assert shown(visitor.text) == ["apple", "zebra", "mango"]
    said = [words(offer) for offer in visitor.text.split("<article")[1:]]
    assert "Meets: Cancellation is covered" in said[0]
    assert "Does not meet this stated need: Cancellation is covered" in said[1]
    assert "Not known: Cancellation is covered" in said[2]
    assert "In order of stated needs met, then total cost over the term." in words(visitor.text)


def test_a_comparison_ordered_by_the_earlier_rule_says_so(
    market: Flask, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr("marketplace.quoting.services.RANKING_RULE", RULES["ranking-1"])
        visitor.compare("travel", ANSWERS)
    said = words(visitor.get(visitor.at))
    assert "In order of total cost over the term." in said
    assert "In order of stated needs met" not in said
    page = visitor.get("/how-we-rank")
    assert 'id="ranking-1"' in page
    assert words(page).index("share of the needs") < words(page).index("Earlier comparisons: rule ranking-1")


@pytest.mark.requirement("EU-03")
def test_other_commissions_show_the_same_page(market: Flask, visitor: Visitor) -> None:
    visitor.compare("travel", ANSWERS | {"needs-cancellation": "yes"})
    before = shown(visitor.text)
    with market.app_context():
        for insurer, code, covers, amount, basis_points in (
            ("cheap", "zebra", ("medical",), "10.00", 9000),
            ("dear", "apple", ("medical", "cancellation"), "90.00", 0),
            ("wordy", "mango", ("trip_called_off",), "50.00", 5000),
        ):
            _replaced(insurer, product(code, *covers, commission=Commission(basis_points)), amount)
    visitor.compare("travel", ANSWERS | {"needs-cancellation": "yes"})
    assert shown(visitor.text) == before == ["apple", "zebra", "mango"]


def _replaced(insurer_code: str, content: ProductContent, amount: str) -> None:
    """Another version of the insurer's only product, on sale in place of the one before."""
    insurer = accounts.insurer_by_code(insurer_code)
    for version in catalog_versions(insurer.id):
        catalog.recall(version, RECALLED, SYSTEM)
    publish(insurer, content, a_tariff(amount))
    db.session.commit()


def catalog_versions(insurer_id: UUID) -> list[UUID]:
    found = db.session.execute(
        text("SELECT id FROM catalog_product_version WHERE insurer_id = :id AND withdrawn_at IS NULL"),
        {"id": insurer_id},
    )
    return list(found.scalars())


# --- sort and filter ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("sort=total", ["zebra", "mango", "apple"]),
        ("sort=premium", ["zebra", "mango", "apple"]),
        ("sort=needs", ["apple", "zebra", "mango"]),
        ("sort=name", ["apple", "mango", "zebra"]),
        ("sort=code", ["apple", "mango", "zebra"]),
    ],
)
def test_an_order_of_the_customers_own_is_said_to_be_that(
    comparison: str, visitor: Visitor, asked: str, expected: list[str]
) -> None:
    visitor.get(f"{comparison}?{asked}")
    assert shown(visitor.text) == expected
    said = words(visitor.text)
    assert "3 of 3 offers are shown." in said
    assert "You chose this order:" in said
    assert "It is not our ranking." in said
    assert shown(visitor.get(comparison)) == ["apple", "zebra", "mango"], "the frozen order stays"
    assert "You chose this order" not in visitor.text


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("most=53", ["zebra", "mango"]), ("most=52", ["zebra"]), ("does-cancellation=yes", ["apple"]), ("most=1", [])],
)
def test_a_filter_says_how_many_of_how_many_are_shown(
    comparison: str, visitor: Visitor, asked: str, expected: list[str]
) -> None:
    visitor.get(f"{comparison}?{asked}")
    assert (visitor.status, shown(visitor.text)) == (200, expected)
    assert f"{len(expected)} of 3 offers are shown." in words(visitor.text)
    assert "They stand in the order of our ranking." in words(visitor.text)
    assert ("No offer fits these filters." in words(visitor.text)) is (expected == [])


def test_an_insurer_and_a_frequency_can_be_chosen(comparison: str, visitor: Visitor) -> None:
    visitor.get(comparison)
    insurer = re.search(r'<option value="([0-9a-f-]{36})">', visitor.text)
    assert insurer
    assert len(shown(visitor.get(f"{comparison}?insurer={insurer[1]}"))) == 1
    assert len(shown(visitor.get(f"{comparison}?frequency=single"))) == 3


@pytest.mark.asvs("2.2.1")
@pytest.mark.parametrize("asked", ["sort=commission", "insurer=nobody", "frequency=daily", "most=-1", "most=%3Cb%3Ex"])
def test_a_filter_that_makes_no_sense_is_refused_and_everything_shown(
    comparison: str, visitor: Visitor, asked: str
) -> None:
    visitor.get(f"{comparison}?{asked}")
    assert visitor.status == 422
    assert shown(visitor.text) == ["apple", "zebra", "mango"]
    assert 'class="summary-of-errors"' in visitor.text
    assert "<b>x" not in visitor.text


def test_what_is_not_asked_for_is_not_read(comparison: str, visitor: Visitor) -> None:
    visitor.get(f"{comparison}?utm_source=x&does-nothing=yes&page=999&page_size=1")
    assert (visitor.status, shown(visitor.text)) == (200, ["apple", "zebra", "mango"])
    assert "utm_source" not in visitor.text.split('name="back"')[0]


def test_very_many_offers_stand_on_pages(comparison: str, visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketplace.web.storefront.compare.OFFERS_ON_A_PAGE", 2)
    assert shown(visitor.get(f"{comparison}?sort=name")) == ["apple", "mango"]
    assert "Page 1 of 2" in words(visitor.text)
    following = re.search(r'rel="next" href="([^"]+)"', visitor.text)
    assert following
    assert shown(visitor.get(unescape(following[1]))) == ["zebra"]
    assert "Page 2 of 2" in words(visitor.text)
    assert "3 of 3 offers are shown." in words(visitor.text)


def test_a_full_page_is_no_heavier_than_any_other_may_be(shop: Flask, visitor: Visitor) -> None:
    """Each page is weighed as it comes (`page_checks`): 100 kB with all that a first visit loads."""
    with shop.app_context():
        insurer, draft = an_insurer("second"), a_draft_product()
        texts = {ref.sha256: data for ref, data in draft.documents}
        for number in range(OFFERS_ON_A_PAGE + 1):
            publish(insurer, replace(draft.content, code=f"term-{number:02}"), draft.tariff, documents=texts)
        db.session.commit()
    visitor.compare("term_life", {name: _typed(value) for name, value in RISK.items()})
    assert len(PLACE.findall(visitor.text)) == OFFERS_ON_A_PAGE
    assert "Page 1 of 2" in words(visitor.text)


def _typed(value: Scalar) -> str:
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)


# --- side by side ---------------------------------------------------------------------------------------------------


def test_ticked_offers_stand_side_by_side(comparison: str, visitor: Visitor) -> None:
    visitor.get(f"{comparison}/side-by-side?offer-1=yes&offer-3=yes")
    assert urlsplit(visitor.at).query in {"offers=1,3", "offers=1%2C3"}
    assert shown(visitor.text) == ["apple", "mango"]
    said = words(visitor.text)
    for row in ("Premium", "Total over the term", "What you need", "Not covered", "Help on the way"):
        assert row in said
    labels = [unescape(label) for label in re.findall(r'<th scope="row">([^<]+)', visitor.text.split("</table>")[0])]
    cells = [row.count("<td") for row in re.findall(r"<tr.*?</tr>", visitor.text.split("</table>")[0], re.DOTALL)[1:]]
    assert len(labels) >= 10
    assert set(cells[: len(labels)]) == {2}, "the same rows for all"
    assert "Cover: cancellation" in labels


def test_only_the_rows_that_differ(comparison: str, visitor: Visitor) -> None:
    visitor.get(f"{comparison}/side-by-side?offers=1,2")
    every = re.findall(r'<th scope="row">([^<]+)', visitor.text)
    differing = visitor.text.count('<span class="tag warn">differs</span>')
    visitor.get(f"{comparison}/side-by-side?offers=1,2&rows=differing")
    left = re.findall(r'<th scope="row">([^<]+)', visitor.text)
    assert visitor.text.count('<span class="tag warn">differs</span>') == differing == 1
    assert "Cover: cancellation" in left
    assert "Baggage" in every
    assert "Baggage" not in left


@pytest.mark.parametrize("asked", ["offers=1", "offers=1,1", "offers=1,99", "offers=1,x", "offers=", "offer-2=yes"])
def test_anything_but_two_to_four_offers_is_asked_again(comparison: str, visitor: Visitor, asked: str) -> None:
    visitor.get(f"{comparison}/side-by-side?{asked}")
    assert visitor.status == 422
    assert "Please tick two to four offers of this comparison." in words(visitor.text)
    visitor.get(f"{comparison}/side-by-side")
    assert visitor.status == 200


def test_curves_stand_with_their_figures(market: Flask, visitor: Visitor) -> None:
    visitor.compare("travel", ANSWERS)
    page = visitor.get(f"{visitor.at}/side-by-side?offers=1,2")
    assert page.count("<polyline") == 2
    table = page.split("The figures as a table")[1].split("</table>")[0]
    assert table.count("<tr>") == 1 + 81, "a row for each age from 0 to 80"
    assert "¥10.60" in words(table)


# --- change in place ------------------------------------------------------------------------------------------------


@pytest.mark.requirement("UK-12")
def test_a_changed_answer_makes_another_comparison_and_says_what_changed(
    comparison: str, market: Flask, visitor: Visitor
) -> None:
    assert 'id="change"' in visitor.text
    assert "Assumed:" in words(visitor.text)
    change(visitor, comparison, zone="europe", days="10", sports="yes")
    assert visitor.at != comparison
    said = words(visitor.text)
    assert "Where to: Europe, Schengen included (before: Asia)" in said
    assert "Winter or water sports: yes (before: no)" in said
    assert "What you need: nothing stated (before: Cancellation is covered)" in said
    assert "Before: ¥95.40" in said
    assert f'href="{comparison}"' in visitor.text
    with market.app_context():
        old, new = (quoting.need(path.rsplit("/", 1)[1]) for path in (comparison, visitor.at))
        assert (new.journey_id, new.follows, new.assumed) == (old.journey_id, old.id, ())
    assert shown(visitor.get(comparison)) == ["apple", "zebra", "mango"]


def test_what_is_left_open_stays_assumed_and_what_is_ticked_stays_stated(
    comparison: str, market: Flask, visitor: Visitor
) -> None:
    change(visitor, comparison, zone="world", days="10", needs__cancellation="yes")
    with market.app_context():
        changed = quoting.need(visitor.at.rsplit("/", 1)[1])
    assert (changed.assumed, changed.stated) == (("sports",), ("cancellation",))
    assert changed.risk["age"] == 34


def test_a_stranger_who_changes_a_shared_comparison_works_in_a_visit_of_their_own(
    comparison: str, market: Flask, visitor: Visitor, stranger: Visitor
) -> None:
    change(stranger, comparison, zone="world", days="10")
    with market.app_context():
        assert quoting.need(stranger.at.rsplit("/", 1)[1]).journey_id == journey_of(stranger)
    assert journey_of(stranger) != journey_of(visitor)


def test_of_an_earlier_comparison_that_was_erased_nothing_is_said(
    comparison: str, market: Flask, visitor: Visitor, stranger: Visitor
) -> None:
    change(stranger, comparison, zone="world", days="10")
    changed = stranger.at
    assert "Changed against comparison" in words(stranger.text)
    with market.app_context():
        erasing.erase_journey(journey_of(visitor), ErasureReason.RETENTION)
        db.session.commit()
    said = words(stranger.get(changed))
    assert stranger.status == 200
    assert "Changed against comparison" not in said
    assert "before: Asia" not in said
    assert "Before:" not in said


def test_a_change_that_cannot_be_is_said_beside_the_field_and_nothing_is_kept(
    comparison: str, market: Flask, visitor: Visitor
) -> None:
    needs = count(market, "quoting_need")
    change(visitor, comparison, zone="moon", days="400")
    assert visitor.status == 422
    assert "From 1 to 90." in words(visitor.text)
    assert shown(visitor.text) == ["apple", "zebra", "mango"]
    assert count(market, "quoting_need") == needs


# --- taken along ----------------------------------------------------------------------------------------------------


def test_the_table_holds_what_was_frozen(comparison: str, market: Flask, visitor: Visitor) -> None:
    answer = visitor.client.get(f"{comparison}/comparison.csv")
    assert answer.mimetype == "text/csv"
    header, *rows = csv.reader(io.StringIO(answer.data.decode("utf-8-sig")))
    with market.app_context():
        offers = quoting.offers_for(quoting.need(comparison.rsplit("/", 1)[1]).id)
    found = [dict(zip(header, row, strict=True)) for row in rows]
    assert [(each["Place"], each["Product code"], each["Total"]) for each in found] == [
        ("1", "apple", "95.40"),
        ("2", "zebra", "10.60"),
        ("3", "mango", "53.00"),
    ]
    assert [each["Cancellation is covered"] for each in found] == ["met", "not met", "not known"]
    assert [each["Hash of the tariff"] for each in found] == [offer.tariff_root for offer in offers]
    assert {each["Ranking rule"] for each in found} == {"ranking-2"}


@pytest.mark.asvs("1.2.10")
def test_a_name_like_a_formula_stays_words_in_the_table(market: Flask, visitor: Visitor) -> None:
    with market.app_context():
        content = product("formula", "medical", marketing_name=say('=HYPERLINK("http://x")'))
        publish(an_insurer("odd"), content, a_tariff("5.00"))
        db.session.commit()
    visitor.compare("travel", ANSWERS)
    table = visitor.client.get(f"{visitor.at}/comparison.csv").data.decode("utf-8-sig")
    assert "'=HYPERLINK" in table
    assert not re.search(r'(^|[,"])=', table)


def test_the_link_goes_by_mail_and_nothing_of_it_stays(
    comparison: str, market: Flask, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketplace.infra.mail.keeps_copies", lambda: False)
    visitor.get(f"{comparison}/send")
    visitor.post({"email": "Friend@Example.com"})
    assert visitor.at == comparison
    assert "The address of this comparison is on its way." in words(visitor.text)
    run_jobs(market)
    with market.app_context():
        row = db.session.execute(text("SELECT * FROM correspondence_message WHERE kind = 'comparison_link'"))
        kept = row.mappings().one()
    assert kept["state"] == "sent"
    assert [kept[name] for name in ("recipient", "recipient_index", "context", "subject", "eml")] == [None] * 5


def test_an_address_no_mail_can_go_to_is_refused(
    comparison: str, market: Flask, visitor: Visitor, nothing_written: NothingWritten
) -> None:
    visitor.get(f"{comparison}/send")
    with nothing_written():
        visitor.post({"email": "friend"})
    assert visitor.status == 422
    assert "Please enter an e-mail address" in words(visitor.text)


@pytest.mark.asvs("2.4.1")
def test_one_address_is_not_flooded(comparison: str, market: Flask, visitor: Visitor) -> None:
    def send(address: str) -> int:
        visitor.get(f"{comparison}/send")
        visitor.post({"email": address})
        return visitor.status

    assert [send("friend@example.com") for _ in range(6)] == [200] * 5 + [429]
    assert count(market, "correspondence_message") == 5
    assert [send(f"friend{number}@example.com") for number in range(5)] == [200] * 4 + [429], "nor by one source"
    assert count(market, "correspondence_message") == 9


# --- reopened -------------------------------------------------------------------------------------------------------


def test_reopened_after_a_change_it_shows_both(comparison: str, market: Flask, visitor: Visitor) -> None:
    assert "Today:" not in words(visitor.get(comparison))
    with market.app_context():
        for version in catalog_versions(accounts.insurer_by_code("wordy").id):
            catalog.recall(version, RECALLED, SYSTEM)
        _replaced("dear", product("apple", "medical", "cancellation"), "99.00")
    said = [words(offer) for offer in visitor.get(comparison).split("<article")[1:]]
    assert "2 of its products have changed" in words(visitor.text)
    assert "¥95.40" in said[0]
    assert "Today: ¥104.94, version 2" in said[0]
    assert "Today:" not in said[1]
    assert "¥53.00" in said[2]
    assert "Today: no longer on sale" in said[2]


def test_a_product_that_no_longer_takes_these_answers_says_why(
    comparison: str, market: Flask, visitor: Visitor
) -> None:
    with market.app_context():
        _replaced("dear", product("apple", "medical", eligibility={"age": Allowed(max=30)}), "99.00")
    assert "Today: not offered for your answers: " in words(visitor.get(comparison))


def test_days_later_it_still_says_what_was_shown(comparison: str, market: Flask, visitor: Visitor) -> None:
    days_later(market, 60)
    said = words(visitor.get(comparison))
    assert "These prices have expired." in said
    assert shown(visitor.text) == ["apple", "zebra", "mango"]
    assert "Today:" not in said


# --- names and folded terms -----------------------------------------------------------------------------------------


@pytest.mark.requirement("O13-16")
def test_a_marketing_name_never_hides_the_name_of_the_clauses(comparison: str, visitor: Visitor) -> None:
    for path in (comparison, f"{comparison}/side-by-side?offers=1,2"):
        page = visitor.get(path)
        assert [f"Clauses: {name} clauses" for name in shown(page)] == re.findall(r"Clauses: \w+ clauses", page)


@pytest.mark.requirement("O13-08", "O13-16")
def test_no_important_term_is_folded_away(market: Flask, visitor: Visitor) -> None:
    """Every exclusion, what is borne and each need stand in the offer itself: in nothing that has to be opened."""
    codes = ("known", "warning", "alcohol", "unattended", "deductible", "older")
    exclusions = tuple(Exclusion(code, say(f"not {code}"), say("plainly"), "1.1") for code in codes)
    with market.app_context():
        publish(an_insurer("many"), product("full", "medical", exclusions=exclusions), a_tariff("1.00"))
        db.session.commit()
    visitor.compare("travel", ANSWERS)
    unfolded = re.sub(r"<details.*?</details>", "", visitor.text, flags=re.DOTALL)
    (offer,) = [each for each in unfolded.split("<article")[1:] if "full cover" in each]
    for code in codes:
        assert f"not {code}" in offer
    assert "You bear yourself" in offer


# --- what is recorded -----------------------------------------------------------------------------------------------


@pytest.mark.requirement("T26-06")
def test_each_way_of_looking_is_recorded_with_what_was_shown(comparison: str, market: Flask, visitor: Visitor) -> None:
    visitor.get(f"{comparison}?sort=name&most=60")
    visitor.get(f"{comparison}/side-by-side?offers=1,3")
    with market.app_context():
        entries = [e for e in trail.journey_entries(journey_of(visitor)) if e.type is EntryType.COMPARISON_SHOWN]
        offers = [str(o.id) for o in quoting.offers_for(quoting.need(comparison.rsplit("/", 1)[1]).id)]
    ranked, sorted_, beside = (entry.body for entry in entries)
    assert (ranked["offers"], ranked.get("sort")) == (offers, None)
    assert (sorted_["offers"], sorted_["sort"]) == ([offers[2], offers[1]], "name")
    assert beside["offers"] == [offers[0], offers[2]]
