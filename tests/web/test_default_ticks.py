"""A box that a page ticks in advance is found in the evidence of a real sale, by both verifiers; a sale in which the
customer errs, goes back, changes an answer and the language has none (T26-24).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace.infra.db import db
from marketplace.oversight.values import BundleState
from marketplace.traceability import queries as trail
from marketplace.web import released
from sandbox.demo.visitor import Visitor, ticked
from sandbox.releasing import SPECIMEN
from tests.factories.evidence import File, asked, judged
from tests.factories.log import ORIGIN
from tests.factories.pages import changed_pages
from tests.journeys.conftest import CHROMIUM
from tests.verify.attacked import Attack
from tests.verify.browser import a_verifier, in_browser
from tests.web.bought_sale import Buying, a_bought_sale
from tests.web.conftest import Grounds
from tests.web.desk_visits import ANSWERS, LI_NA, buy
from verify.findings import Code

pytestmark = [
    pytest.mark.usefixtures("no_browser"),
    pytest.mark.requirement("T26-24"),
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH"),
]
CONSENT, QUESTIONS = "components/forms.html", "customer/application/questions.html"
Found = list[tuple[str, str]]


@dataclass(frozen=True)
class Sale:
    """Buys a sale and tells the faults that both verifiers find in its evidence, each with the page it is about."""

    grounds: Grounds

    @property
    def app(self) -> Flask:
        return self.grounds.app

    def faults(self, buying: Buying = buy) -> Found:
        with (
            a_bought_sale(self.grounds, buying=buying) as bought,
            bought.shop.app_context(),
        ):
            bundle = asked(bought.sale.application_id, bought.account)
            assert bundle.state is BundleState.READY
            file = File.of(bundle, bought.account)
            report, trusted = judged(file.data), trail.time_authorities()
            policy = trail.trust_policy(ORIGIN).decode()
            pages = {
                entry.log_index: entry.body.get("endpoint") for entry in trail.journey_entries(bought.sale.journey_id)
            }
        with a_verifier() as page:
            told = in_browser(page, Attack(file.data, (), policy=policy, authorities=trusted))
        assert sorted(told, key=str) == sorted(((each.code.value, each.entry) for each in report.findings), key=str)
        assert bundle.verified is report.is_proven
        return [(each.code.value, str(pages.get(each.entry))) for each in report.findings if each.code.is_fault]


@pytest.fixture(autouse=True)
def unchecked(migrated_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own client refuses a page that ticks in advance."""
    monkeypatch.setattr(migrated_app, "test_client_class", FlaskClient)


@pytest.fixture
def sale(grounds: Grounds, tmp_path: Path) -> Sale:
    with grounds.app.app_context():
        released.release(SPECIMEN)
        db.session.commit()
    return Sale(replace(grounds, log=tmp_path / "log"))


TICK = Code.DEFAULT_TICK.value


def test_a_consent_that_is_ticked_in_advance_is_found_on_each_page_that_asks_for_one(sale: Sale) -> None:
    with changed_pages(sale.app, CONSENT, 'value="yes" required', 'value="yes" checked required'):
        found = sale.faults()
    pages = ["enter", "questions", "document", "document", "exclusions", "review"]
    assert found == [(TICK, f"application.{page}") for page in pages]


def test_an_answer_that_is_chosen_in_advance_is_found(sale: Sale) -> None:
    with changed_pages(sale.app, QUESTIONS, "' checked' if option.checked", "' checked' if option.data == 'no'"):
        assert sale.faults() == [(TICK, "application.questions")]


def going_back(shop: Flask, work: Callable[[], list[str]], code_for: Callable[[str], str]) -> None:
    """Li Na sends pages without a tick, answers, goes back, changes an answer and the language, and buys."""
    visitor = Visitor(shop.test_client())
    visitor.enter(visitor.compare("term_life", ANSWERS)[0])
    visitor.give_address(LI_NA.email)
    visitor.give_code(code_for(LI_NA.email))
    visitor.give_people(LI_NA)
    visitor.prove(LI_NA)
    asked = list(dict.fromkeys(re.findall(r'<input type="radio" name="([^"]+)"', visitor.text)))
    answers = dict.fromkeys(asked, "no")
    visitor.post(answers | {"notice": "yes"})
    assert (visitor.status, visitor.text.count(" checked")) == (422, len(asked))
    visitor.post(ticked(visitor.text) | answers)
    road = visitor.at.rpartition("/application/")[0] + "/application/" + urlsplit(visitor.at).path.split("/")[2]
    visitor.post({})
    assert visitor.status == 422
    visitor.post({"confirm": "yes"})
    for locale in ("en", "zh"):
        visitor.locale = locale
        visitor.get(f"{road}/people")
        visitor.get(f"{road}/questions")
        assert (visitor.status, visitor.text.count(" checked")) == (200, len(asked))
        visitor.post(answers | {asked[0]: "yes"})
        visitor.get(f"{road}/questions")
        visitor.post(answers)
    visitor.get(road)
    visitor.answer(LI_NA)
    visitor.get(f"{road}/exclusions")
    visitor.get(f"{road}/documents/1")
    visitor.get(f"{road}/review")
    assert visitor.submit() == "pay"
    assert visitor.pay() is True
    work()


def test_what_a_customer_gave_before_is_no_tick_in_advance(sale: Sale) -> None:
    assert sale.faults(going_back) == []
