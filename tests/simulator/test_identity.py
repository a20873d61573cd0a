"""Stripe Identity: a page for one visit, what comes out of it, and what is told of it."""

from typing import Any

import pytest
import requests
import stripe

from sandbox.stripe_simulator.resources.verification_sessions import REASONS
from tests.simulator.harness import Running

LI_NA = {"first_name": "Na", "last_name": "Li", "birth_on": "1992-03-05"}


def a_session(client: stripe.StripeClient) -> stripe.identity.VerificationSession:
    return client.v1.identity.verification_sessions.create(
        {"type": "document", "return_url": "http://localhost:8000/back?a=1", "metadata": {"our": "7"}}
    )


def seen(client: stripe.StripeClient, session_id: str, *expand: str) -> stripe.identity.VerificationSession:
    return client.v1.identity.verification_sessions.retrieve(session_id, {"expand": list(expand)})


def answer(page: str | None, what: str, **document: str) -> requests.Response:
    assert requests.get(str(page), timeout=5).status_code == 200
    return requests.post(str(page), data=document | {"answer": what}, timeout=5, allow_redirects=False)


def told(client: stripe.StripeClient) -> list[str]:
    return [each.type.rsplit(".", 1)[1] for each in client.v1.events.list().data][::-1]


def test_a_genuine_document_says_whose_it_is_to_whoever_expands_it(client: stripe.StripeClient):
    session = a_session(client)
    back = answer(session.url, "submit", **LI_NA)
    assert (back.status_code, back.headers["Location"]) == (303, "http://localhost:8000/back?a=1")
    plain, named, whole = (seen(client, session.id, *each) for each in (
        (), ("verified_outputs",), ("verified_outputs", "verified_outputs.dob"),
    ))  # fmt: skip
    assert (plain.status, plain.url, hasattr(plain, "verified_outputs")) == ("verified", None, False)
    assert str(plain.last_verification_report).startswith("vr_")
    assert named.verified_outputs is not None
    assert (named.verified_outputs.first_name, hasattr(named.verified_outputs, "dob")) == ("Na", False)
    assert whole.verified_outputs is not None
    assert whole.verified_outputs.dob is not None
    assert (whole.verified_outputs.dob.year, whole.verified_outputs.dob.month) == (1992, 3)
    assert told(client) == ["created", "processing", "verified"]


@pytest.mark.parametrize("code", sorted(set(REASONS) - {"abandoned", "consent_declined"}))
def test_a_document_that_is_not_enough_leaves_the_session_open_with_its_reason(client: stripe.StripeClient, code: str):
    session = a_session(client)
    answer(session.url, code)
    after = seen(client, session.id)
    assert after.last_error is not None
    assert (after.status, after.last_error.code) == ("requires_input", code)
    assert after.url not in {None, session.url}
    assert told(client) == ["created", "processing", "requires_input"]
    answer(after.url, "submit", **LI_NA)
    assert (seen(client, session.id).status, seen(client, session.id).last_error) == ("verified", None)


def test_without_consent_nothing_is_processed(client: stripe.StripeClient):
    session = a_session(client)
    answer(session.url, "decline")
    error = seen(client, session.id).last_error
    assert error is not None
    assert error.code == "consent_declined"
    assert told(client) == ["created", "requires_input"]


def test_whoever_leaves_is_told_of_a_while_later(sim: Running, client: stripe.StripeClient):
    session = a_session(client)
    answer(session.url, "leave")
    assert seen(client, session.id).last_error is None
    sim.instant.pass_by(sim.simulator.settings.later_seconds)
    error = seen(client, session.id).last_error
    assert error is not None
    assert error.code == "abandoned"


def test_a_result_may_come_later(sim: Running, client: stripe.StripeClient):
    session = a_session(client)
    answer(session.url, "later", **LI_NA)
    assert seen(client, session.id).status == "processing"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.identity.verification_sessions.cancel(session.id)
    sim.instant.pass_by(sim.simulator.settings.later_seconds)
    assert seen(client, session.id).status == "verified"


def test_an_address_is_for_one_visit(client: stripe.StripeClient):
    session = a_session(client)
    assert requests.post(str(session.url), data=LI_NA | {"answer": "submit"}, timeout=5).status_code == 410
    assert requests.get(str(session.url), timeout=5).status_code == 200
    assert requests.get(str(session.url), timeout=5).status_code == 410
    assert seen(client, session.id).status == "requires_input"
    assert requests.get(str(seen(client, session.id).url), timeout=5).status_code == 200


@pytest.mark.parametrize("document", [{}, LI_NA | {"birth_on": "soon"}, LI_NA | {"last_name": " "}])
def test_what_is_typed_in_part_is_asked_again_and_nothing_is_submitted(
    client: stripe.StripeClient, document: dict[str, Any]
):
    session = a_session(client)
    refused = answer(session.url, "submit", **document)
    assert refused.status_code == 422
    assert 'role="alert"' in refused.text
    assert told(client) == ["created"]


def test_canceled_and_redacted(sim: Running, client: stripe.StripeClient):
    session, other = a_session(client), a_session(client)
    assert client.v1.identity.verification_sessions.cancel(session.id).status == "canceled"
    assert requests.get(str(session.url), timeout=5).status_code == 410
    answer(other.url, "submit", **LI_NA)
    assert client.v1.identity.verification_sessions.redact(other.id).redaction is not None
    sim.instant.pass_by(sim.simulator.settings.later_seconds)
    gone = seen(client, other.id, "verified_outputs")
    assert gone.redaction is not None
    assert (gone.redaction.status, gone.verified_outputs, gone.metadata.to_dict()) == ("redacted", None, {})
