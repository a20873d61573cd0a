"""Who we are, where, for whom we act, who holds us, and who bears which duties, said where it is asked for."""

import re
from dataclasses import replace
from uuid import UUID

import pytest
from flask import Flask

from marketplace.accounts.values import Role
from marketplace.application.values import MARKETS
from marketplace.catalog.values import Line, Profile
from marketplace.disclosure import queries as disclosure
from marketplace.infra import letterhead
from marketplace.infra.db import db
from marketplace.quoting import queries as quoting
from marketplace.traceability import queries as trail
from marketplace.traceability.values import EntryType
from sandbox.demo.visitor import Visitor, ticked, words
from tests.factories.accounts import an_insurer
from tests.factories.quoting import INFORMATION, a_content, publish
from tests.web.conftest import ANSWERS
from tests.web.desk_visits import at_the_desk

BODIES = {
    Profile.CN_NONLIFE: ("www.nfra.gov.cn", "12378"),
    Profile.EU_NONLIFE: ("www.eiopa.europa.eu", "FIN-NET"),
    Profile.UK: ("register.fca.org.uk", "Financial Ombudsman Service"),
}
ADDRESS = "1 Example Road, Shanghai"
TRIP = {"zone": "asia", "days": "10", "age": "34"}


@pytest.mark.requirement("EU-04", "UK-01", "O13-47")
@pytest.mark.parametrize("profile", BODIES)
def test_the_entry_page_says_who_we_are_and_where_to_check_and_complain_in_its_market(
    shop: Flask, visitor: Visitor, request: pytest.FixtureRequest, profile: Profile
) -> None:
    information = None if profile is Profile.CN_NONLIFE else INFORMATION
    with shop.app_context():
        publish(an_insurer("abroad"), a_content("trip", Line.TRAVEL, profile=profile, information=information))
        db.session.commit()
        us = letterhead.letterhead()
        letterhead.configure(replace(us, address=ADDRESS))
    request.addfinalizer(lambda: letterhead.configure(us))
    visitor.get(visitor.compare("travel", TRIP)[0].replace("/offers/", "/apply/"))
    said = words(visitor.text)
    for each in ("Evenfold insurance agency", ADDRESS, us.support_email, "We are an intermediary, not an insurer",
                 "We act as agent of the insurers", "We give no personal advice", "complain",
                 *BODIES[profile]):  # fmt: skip
        assert each in said, each
    others = {word for other, bodies in BODIES.items() if other is not profile for word in bodies}
    assert not [word for word in others if word in said]
    visitor.post(ticked(visitor.text))
    with shop.app_context():
        entries = trail.entries_of_application(UUID(visitor.at.split("/")[2]))
        (confirmed,) = [each for each in entries if each.type is EntryType.CLIENT_NOTICE_ACKNOWLEDGED]
        key = MARKETS[profile]
        assert confirmed.body["wordings"] == {key.value: disclosure.wording(key, "en").sha256}


@pytest.mark.requirement("EU-05", "UK-02", "UK-11")
def test_the_comparison_says_what_it_is_and_is_not_and_who_holds_whom(visitor: Visitor) -> None:
    visitor.compare("term_life", ANSWERS)
    said = words(visitor.text)
    for each in ("of 1 products of 1 insurers are offered", "not the whole market",
                 "we give no personal recommendation", "No insurer holds a tenth or more in us",
                 "Insurers pay us a commission"):  # fmt: skip
        assert each in said


@pytest.mark.requirement("EU-05", "UK-02")
def test_holdings_panel_and_pay_stand_in_the_client_notice(visitor: Visitor) -> None:
    visitor.get("/disclosure")
    said = words(visitor.text)
    for each in ("No insurer holds a tenth or more of our capital", "we hold none in any insurer",
                 "We compare the products of those insurers only", "You pay us nothing on top"):  # fmt: skip
        assert each in said


@pytest.mark.requirement("EU-24")
def test_who_is_a_trader_and_bears_which_duties_is_one_click_from_the_results(visitor: Visitor) -> None:
    visitor.compare("term_life", ANSWERS)
    (ranking,) = set(re.findall(r'href="(/how-we-rank)"', visitor.text.split("<main")[1].split("</main>")[0]))
    said = words(visitor.get(ranking))
    for each in ("Each insurer shown is a trader", "Evenfold insurance agency, are a trader too", "it owes you cover",
                 "The law that protects consumers applies to both"):  # fmt: skip
        assert each in said


@pytest.mark.requirement("EU-25")
def test_insurers_accept_terms_with_the_ranking_rule_before_them(shop: Flask, visitor: Visitor) -> None:
    with shop.app_context():
        insurer = an_insurer("terms")
        db.session.commit()
        rule, *_earlier = quoting.ranking_rules()
    desk = at_the_desk(shop, Role.INSURER_ADMIN, insurer)
    said = words(desk.get("/insurer/terms"))
    for each in (*rule.criteria, rule.rule, "Why these:", "No payment changes the order"):
        assert words(each) in said
