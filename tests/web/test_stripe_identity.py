"""Who applies is proven at Stripe Identity: on its page, by its own word, and by every fault that may lie between."""

import json
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit
from uuid import UUID

import pytest
import requests
from flask import Flask
from sqlalchemy import text

from marketplace.application import services as application
from marketplace.infra import identity
from marketplace.infra.db import db
from marketplace.infra.identity import IdentityUnavailable
from marketplace.infra.identity.demonstration import DemonstrationVerifier
from marketplace.infra.stripe_gateway import Gateway
from marketplace.infra.stripe_gateway.identity import StripeIdentity
from marketplace.privacy.services import erasing
from marketplace.privacy.values import ErasureReason
from marketplace.traceability import queries as trail
from marketplace.traceability.values import PROVIDER, Entry, EntryType
from sandbox.demo.visitor import Visitor, hidden_fields, words
from tests.everything import every_row
from tests.simulator_server import PATIENCE, SECRET_KEY, WEBHOOK_SECRET, SimulatorServer
from tests.web.conftest import NothingWritten, count, go_on, newest_link, run_jobs, step_of
from tests.web.desk_visits import ANSWERS, LI_NA
from tests.web.test_insured_consent_page import HUSBAND, PEOPLE, ZHOU

AtStep = Callable[..., Visitor]
DOCUMENT = {"first_name": "Na", "last_name": "Li", "birth_on": LI_NA.born_on.isoformat()}
VERIFIED = "identity.verification_session.verified"


@pytest.fixture(autouse=True)
def at_stripe(shop: Flask, simulator: SimulatorServer) -> Iterator[None]:
    gateway = Gateway(SECRET_KEY, WEBHOOK_SECRET, livemode=False, api_base=simulator.url, sleep=lambda _: None)
    identity.configure(StripeIdentity(gateway))
    simulator.switch()
    while not simulator.deliveries.empty():
        simulator.deliveries.get()
    yield
    simulator.switch()
    identity.configure(DemonstrationVerifier())


@pytest.fixture
def applicant(at_step: AtStep) -> Visitor:
    return at_step("identity")


def to_stripe(visitor: Visitor) -> str:
    """Press the button; the address of Stripe's page."""
    answer = visitor.client.post(visitor.at, data=hidden_fields(visitor.text))
    assert answer.status_code == 303, words(answer.get_data(as_text=True))
    return str(answer.location)


def show(page: str, answer: str = "submit", **document: str) -> str:
    """Do on Stripe's page what somebody does there; the path to which they come back."""
    assert requests.get(page, timeout=PATIENCE).status_code == 200
    back = requests.post(page, data=DOCUMENT | document | {"answer": answer}, allow_redirects=False, timeout=PATIENCE)
    return urlsplit(back.headers["Location"]).path


def hear(shop: Flask, simulator: SimulatorServer, kind: str = VERIFIED) -> None:
    word = simulator.webhook(kind)
    answer = shop.test_client().post("/hooks/stripe", data=word.payload, headers={"Stripe-Signature": word.signature})
    assert answer.status_code == 200


def attempts(shop: Flask, visitor: Visitor) -> list[tuple[EntryType, str | None]]:
    return [(each.type, each.body["flaw"]) for each in entries(shop, visitor)]


def entries(shop: Flask, visitor: Visitor) -> list[Entry]:
    with shop.app_context():
        found = trail.entries_of_application(UUID(visitor.at.split("/")[2]))
    return [each for each in found if each.type.startswith("identity:")]


def states(shop: Flask) -> list[str]:
    with shop.app_context(), every_row() as owner:
        return list(owner.execute(text("SELECT state FROM application_identity_session ORDER BY opened_at")).scalars())


@pytest.mark.requirement("T26-27", "T26-28")
def test_a_document_shown_at_stripe_proves_who_applies(shop: Flask, applicant: Visitor) -> None:
    assert "Pictures and number stay with Stripe" in words(applicant.text)
    assert 'name="number"' not in applicant.text
    back = show(to_stripe(applicant))
    assert back == applicant.at
    applicant.get(back)
    assert step_of(applicant.at) == "questions"
    (entry,) = entries(shop, applicant)
    assert (entry.type, entry.actor, entry.body["method"]) == (EntryType.IDENTITY_VERIFIED, PROVIDER, "stripe_identity")
    assert entry.body["reference"].startswith("vr_")
    assert entry.body["document"] is None
    assert entry.page_version_id is not None
    assert states(shop) == ["verified"]
    applicant.answer(LI_NA)
    assert "Checked by Stripe Identity" in words(applicant.text)


@pytest.mark.requirement("T26-27")
@pytest.mark.parametrize("first", ["webhook", "return"])
def test_whoever_comes_first_it_is_proven_once(
    shop: Flask, applicant: Visitor, simulator: SimulatorServer, first: str
) -> None:
    simulator.switch(duplicate_webhooks=True)
    back = show(to_stripe(applicant))
    if first == "return":
        applicant.get(back)
    hear(shop, simulator)
    hear(shop, simulator)
    run_jobs(shop)
    applicant.get(back)
    assert step_of(applicant.at) == "questions"
    assert attempts(shop, applicant) == [(EntryType.IDENTITY_VERIFIED, None)]
    with shop.app_context(), every_row() as owner:
        kept = owner.execute(
            text("SELECT outcome, payload FROM payment_provider_event WHERE type = :type"), {"type": VERIFIED}
        ).all()
    assert [tuple(each) for each in kept] == [("handled", None)], "and nothing of the person is kept of it"


def test_a_thin_event_is_enough(shop: Flask, applicant: Visitor, simulator: SimulatorServer) -> None:
    simulator.switch(thin_webhooks=True)
    show(to_stripe(applicant))
    hear(shop, simulator, f"v1.{VERIFIED}")
    run_jobs(shop)
    assert attempts(shop, applicant) == [(EntryType.IDENTITY_VERIFIED, None)]


@pytest.mark.requirement("T26-27")
def test_that_somebody_comes_back_proves_nothing(shop: Flask, applicant: Visitor) -> None:
    to_stripe(applicant)
    applicant.get(applicant.at)
    assert step_of(applicant.at) == "identity"
    assert attempts(shop, applicant) == []
    assert states(shop) == ["waiting"]


@pytest.mark.requirement("T26-27", "T26-28")
@pytest.mark.parametrize(
    ("document", "flaw", "said"),
    [
        ({"first_name": "Nana"}, "name_differs", "The document names somebody else than you did."),
        ({"birth_on": "1992-03-06"}, "birth_differs", "The date of birth in the document is not the one you gave."),
    ],
)
def test_a_genuine_document_of_somebody_else_proves_nothing_and_another_one_may_be_shown(
    shop: Flask, applicant: Visitor, document: dict[str, str], flaw: str, said: str
) -> None:
    applicant.get(show(to_stripe(applicant), **document))
    assert step_of(applicant.at) == "identity"
    assert said in words(applicant.text)
    assert states(shop) == ["ended"]
    applicant.get(show(to_stripe(applicant)))
    assert step_of(applicant.at) == "questions"
    assert attempts(shop, applicant) == [(EntryType.IDENTITY_REFUSED, flaw), (EntryType.IDENTITY_VERIFIED, None)]
    assert states(shop) == ["ended", "verified"]


@pytest.mark.requirement("T26-28")
@pytest.mark.parametrize(
    ("answer", "flaw", "said"),
    [
        ("document_expired", "expired", "This document is not valid any more."),
        ("document_type_not_supported", "kind_unknown", "This kind of document cannot be checked here"),
        ("selfie_face_mismatch", "face_differs", "The face before the camera was not found to be the one"),
        ("device_not_supported", "no_camera", "The check needs a camera."),
        ("decline", "consent_declined", "You did not agree to be checked by Stripe."),
    ],
)
def test_what_was_not_enough_is_said_in_words_kept_once_and_tried_again_in_the_same_check(
    shop: Flask, applicant: Visitor, simulator: SimulatorServer, *, answer: str, flaw: str, said: str
) -> None:
    applicant.get(show(to_stripe(applicant), answer))
    hear(shop, simulator, "identity.verification_session.requires_input")
    run_jobs(shop)
    applicant.get(applicant.at)
    assert said in words(applicant.text)
    assert attempts(shop, applicant) == [(EntryType.IDENTITY_REFUSED, flaw)]
    assert count(shop, "application_identity_check", "outcome = 'verified'") == 0
    applicant.get(show(to_stripe(applicant)))
    assert step_of(applicant.at) == "questions"
    assert states(shop) == ["verified"], "one check, tried twice"


def test_while_it_is_looked_at_the_page_says_so_and_asks_again(
    shop: Flask, applicant: Visitor, simulator: SimulatorServer
) -> None:
    applicant.get(show(to_stripe(applicant), "later"))
    assert "Your document is being looked at" in words(applicant.text)
    assert 'data-refresh="3"' in applicant.text
    simulator.wait_for_wallets()
    applicant.get(applicant.at)
    assert step_of(applicant.at) == "questions"
    assert attempts(shop, applicant) == [(EntryType.IDENTITY_VERIFIED, None)]


@pytest.mark.requirement("T26-27")
def test_while_stripe_is_down_the_page_is_honest_and_nothing_is_lost(
    shop: Flask, applicant: Visitor, simulator: SimulatorServer
) -> None:
    simulator.switch(fail_next={"path": "/v1/identity/*", "times": 9, "status": 503})
    answer = applicant.client.post(applicant.at, data=hidden_fields(applicant.text))
    assert answer.status_code == 503
    assert "Something we need does not answer. Nothing was lost or charged." in words(answer.get_data(as_text=True))
    assert (states(shop), attempts(shop, applicant)) == (["waiting"], [])
    simulator.switch()
    applicant.get(show(to_stripe(applicant)))
    assert step_of(applicant.at) == "questions"
    assert states(shop) == ["verified"], "what was begun went on"


def test_of_an_answer_that_was_lost_nothing_is_made_twice(
    shop: Flask, applicant: Visitor, simulator: SimulatorServer
) -> None:
    before = len(simulator.listed("/v1/identity/verification_sessions", limit=100))
    simulator.switch(fail_next={"path": "/v1/identity/*", "times": 3, "how": "cut", "when": "after"})
    assert applicant.client.post(applicant.at, data=hidden_fields(applicant.text)).status_code == 503
    simulator.switch()
    applicant.get(show(to_stripe(applicant)))
    assert step_of(applicant.at) == "questions"
    assert len(simulator.listed("/v1/identity/verification_sessions", limit=100)) == before + 1


def test_without_a_word_of_stripes_it_is_asked_after(
    shop: Flask, applicant: Visitor, simulator: SimulatorServer
) -> None:
    show(to_stripe(applicant))
    while not simulator.deliveries.empty():
        simulator.deliveries.get()
    with shop.app_context():
        assert application.look_after_identities() == 0, "not at once"
    later(shop, "look_at = look_at - interval '1 hour'")
    with shop.app_context():
        assert application.look_after_identities() == 1
        db.session.commit()
    run_jobs(shop)
    assert attempts(shop, applicant) == [(EntryType.IDENTITY_VERIFIED, None)]


def later(shop: Flask, change: str) -> None:
    with shop.app_context(), every_row() as owner:
        owner.execute(text(f"UPDATE application_identity_session SET {change}"))
        owner.commit()


def test_what_nobody_came_to_runs_out_with_an_entry_and_can_be_begun_anew(
    shop: Flask, applicant: Visitor, simulator: SimulatorServer
) -> None:
    page = to_stripe(applicant)
    later(shop, "look_at = look_at - interval '3 days', opened_at = opened_at - interval '3 days'")
    with shop.app_context():
        application.look_after_identities()
        db.session.commit()
    run_jobs(shop)
    assert (states(shop), attempts(shop, applicant)) == (["ended"], [(EntryType.IDENTITY_REFUSED, "abandoned")])
    assert requests.get(page, timeout=PATIENCE).status_code == 410, "and nobody can show anything there any more"
    applicant.get(applicant.at)
    applicant.get(show(to_stripe(applicant)))
    assert step_of(applicant.at) == "questions"


def test_an_answer_for_whom_nobody_asks_any_more_changes_nothing(
    shop: Flask, applicant: Visitor, simulator: SimulatorServer
) -> None:
    first = to_stripe(applicant)
    tab = Visitor(applicant.client)
    tab.get(applicant.at.replace("/identity", "/people"))
    tab.post({"applicant_name": "Li Nana", "applicant_birth_on": DOCUMENT["birth_on"], "relationship": "self"})
    second = to_stripe(tab)
    show(first)
    hear(shop, simulator)
    run_jobs(shop)
    tab.get(tab.at)
    assert step_of(tab.at) == "identity"
    assert attempts(shop, tab) == []
    tab.get(show(second, first_name="Nana"))
    assert step_of(tab.at) == "questions"
    assert states(shop) == ["ended", "verified"]


def test_a_check_that_we_do_not_know_is_kept_as_none_of_ours(
    shop: Flask, simulator: SimulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    asked = {"type": "document", "metadata[identity_session_id]": "of somebody else", "return_url": "http://a.test/"}
    made = requests.post(
        f"{simulator.url}/v1/identity/verification_sessions", data=asked, auth=(SECRET_KEY, ""), timeout=PATIENCE
    ).json()
    show(made["url"])
    hear(shop, simulator)
    run_jobs(shop)
    assert f"the provider knows check {made['id']}, we do not" in caplog.text
    with shop.app_context(), every_row() as owner:
        assert owner.execute(text("SELECT outcome FROM payment_provider_event")).scalars().all() == ["not_ours"]
    assert count(shop, "application_identity_check") == 0


def test_whom_it_is_about_is_nowhere_in_clear_and_goes_with_the_application(
    shop: Flask, applicant: Visitor, simulator: SimulatorServer
) -> None:
    applicant.get(show(to_stripe(applicant)))
    with shop.app_context(), every_row() as owner:
        rows = owner.execute(text("SELECT s::text FROM application_identity_session s")).scalars().all()
    assert [("Li Na" in row, "1992-03-05" in row) for row in rows] == [(False, False)]
    with shop.app_context():
        assert erasing.erase_application(UUID(applicant.at.split("/")[2]), ErasureReason.CLOSING)
        db.session.commit()
    run_jobs(shop)
    (gone,) = simulator.listed("/v1/identity/verification_sessions", limit=1)
    assert gone["redaction"] is not None, json.dumps(gone)


@pytest.mark.requirement("T26-22")
def test_the_insured_shows_a_document_at_stripe_before_they_decide(
    shop: Flask, visitor: Visitor, code_for: Callable[[str], str], simulator: SimulatorServer
) -> None:
    visitor.get("/")
    visitor.enter(visitor.compare("term_life", ANSWERS)[0])
    go_on(visitor, "people", ZHOU, code_for)
    visitor.post(PEOPLE)
    visitor.get(show(to_stripe(visitor), first_name="Min", last_name="Zhou", birth_on="1990-01-02"))
    go_on(visitor, "insured", ZHOU, code_for)
    visitor.post({})
    link = newest_link(shop, HUSBAND, "insured_asked")
    husband = Visitor(shop.test_client())
    husband.get(link)
    assert "Before you read and decide" in words(husband.text)
    page = to_stripe(husband)
    assert link.rsplit("/", 1)[1] not in str(simulator.listed("/v1/identity/verification_sessions", limit=1))
    back = show(page, first_name="Jun", last_name="Wang")
    assert back == "/consent-returned"
    husband.get(back)
    assert husband.at == link
    husband.post({"agree": "yes"})
    assert "You have agreed." in words(husband.text)
    stranger = Visitor(shop.test_client())
    stranger.get("/consent-returned")
    assert "by the link in our mail" in words(stranger.text)
    assert [each.body["whose"] for each in entries(shop, visitor)] == ["applicant", "insured"]


def test_too_many_checks_are_refused_in_words(shop: Flask, applicant: Visitor, nothing_written: NothingWritten) -> None:
    for _ in range(5):
        applicant.get(show(to_stripe(applicant), first_name="Nana"))
    applicant.post({})
    assert (applicant.status, step_of(applicant.at)) == (429, "identity")
    assert len(states(shop)) == 5


def test_one_that_has_no_page_of_its_own_is_not_asked_for_one(shop: Flask) -> None:
    with pytest.raises(IdentityUnavailable):
        identity.verifier()
    identity.configure(DemonstrationVerifier())
    with pytest.raises(IdentityUnavailable):
        identity.hosted()
