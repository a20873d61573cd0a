"""Before anybody is told anything: what the provider knows of the lost hours is asked, and what is paid concluded."""

import subprocess
import sys
from datetime import timedelta

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import text

from config import Settings
from marketplace import cli
from marketplace.checkout import queries, services
from marketplace.checkout.values import Order, OrderState, PaymentUrls
from marketplace.correspondence import services as mails
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.payment import services as payment
from marketplace.policy import queries as policies
from marketplace.policy.values import DocumentState
from tests.deferred_jobs import drain, waiting
from tests.environment import ROOT, environment_of
from tests.factories.accounts import a_guest
from tests.factories.checkout import an_accepted_application
from tests.factories.correspondence import a_message
from tests.factories.payment import an_open_attempt
from tests.simulator_server import SECRET_KEY, WEBHOOK_SECRET, SimulatorServer

URLS = PaymentUrls("http://localhost:8000/return", "http://localhost:8000/pay")


@pytest.fixture
def paid(simulator: SimulatorServer) -> Order:
    """As of the backup its payment page was open; by now it is paid, and no webhook comes again."""
    customer = a_guest("li.na@example.com")
    order = services.place_order([an_accepted_application(customer).id], customer.id)
    attempt = services.pay(order.id, URLS)
    db.session.commit()
    url = payment.open_session(attempt.id)
    db.session.execute(text("UPDATE payment_attempt SET created_at = created_at - interval '1 minute'"))
    db.session.commit()
    assert simulator.pay(url).status_code == 303
    return order


def worked(
    settings: Settings, simulator: SimulatorServer, *words: str, **other: str
) -> subprocess.CompletedProcess[str]:
    told = environment_of(
        settings, STRIPE_API_BASE=simulator.url, STRIPE_SECRET_KEY=SECRET_KEY, STRIPE_WEBHOOK_SECRET=WEBHOOK_SECRET
    )
    done = subprocess.run(
        [sys.executable, "-m", "marketplace.worker", *words],
        env={name: value for name, value in (told | other).items() if value}, cwd=ROOT,
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    db.session.rollback()
    db.session.expire_all()
    return done


def messages() -> list[tuple[str, str]]:
    rows = db.session.execute(text("SELECT kind, state FROM correspondence_message ORDER BY kind"))
    return [(row.kind, row.state) for row in rows]


@pytest.mark.requirement("T26-49")
def test_what_was_paid_is_concluded_and_no_mail_leaves(
    settings: Settings, simulator: SimulatorServer, paid: Order
) -> None:
    done = worked(settings, simulator, "--reconcile")
    assert done.returncode == 0, done.stderr
    assert queries.order(paid.id).state is OrderState.ISSUED
    (policy,) = policies.policies_of_order(paid.id)
    assert policy.document_state is DocumentState.SEALED
    assert messages() == [("policy_issued", "queued")]
    assert "correspondence.compose_message" in waiting(), "what is to be told waits for the worker"
    left = {name for name in waiting() if name.split(".")[0] in {"payment", "checkout", "policy"}}
    late = {"checkout.send_receipts", "checkout.send_policy"}
    assert left == late, "receipts wait for the log, which nobody sequences here; the policy is mailed already"
    drain("correspondence")
    assert messages() == [("policy_issued", "sent")]


def test_a_mail_of_before_the_loss_waits_too(settings: Settings, simulator: SimulatorServer) -> None:
    mails.queue(a_message())
    db.session.commit()
    assert worked(settings, simulator, "--reconcile").returncode == 0
    assert [state for _, state in messages()] == ["queued"]


def test_where_the_provider_does_not_answer_it_says_so(
    settings: Settings, simulator: SimulatorServer, paid: Order
) -> None:
    done = worked(settings, simulator, "--reconcile", STRIPE_API_BASE="http://127.0.0.1:9")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("Jobs about payments and contracts that did not succeed: ")
    assert queries.order(paid.id).state is OrderState.OPEN
    assert worked(settings, simulator, "--reconcile").returncode == 0
    assert queries.order(paid.id).state is OrderState.ISSUED


@pytest.mark.parametrize("words", [(), ("--reconcile",)])
def test_no_worker_without_seals(
    settings: Settings, simulator: SimulatorServer, paid: Order, words: tuple[str, ...]
) -> None:
    done = worked(settings, simulator, *words, SEALS_FOLDER="")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "SEALS_FOLDER is not set: this process was given no seals. The worker seals policies and needs them."
    )
    assert queries.order(paid.id).state is OrderState.OPEN


# --- payments of which no row is left ---------------------------------------------------------------------------------


@pytest.fixture
def run(app: Flask, settings: Settings, monkeypatch: pytest.MonkeyPatch, database: None):
    monkeypatch.setattr(cli.Settings, "or_exit", lambda: settings)
    return lambda *words: CliRunner().invoke(cli.main, words)


def test_a_payment_whose_row_was_lost_is_named(simulator: SimulatorServer, paid: Order, run) -> None:
    lost, page = an_open_attempt()
    simulator.pay(page)
    _, open_page = an_open_attempt()  # nobody paid there
    db.session.execute(text("DELETE FROM payment_attempt WHERE id = :id"), {"id": lost.id})
    db.session.commit()
    result: Result = run("unknown-payments", (clock.now() - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S%z"))
    named, count = result.output.splitlines()
    assert (result.exit_code, count) == (1, "1 unknown payments")
    assert named.endswith(f": CNY 128400 minor units, order {lost.reference}")
    assert open_page


def test_where_every_payment_is_known_there_is_nothing_to_do(simulator: SimulatorServer, paid: Order, run) -> None:
    result: Result = run("unknown-payments", "2020-01-01")
    assert (result.exit_code, result.output) == (0, "0 unknown payments\n")
