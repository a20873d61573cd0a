"""What people send by mistake, by impatience or by intent: a clear answer each time, and nothing written."""

import re
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from flask import Flask

from marketplace.infra.identity.demonstration import specimen_number
from sandbox.demo.visitor import Visitor, hidden_fields, ticked, words
from tests.simulator_server import SimulatorServer
from tests.web.conftest import ANSWERS, LI_NA, NothingWritten, asked, count, days_later, form_for, go_on, step_of

NOBODYS = "00000000-0000-4000-8000-000000000000"
AtStep = Callable[..., Visitor]
PEOPLE = {
    "applicant_name": LI_NA.name, "applicant_birth_on": LI_NA.born_on.isoformat(), "relationship": "self",
    "insured_sex": "female",
}  # fmt: skip
ROAD = ("email", "code", "people", "identity", "questions", "documents", "exclusions", "review", "pay")


# --- addresses of things that are not there -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/compare/spaceship",
        "/compare/term_life/Q-0000-0000",
        "/compare/term_life/%00",
        "/compare/term_life?from=Q-0000-0000",
        "/compare/term_life?from=%00",
        f"/offers/{NOBODYS}",
        f"/apply/{NOBODYS}",
        f"/documents/{NOBODYS}",
        f"/documents/{NOBODYS}/read",
        f"/application/{NOBODYS}",
        f"/application/{NOBODYS}/pay",
        f"/application/{NOBODYS}/documents/99",
        "/offers/not-a-number",
        "/no-such-page",
    ],
)
def test_what_is_not_there_is_said_to_be_not_there(
    visitor: Visitor, nothing_written: NothingWritten, path: str
) -> None:
    with nothing_written():
        visitor.get(path)
    assert visitor.status == 404
    assert "There is nothing here" in words(visitor.text)
    assert 'href="/"' in visitor.text


def test_a_comparison_is_found_under_its_own_line_only(visitor: Visitor) -> None:
    visitor.compare("term_life", ANSWERS)
    visitor.get(visitor.at.replace("/term_life/", "/travel/"))
    assert visitor.status == 404


# --- the form of rating factors -------------------------------------------------------------------------------------


@pytest.mark.asvs("1.4.2", "2.2.1")
@pytest.mark.parametrize(
    ("factor", "value"),
    [
        ("age", "17"), ("age", "66"), ("age", "-1"), ("age", "34.5"), ("age", "9" * 5000), ("age", "²"), ("age", ""),
        ("sex", "other"), ("sum_insured", "1"), ("region", "atlantis"), ("smoker", "perhaps"), ("term_years", "\x00"),
    ],
)  # fmt: skip
def test_a_factor_out_of_range_is_shown_beside_its_field(
    visitor: Visitor, nothing_written: NothingWritten, factor: str, value: str
) -> None:
    visitor.get("/compare/term_life")
    with nothing_written():
        visitor.post(ANSWERS | {factor: value})
    assert visitor.status == 422
    assert 'class="summary-of-errors"' in visitor.text
    assert re.search(f'href="#{factor}(-0)?"', visitor.text), "the field, or the first of its choices"


# --- prices ---------------------------------------------------------------------------------------------------------


def test_an_expired_price_cannot_be_applied_for(shop: Flask, visitor: Visitor, nothing_written: NothingWritten) -> None:
    offer = visitor.compare("term_life", ANSWERS)[0]
    visitor.get(offer.replace("/offers/", "/apply/"))
    fields = hidden_fields(visitor.text)
    days_later(shop, 60)
    with nothing_written():
        visitor.post(fields)
        assert visitor.status == 409
        assert "The day on which cover should begin has passed. Please compare again" in words(visitor.text)
        visitor.get(offer)
    assert "This price has expired" in words(visitor.text)
    assert "/apply/" not in visitor.text


@pytest.mark.parametrize("step", ["people", "review", "pay"])
def test_a_price_that_expires_on_the_way_stops_the_application_and_keeps_it(
    shop: Flask, at_step: AtStep, nothing_written: NothingWritten, step: str
) -> None:
    visitor = at_step(step)
    days_later(shop, 2)
    with nothing_written():
        visitor.post({"people": PEOPLE, "review": {"declare": "yes"}, "pay": {}}[step])
    assert visitor.status == 409
    assert "Please compare again" in words(visitor.text)
    assert 'href="/compare/term_life?from=Q-' in visitor.text, "with the same answers"


@pytest.mark.requirement("SCM-05", "UK-05")
def test_a_price_in_the_form_is_not_the_price(shop: Flask, simulator: SimulatorServer, at_step: AtStep) -> None:
    visitor = at_step("people")
    tampered = {"premium_minor": "1", "total": "1", "amount": "1", "currency": "JPY"}
    visitor.post(PEOPLE | tampered)
    visitor.post({"kind": "resident_card", "name": "Li Na", "number": specimen_number(LI_NA.born_on)} | tampered)
    visitor.post(ticked(visitor.text) | dict.fromkeys(asked(visitor.text), "no") | tampered)
    while step_of(visitor.at) in {"documents", "exclusions"}:
        visitor.post({"confirm": "yes"} | tampered)
    visitor.post({"declare": "yes"} | tampered)
    visitor.post(tampered)
    session = simulator.listed("/v1/checkout/sessions", limit=1)[0]
    assert (session["amount_total"], session["currency"]) == (132_075, "cny")
    assert count(shop, "checkout_order", "total_minor = 132075 AND currency = 'CNY'") == 1


# --- forms that are not the page that was shown -----------------------------------------------------------------------


@pytest.mark.asvs("9.1.1")
def test_a_form_without_the_page_it_stood_on_is_refused(at_step: AtStep, nothing_written: NothingWritten) -> None:
    visitor = at_step("exclusions")
    genuine = hidden_fields(visitor.text)["seen"]
    altered = genuine[:-2] + ("A" if genuine[-2] != "A" else "B") + genuine[-1]  # not the last: it has idle bits
    for seen in ("", "x", altered, "W10.AAAA"):
        with nothing_written():
            visitor.get(visitor.at)
            visitor.post({"confirm": "yes", "seen": seen})
        assert visitor.status == 409
        assert "This form is not the page you were shown" in words(visitor.text)


@pytest.mark.asvs("9.2.3")
@pytest.mark.requirement("T26-14")
def test_a_confirmation_names_the_very_page_it_was_given_on(at_step: AtStep, nothing_written: NothingWritten) -> None:
    """The page of one document does not stand for having seen another."""
    visitor = at_step("documents")
    first, second = visitor.at, visitor.at.replace("/documents/1", "/documents/2")
    assert first != second
    with nothing_written():
        visitor.post({"confirm": "yes"}, second)
    assert visitor.status == 409
    visitor.get(second)
    visitor.post({"confirm": "yes"})
    assert visitor.at == first, "the first is still to be read"


def test_a_form_sent_twice_confirms_once(shop: Flask, at_step: AtStep, nothing_written: NothingWritten) -> None:
    visitor = at_step("documents")
    path, form = visitor.at, hidden_fields(visitor.text) | {"confirm": "yes"}
    visitor.post(form)
    with nothing_written():
        assert visitor.client.post(path, data=form).status_code == 303
    assert count(shop, "application_confirmation", "kind = 'document'") == 1


def test_a_double_click_on_submit_and_on_pay_orders_and_charges_once(
    shop: Flask, simulator: SimulatorServer, at_step: AtStep, nothing_written: NothingWritten
) -> None:
    visitor = at_step("review")
    path, form = visitor.at, hidden_fields(visitor.text) | {"declare": "yes"}
    visitor.post(form)
    with nothing_written():
        assert visitor.client.post(path, data=form).status_code == 303
    path, form = visitor.at, hidden_fields(visitor.text)
    first, second = visitor.client.post(path, data=form), visitor.client.post(path, data=form)
    assert first.status_code == second.status_code == 303
    assert first.location == second.location
    assert [count(shop, table) for table in ("checkout_order", "payment_attempt")] == [1, 1]
    order = simulator.listed("/v1/checkout/sessions", limit=2)
    assert len({each["client_reference_id"] for each in order}) == len(order), "one session for this order"


def test_the_back_button_leads_nowhere_new_after_submission(at_step: AtStep, nothing_written: NothingWritten) -> None:
    visitor = at_step("review")
    here = visitor.at.removesuffix("review")
    forms = {}
    for step in ("people", "questions", "documents/1", "exclusions"):
        visitor.get(here + step)
        forms[step] = hidden_fields(visitor.text) | {"confirm": "yes"} | ticked(visitor.text) | PEOPLE
        forms[step] |= dict.fromkeys(asked(visitor.text), "yes") if step == "questions" else {}
    visitor.get(here + "review")
    assert visitor.submit() == "pay"
    for step, form in forms.items():
        with nothing_written():
            visitor.post(form, here + step)
        assert visitor.status == 409
        assert "Go on where you are" in words(visitor.text)
        visitor.get(here + step)
        assert visitor.at == here + "pay"


def test_going_back_before_submission_changes_what_was_told(shop: Flask, at_step: AtStep) -> None:
    visitor = at_step("review")
    visitor.get(visitor.at.replace("/review", "/people"))
    assert 'value="Li Na"' in visitor.text
    visitor.post(PEOPLE | {"applicant_name": "Li Nana"})
    assert step_of(visitor.at) == "identity", "who was proven was another"
    visitor.prove(replace(LI_NA, name="Li Nana"))
    assert step_of(visitor.at) == "review"
    assert "Li Nana" in visitor.text
    assert count(shop, "application_application") == 1


def test_a_review_page_that_shows_other_people_by_now_is_not_submitted(
    at_step: AtStep, nothing_written: NothingWritten
) -> None:
    visitor = at_step("review")
    tab = Visitor(visitor.client)
    tab.get(visitor.at.replace("/review", "/people"))
    tab.post(PEOPLE | {"mobile": "13800000000"})
    with nothing_written():
        visitor.post({"declare": "yes"})
    assert visitor.status == 409
    assert "Please check it again." in words(visitor.text)
    assert "Go on where you are" in visitor.text


def test_an_address_once_proven_is_not_changed_from_an_old_tab(
    at_step: AtStep, nothing_written: NothingWritten
) -> None:
    """No code goes anywhere, and the application stays where it is."""
    visitor = at_step("people")
    for step, field in (("email", {"email": "other@example.com"}), ("code", {"code": "123456"})):
        path = visitor.at.replace("/people", f"/{step}")
        form = form_for(visitor.client.application, visitor, path)
        with nothing_written():
            visitor.post(form | field, path)
        assert (visitor.status, step_of(visitor.at)) == (200, "people")


def test_two_tabs_apply_for_two_offers_of_one_journey(shop: Flask, visitor: Visitor) -> None:
    first = visitor.compare("term_life", ANSWERS)[0]
    tab = Visitor(visitor.client)
    second = tab.compare("term_life", ANSWERS | {"sum_insured": "500000"})[0]
    visitor.get(first.replace("/offers/", "/apply/"))
    tab.get(second.replace("/offers/", "/apply/"))
    visitor.post(ticked(visitor.text))
    tab.post(ticked(tab.text))
    assert {step_of(visitor.at), step_of(tab.at)} == {"email"}
    assert visitor.at != tab.at
    assert count(shop, "application_application") == 2
    visitor.get(first.replace("/offers/", "/apply/"))
    visitor.post(ticked(visitor.text))
    assert count(shop, "application_application") == 2, "entering again goes on with the same application"


# --- steps that were skipped ------------------------------------------------------------------------------------------


@pytest.mark.asvs("2.3.1")
@pytest.mark.requirement("T26-09")
def test_no_step_can_be_skipped(
    shop: Flask, at_step: AtStep, nothing_written: NothingWritten, code_for: Callable[[str], str]
) -> None:
    """From each step every later one is posted, with a form that is genuine in everything but the order."""
    visitor = at_step("email")
    here = visitor.at.removesuffix("email")
    acts = {
        "email": {"email": LI_NA.email}, "code": {"code": "123456"}, "people": PEOPLE,
        "identity": {"kind": "resident_card", "name": LI_NA.name, "number": specimen_number(LI_NA.born_on)},
        "questions": {"notice": "yes", "health_consent": "yes"}, "documents": {"confirm": "yes"},
        "exclusions": {"confirm": "yes"}, "review": {"declare": "yes"}, "pay": {},
    }  # fmt: skip
    for place, step in enumerate(ROAD[:-1]):
        at_step_again = Visitor(visitor.client)
        at_step_again.get(here.rstrip("/"))
        assert step_of(at_step_again.at) == step
        for later in ROAD[place + 1 :]:
            path = here + later + ("/1" if later == "documents" else "")
            form = form_for(shop, at_step_again, path) | acts[later]
            with nothing_written():
                answer = visitor.client.post(path, data=form)
            expected = {409, 302} if later == "pay" else {409}
            assert answer.status_code in expected, f"{later} while at {step}"
        go_on(visitor, ROAD[place + 1], LI_NA, code_for)


# --- people -----------------------------------------------------------------------------------------------------------


@pytest.mark.asvs("2.2.3")
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"applicant_name": "\U0001f600 Li"}, "on a policy. Please spell the name another way"),
        ({"applicant_name": "Li\x07Na"}, "Please leave out control characters"),
        ({"applicant_name": "Li\x00Na"}, "Please leave out control characters"),
        ({"applicant_name": "L" * 81}, "Please use at most 80 characters"),
        ({"applicant_name": "   "}, "Enter the name as it stands in the identity document"),
        ({"applicant_birth_on": "1830-01-01"}, "Check the date of birth"),
        ({"applicant_birth_on": "2199-01-01"}, "Check the date of birth"),
        ({"applicant_birth_on": "yesterday"}, "Please enter a date"),
        ({"applicant_birth_on": "2015-01-01"}, "Only a person of 18 years or more can apply"),
        ({"relationship": "neighbour"}, "Please choose one of the values offered"),
        ({"relationship": "spouse"}, "Say who is to be insured"),
        ({"applicant_name": "Li \U00030000"}, "We cannot print"),
        ({"mobile": "call me"}, "Enter a telephone number"),
        ({"applicant_birth_on": "1985-01-01", "new_age": "²"}, "The price is for age 34"),
        ({"applicant_birth_on": "1985-01-01", "new_age": "999"}, ": from 18 to 65"),
    ],
)
def test_people_who_cannot_be_on_a_policy_are_shown_what_to_change(
    shop: Flask, at_people: Visitor, nothing_written: NothingWritten, changes: dict[str, str], said: str
) -> None:
    with nothing_written():
        at_people.post(PEOPLE | changes)
    assert at_people.status == 422
    assert said in words(at_people.text)
    assert step_of(at_people.at) == "people"
    typed = (PEOPLE | changes)["applicant_name"].strip()
    if typed.isprintable():
        assert f'value="{typed}"' in at_people.text, "what was typed is kept"


@pytest.fixture
def at_people(at_step: AtStep) -> Visitor:
    return at_step("people")


def test_another_age_is_offered_at_its_price_and_nothing_typed_is_lost(
    shop: Flask, at_people: Visitor, nothing_written: NothingWritten
) -> None:
    older = PEOPLE | {"applicant_birth_on": "1985-01-01", "mobile": "+86 21 5555 0100"}
    with nothing_written():
        at_people.post(older)
    assert 'name="new_age" value="41"' in at_people.text
    assert 'value="+86 21 5555 0100"' in at_people.text
    assert 'value="1985-01-01"' in at_people.text
    at_people.post(older | {"new_age": "41"})
    assert step_of(at_people.at) == "identity"
    assert "1,320.75" not in words(at_people.text)
    assert count(shop, "application_application") == 1


# --- how it was sent --------------------------------------------------------------------------------------------------


@pytest.mark.asvs("3.5.2")
def test_a_body_that_is_no_form_is_not_read(visitor: Visitor, nothing_written: NothingWritten) -> None:
    visitor.get("/compare/term_life")
    token = hidden_fields(visitor.text)["csrf_token"]
    client = visitor.client
    with nothing_written():
        plain = client.post("/compare/term_life", json=ANSWERS)
        with_token = client.post("/compare/term_life", json=ANSWERS, headers={"X-CSRFToken": token})
        typed = client.post("/sign-in", json={"email": 5, "password": {}}, headers={"X-CSRFToken": token})
        text = client.post("/find", data="email=x", content_type="text/plain", headers={"X-CSRFToken": token})
    assert plain.status_code == 400
    assert [answer.status_code for answer in (with_token, typed, text)] == [415, 415, 415]
    assert "Please use the form on the page" in words(text.get_data(as_text=True))


def test_a_body_too_large_is_refused_before_it_is_read(visitor: Visitor, nothing_written: NothingWritten) -> None:
    visitor.get("/compare/term_life")
    with nothing_written():
        visitor.post(ANSWERS | {"age": "3" * (9 * 1024 * 1024)})
        assert (visitor.status, "That is too large" in visitor.text) == (413, True)
        visitor.get("/compare/term_life")
        visitor.post(ANSWERS | {f"field{number}": "x" for number in range(500)} | {"age": "3" * 600_000})
        assert visitor.status == 413


@pytest.mark.asvs("15.3.7")
def test_a_field_given_twice_is_not_guessed_at(visitor: Visitor, nothing_written: NothingWritten) -> None:
    visitor.get("/compare/term_life")
    fields = [*(hidden_fields(visitor.text) | ANSWERS).items(), ("age", "35")]
    with nothing_written():
        answer = visitor.client.post("/compare/term_life", data=urlencode(fields),
                                     content_type="application/x-www-form-urlencoded")  # fmt: skip
    assert answer.status_code == 400
    assert "reload the page and send the form again" in words(answer.get_data(as_text=True))


def test_no_form_of_the_site_works_without_its_token(
    shop: Flask, visitor: Visitor, nothing_written: NothingWritten
) -> None:
    visitor.get("/")
    known = {"line": "term_life", "offer_id": uuid4(), "application_id": uuid4(), "number": 1, "token": "x"}
    with shop.test_request_context(), nothing_written():
        for rule in shop.url_map.iter_rules():
            if "POST" not in rule.methods or rule.endpoint in {
                "stripe.receive",
                "leaving.left",
                "interactions.record",
            }:  # what is posted there is signed
                continue
            path = rule.build({name: known.get(name, uuid4()) for name in rule.arguments})[1]
            for token in ({}, {"csrf_token": "forged"}):
                answer = visitor.client.post(path, data=token)
                assert answer.status_code == 400, path
    assert "The form had expired or did not come from this site" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/sign-in"), ("DELETE", "/"), ("GET", "/hooks/stripe"), ("POST", "/")]
)
def test_a_method_that_is_not_there_is_refused_with_those_that_are(visitor: Visitor, method: str, path: str) -> None:
    visitor.get("/sign-in")
    token = {"csrf_token": hidden_fields(visitor.text)["csrf_token"]}
    answer = visitor.client.open(path, method=method, data=token)
    assert answer.status_code == 405
    assert answer.headers["Allow"]
    assert "Please go back and use the buttons on the page" in words(answer.get_data(as_text=True))


@pytest.mark.requirement("T26-07")
@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "[", "localhost:8000@evil.example"])
def test_another_host_name_is_not_answered(visitor: Visitor, nothing_written: NothingWritten, host: str) -> None:
    with nothing_written():
        answer = visitor.client.get("/register", headers={"Host": host})
    assert answer.status_code == 400
    assert "evil" not in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "http://[", "//[",
     "javascript:alert(1)",      "/\tevil", "/%0d%0aX: y\r\n", "evil.example"],
)  # fmt: skip
def test_nobody_is_led_elsewhere(visitor: Visitor, elsewhere: str) -> None:
    visitor.get("/")
    token = hidden_fields(visitor.text) or {
        "csrf_token": visitor.text.split('name="csrf_token" value="')[1].split('"')[0]
    }
    answer = visitor.client.post(
        "/language", data={"locale": "en", "back": elsewhere, "csrf_token": token["csrf_token"]}
    )
    assert (answer.status_code, answer.location) == (302, "/")


@pytest.mark.parametrize("field", ["number", "code"])
def test_the_public_check_bears_anything(visitor: Visitor, nothing_written: NothingWritten, field: str) -> None:
    visitor.get("/verify")
    with nothing_written():
        for odd in ("\x00", "' OR 1=1 --", "\U0001f600", "x" * 41):
            visitor.post({"number": "EF1", "code": "1"} | {field: odd}, "/verify")
            assert visitor.status in {200, 422}, odd
    visitor.get("/verify?number=%ff&code=1")
    assert visitor.status == 200


@pytest.mark.requirement("T26-24", "EU-22", "UK-06")
def test_nothing_is_ticked_beforehand_on_any_sales_page(
    visitor: Visitor, at_step: AtStep, code_for: Callable[[str], str]
) -> None:
    """The client refuses ticked boxes on every page; here also chosen answers, the sex that was rated aside."""
    at_step("email")
    for step in ROAD[1:]:
        assert 'type="checkbox"' not in visitor.text or "checked" not in visitor.text
        chosen = [tag for tag in visitor.text.split("<input")[1:] if " checked" in tag.split(">")[0]]
        assert [tag for tag in chosen if 'name="insured_sex"' not in tag] == []
        go_on(visitor, step, LI_NA, code_for)
