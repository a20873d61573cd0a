"""Rate cards of an insurer: kept with how they are read, read again for the next card, put into a draft."""

import csv
from dataclasses import replace

import pytest

from marketplace.accounts.values import Insurer
from marketplace.catalog.values import LINES, Line
from marketplace.infra.db import db
from marketplace.kernel.errors import Invalid
from marketplace.kernel.ids import new_id
from marketplace.listing import queries, services
from marketplace.listing.values import (
    RateCardHasFindings,
    RateCardNameTaken,
    RateCardNotFound,
    UploadNotFound,
    UploadState,
)
from tests.factories.accounts import an_insurer
from tests.factories.catalog import HARBOUR_TERM, STAFF, catalog_files
from tests.factories.workbooks import harbour_workbook

pytestmark = pytest.mark.usefixtures("database")
CARD = b"""Age,Male,,Female,
,Smoker 10 years,Non-smoker 10 years,Smoker 10 years,Non-smoker 10 years
18-40,1.10,0.45,0.80,0.30
41-60,6.50,3.10,4.95,2.85
"""
EXAMPLES = "age,sex,smoker,sum_insured,term_years,occupation_class,premium\n" + "\n".join(
    f"{age},female,no,300000,10,1,200.00" for age in range(18, 23)
)


@pytest.fixture
def harbour() -> Insurer:
    return an_insurer("harbour")


def test_a_card_is_kept_as_it_was_read_and_the_next_one_is_read_alike(harbour: Insurer) -> None:
    card = services.keep_rate_card(harbour.id, "Acme", Line.TERM_LIFE, CARD, STAFF)
    assert queries.rate_cards(harbour.id) == (card,)
    said = {**card.plan.meanings, "Smoker 10 years": "smoker = yes; term_years = 20"}
    planned = services.plan_rate_card(card.id, replace(card.plan, table="risk", meanings=said), STAFF)
    assert queries.long_table(planned).rows[0] == ["male", "yes", "20", "18", "40", "1.10"]
    renewed = services.renew_rate_card(card.id, CARD.replace(b"1.10", b"1.20"), STAFF)
    assert renewed.plan == planned.plan
    assert queries.long_table(renewed).rows[0] == ["male", "yes", "20", "18", "40", "1.20"]


@pytest.mark.parametrize("as_workbook", [False, True])
def test_a_card_goes_into_a_draft_of_the_newest_catalog_and_nothing_on_sale(
    harbour: Insurer, *, as_workbook: bool
) -> None:
    first = services.upload_catalog(harbour.id, harbour_workbook() if as_workbook else catalog_files(), STAFF)
    services.read_upload(first.id)
    card = services.keep_rate_card(harbour.id, "Acme", Line.TERM_LIFE, CARD, STAFF)
    services.plan_rate_card(card.id, replace(card.plan, table="risk"), STAFF)
    put = services.put_rate_card(card.id, "harbour-term", "risk", EXAMPLES, STAFF)
    services.read_upload(put.id)
    upload = queries.upload(put.id)
    assert (upload.state, upload.findings, upload.products) == (UploadState.DRAFT, (), ("harbour-term",))
    assert upload.id != first.id
    files = queries.files_of_upload(upload)
    assert files[f"{HARBOUR_TERM}tables/risk.csv"] == queries.long_table(queries.rate_card(card.id)).data
    assert files[f"{HARBOUR_TERM}questions.toml"]


def test_a_card_is_offered_the_tables_of_its_line_the_one_that_looks_at_the_same_first(harbour: Insurer) -> None:
    services.read_upload(services.upload_catalog(harbour.id, catalog_files(), STAFF).id)
    card = services.keep_rate_card(harbour.id, "Acme", Line.TERM_LIFE, CARD, STAFF)
    assert [(each.product_code, each.table) for each in queries.places_for(card)] == [
        ("harbour-term", "risk"), ("harbour-term", "occupation"),
    ]  # fmt: skip
    assert queries.places_for(card)[0].product_name.en == "Harbour Term"
    assert queries.places_for(services.plan_rate_card(card.id, replace(card.plan, value="amount"), STAFF)) == ()
    travel = services.keep_rate_card(harbour.id, "Trips", Line.TRAVEL, CARD, STAFF)
    assert queries.places_for(travel) == (), "a table of another line is none of its"


def test_examples_wait_for_premiums_of_risks_that_the_card_prices(harbour: Insurer) -> None:
    card = services.keep_rate_card(harbour.id, "Acme", Line.TERM_LIFE, CARD, STAFF)
    head, *rows = csv.reader(queries.examples_to_fill_in(card).splitlines())
    assert head == [*(factor.name for factor in LINES[Line.TERM_LIFE].factors), "premium"]
    assert len(rows) == len({tuple(row) for row in rows}) == 5
    assert {row[-1] for row in rows} == {""}
    for row in rows:
        given = {
            name: LINES[Line.TERM_LIFE].factor(name).parse(text) for name, text in zip(head[:-1], row, strict=False)
        }
        assert LINES[Line.TERM_LIFE].risk(given) == given


def test_each_way_to_pay_has_an_example_to_fill_in() -> None:
    larkmeadow = an_insurer("larkmeadow")
    services.read_upload(services.upload_catalog(larkmeadow.id, catalog_files("larkmeadow"), STAFF).id)
    card = services.keep_rate_card(larkmeadow.id, "Acme", Line.TERM_LIFE, CARD, STAFF)
    rows = csv.DictReader(queries.examples_to_fill_in(card).splitlines())
    assert [row["payment_frequency"] for row in rows] == ["yearly", "monthly", "yearly", "monthly", "yearly"]


def test_what_is_refused_leaves_nothing(harbour: Insurer) -> None:
    card = services.keep_rate_card(harbour.id, "Acme", Line.TERM_LIFE, CARD, STAFF)
    with pytest.raises(RateCardNameTaken):
        services.keep_rate_card(harbour.id, "Acme", Line.TRAVEL, CARD, STAFF)
    with pytest.raises(Invalid, match=r"file: The text is not in UTF-8\."):
        services.keep_rate_card(harbour.id, "Other", Line.TERM_LIFE, "é".encode("utf-16"), STAFF)
    with pytest.raises(Invalid):
        services.renew_rate_card(card.id, b"", STAFF)
    with pytest.raises(UploadNotFound):
        services.put_rate_card(card.id, "harbour-term", "risk", EXAMPLES, STAFF)
    services.read_upload(services.upload_catalog(harbour.id, catalog_files(), STAFF).id)
    services.renew_rate_card(card.id, CARD.replace(b"6.50", b"n/a"), STAFF)
    with pytest.raises(RateCardHasFindings):
        services.put_rate_card(card.id, "harbour-term", "risk", EXAMPLES, STAFF)
    with pytest.raises(RateCardNotFound):
        queries.rate_card(new_id())
    db.session.flush()
    assert [each.name for each in queries.rate_cards(harbour.id)] == ["Acme"]
    assert len(queries.uploads_of_insurer(harbour.id)) == 1
