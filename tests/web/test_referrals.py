"""The referral desk and what the applicant sees of it, in browsers: from the answer to the policy on other terms."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Role
from marketplace.infra.db import db
from marketplace.kernel.text import LocalizedText
from marketplace.oversight import queries as oversight
from marketplace.oversight import services
from marketplace.oversight.values import SaleFilter
from marketplace.policy import queries as policies
from marketplace.underwriting.models import InquiryRow
from sandbox.demo.visitor import Visitor, words
from tests.factories.accounts import an_insurer
from tests.web.conftest import count, days_later
from tests.web.desk_visits import ILL, apply, at_the_desk, links

CASE = "/insurer/sales/[0-9a-f-]{36}/underwriting"
QUEUE = "/insurer/underwriting"
WORDS = "You were treated for high blood pressure last year."
Work = Callable[[], list[str]]
CodeFor = Callable[[str], str]


@pytest.fixture
def harbour(shop: Flask, client: FlaskClient) -> Visitor:
    """An underwriter of the insurer whose product is applied for."""
    with shop.app_context():
        insurer = accounts.insurer_by_code("harbour")
    return at_the_desk(shop, Role.INSURER_UNDERWRITER, insurer)


@pytest.fixture
def referred(shop: Flask, work: Work, code_for: CodeFor) -> Visitor:
    """An applicant one of whose answers has to be looked at by a person."""
    customer, led_to = apply(shop, code_for, ILL)
    assert led_to == "ended"
    work()
    return customer


def open_case(clerk: Visitor) -> str:
    clerk.get(QUEUE)
    (path,) = links(clerk.text, CASE)
    clerk.get(path)
    assert clerk.status == 200
    return path


def decide(clerk: Visitor, path: str, **typed: str) -> None:
    clerk.get(path)
    data = {"number": "2", "decision": "accept", "unit": "percent", "code": "health", "words": WORDS} | typed
    clerk.post(data, path)


def token_in(visitor: Visitor) -> dict[str, str]:
    return dict(re.findall(r'name="(csrf_token)" value="([^"]+)"', visitor.text))


def looks(shop: Flask) -> int:
    return count(shop, "traceability_evidence_intake", "type = 'sale:viewed'")


@pytest.mark.asvs("8.2.2")
def test_the_queue_names_no_answer_and_the_case_only_to_who_said_why(
    shop: Flask, harbour: Visitor, referred: Visitor
) -> None:
    listed = words(harbour.get(QUEUE))
    assert "Harbour Term" in listed
    assert "Wang Fang" not in listed
    assert looks(shop) == 0
    path = open_case(harbour)
    assert looks(shop) == 2, "that the reason was given, and the case"
    shown = words(harbour.text)
    assert "Wang Fang" in shown
    assert "This answer had the application referred." in shown
    assert path.endswith("/underwriting")


@pytest.mark.asvs("8.2.2")
def test_a_case_of_another_insurer_does_not_exist(shop: Flask, harbour: Visitor, referred: Visitor) -> None:
    path = open_case(harbour)
    with shop.app_context():
        other = an_insurer("rival", short_name=LocalizedText("Rival Life", "对手人寿"), mark="R")
        db.session.commit()
    rival = at_the_desk(shop, Role.INSURER_UNDERWRITER, other)
    assert links(rival.get(QUEUE), CASE) == []
    rival.get(path)
    assert rival.status == 404
    assert "Wang Fang" not in rival.text
    rival.get(QUEUE)
    refused = {"number": "2", "decision": "accept", "code": "health", "words": WORDS, **token_in(rival)}
    assert rival.client.post(path, data=refused).status_code == 404
    assert rival.client.post(f"{path}/ask", data={"question": "Why?", **token_in(rival)}).status_code == 404
    assert count(shop, "underwriting_inquiry") == 0
    assert count(shop, "underwriting_decision") == 1


@pytest.mark.parametrize("role", [Role.INSURER_CLAIMS, Role.INSURER_FINANCE, Role.INSURER_CATALOG])
def test_nobody_else_at_the_insurer_decides(shop: Flask, harbour: Visitor, referred: Visitor, role: Role) -> None:
    path = open_case(harbour)
    with shop.app_context():
        insurer = accounts.insurer_by_code("harbour")
    clerk = at_the_desk(shop, role, insurer)
    for address in (QUEUE, path):
        clerk.get(address)
        assert clerk.status == 403


def test_what_was_typed_wrongly_is_said_beside_it_and_nothing_typed_is_lost(
    shop: Flask, harbour: Visitor, referred: Visitor
) -> None:
    path, before = open_case(harbour), looks(shop)
    decide(harbour, path, decision="postpone", loading="25")
    assert harbour.status == 422
    shown = words(harbour.text)
    assert "Name the day from which one may apply again." in shown
    assert "This goes with an acceptance only; leave it empty." in shown
    assert WORDS in harbour.text
    assert looks(shop) == before + 2, "it was looked at once more before, and once more with what is wrong"
    assert count(shop, "underwriting_decision") == 1


def test_the_second_who_decides_is_told_so_and_nothing_is_doubled(
    shop: Flask, harbour: Visitor, referred: Visitor
) -> None:
    path = open_case(harbour)
    with shop.app_context():
        insurer = accounts.insurer_by_code("harbour")
    second = at_the_desk(shop, Role.INSURER_ADMIN, insurer)
    second.get(path)
    decide(harbour, path)
    assert (harbour.at, harbour.status) == (QUEUE, 200)
    data = {
        "number": "2",
        "decision": "decline",
        "unit": "percent",
        "code": "health",
        "words": "No.",
        **token_in(second),
    }
    answer = second.client.post(path, data=data)
    assert answer.status_code == 409
    assert "somebody decided meanwhile" in words(answer.get_data(as_text=True))
    assert count(shop, "underwriting_decision") == 2


@pytest.mark.requirement("O13-22")
def test_from_the_question_to_a_policy_on_other_terms(
    shop: Flask, harbour: Visitor, referred: Visitor, work: Work, into_the_log: Callable[[], int]
) -> None:
    path = open_case(harbour)
    harbour.post({"question": "Which medicine do you take?"}, f"{path}/ask")
    assert "Your time stands until it is answered" in words(harbour.text)
    work()
    resume = referred.at.rsplit("/", 1)[0]
    asked = words(referred.get(resume))
    assert referred.at.endswith("/question")
    assert "Which medicine do you take?" in asked
    referred.post({"answer": ""})
    assert referred.status == 422
    referred.post({"answer": "Amlodipine, 5 mg"})
    assert referred.at.endswith("/ended")
    assert "Amlodipine, 5 mg" in harbour.get(path)
    decide(harbour, path, loading="25")
    work()
    shown = words(referred.get(resume))
    assert referred.at.endswith("/other-terms")
    assert WORDS in shown
    assert "¥1,320.75" in shown
    referred.get(f"{resume}/pay")
    assert referred.at.endswith("/other-terms"), "nothing is paid before it is agreed to"
    referred.post({})
    assert referred.status == 422
    assert count(shop, "checkout_order") == 0
    referred.post({"agree": "yes"})
    assert referred.at.endswith("/pay")
    assert referred.pay() is True
    work()
    with shop.app_context():
        account_id = db.session.execute(text("SELECT account_id FROM application_application")).scalar_one()
        (policy,) = policies.policies_of_account(account_id)
        assert [line["kind"] for line in policy.body["premium"]["lines"]].count("loading") >= 1
        assert policy.premium.minor > 132_075
        into_the_log()
        assert list(oversight.contradictions()) == []
        services.rebuild()
        (sale,) = oversight.sales(SaleFilter()).sales
        assert sale.completeness is not None
        assert sale.completeness.gaps == ()
        asked = db.session.scalars(select(InquiryRow)).one()
        asked.answer = "None at all"
        db.session.flush()
        (found,) = oversight.contradictions()
        assert "underwriting:answered" in found[1]


def test_refusing_other_terms_ends_the_application(
    shop: Flask, harbour: Visitor, referred: Visitor, work: Work
) -> None:
    path, resume = open_case(harbour), referred.at.rsplit("/", 1)[0]
    decide(harbour, path, loading="25")
    referred.get(resume)
    referred.post({"refuse": "yes"})
    assert "You did not want the other terms" in words(referred.text)
    work()
    assert count(shop, "correspondence_message", "kind = 'application_refused'") == 1
    assert count(shop, "checkout_order") == 0


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"decision": "decline"}, "The insurer cannot accept this application"),
        ({"decision": "postpone", "until": "2027-06-01"}, "The insurer would like to wait"),
    ],
)
def test_a_decision_is_told_kindly_with_the_persons_words(
    harbour: Visitor, referred: Visitor, typed: dict[str, str], said: str
) -> None:
    path, resume = open_case(harbour), referred.at.rsplit("/", 1)[0]
    decide(harbour, path, **typed)
    shown = words(referred.get(resume))
    assert said in shown
    assert WORDS in shown
    referred.get(f"{resume}/pay")
    assert referred.at.endswith("/ended")


def test_an_insurer_that_lets_people_wait_is_named_and_the_applicant_is_told_honestly(
    shop: Flask, harbour: Visitor, referred: Visitor
) -> None:
    resume = referred.at.rsplit("/", 1)[0]
    days_later(shop, 20)
    assert "overdue" in words(harbour.get(QUEUE))
    assert "has not yet. We know of this and follow it up." in words(referred.get(resume))


def test_a_guideline_is_tried_out_and_nothing_is_kept(shop: Flask, harbour: Visitor) -> None:
    harbour.get(f"{QUEUE}/try")
    (path,) = links(harbour.text, f"{QUEUE}/try/[0-9a-f-]{{36}}")
    harbour.get(path)
    names = list(dict.fromkeys(re.findall(r'name="(q_[^"]+)"', harbour.text)))
    before = count(shop, "quoting_need"), count(shop, "underwriting_decision")
    told = {
        "age": "34", "sex": "female", "smoker": "no", "sum_insured": "1000000", "term_years": "20",
        "occupation_class": "1", "region": "shanghai", "payment_frequency": "yearly",
    }  # fmt: skip
    harbour.post(told | dict.fromkeys(names, "no"))
    assert harbour.status == 200
    assert "It would be accepted" in words(harbour.text)
    assert "¥1,320.75" in words(harbour.text)
    harbour.post(told | dict.fromkeys(names, "no") | {"age": "999"})
    assert harbour.status == 422
    assert (count(shop, "quoting_need"), count(shop, "underwriting_decision")) == before
