"""The foundation holds: health answers, roles bind, jobs commit with their cause."""

import logging
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from marketplace.infra import jobs, readiness
from marketplace.infra.db import db


def test_ready_says_so_when_database_and_migrations_fit(client: FlaskClient) -> None:
    sales = {"sales": "stopped", "reasons": ["release"]}  # nobody has released the pages
    assert client.get("/healthz/ready").get_json() == {"status": "ready"} | sales


@pytest.mark.asvs("13.4.6")
def test_a_stranger_learns_which_part_is_not_ready_and_the_log_what_it_is(
    app: Flask, client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "HEAD").write_text("9999_of_tomorrow\n")
    present = (Path(app.root_path) / "migrations" / "HEAD").read_text().strip()
    monkeypatch.setattr(app, "root_path", str(tmp_path))
    with caplog.at_level(logging.WARNING):
        answer = client.get("/healthz/ready")
    assert (answer.status_code, answer.get_json()) == (503, {"status": "not ready", "reasons": ["migrations"]})
    assert f"the database is at {present}, this code expects 9999_of_tomorrow" in caplog.text


def test_a_database_that_does_not_answer_is_a_word_too(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "text", lambda _statement: text("SELECT nothing FROM nowhere"))
    answer = client.get("/healthz/ready")
    assert (answer.status_code, answer.get_json()) == (503, {"status": "not ready", "reasons": ["database"]})


def test_a_job_is_deferred_with_the_transaction_that_caused_it(database: None) -> None:
    jobs.defer("infra.example", number=7)
    db.session.rollback()
    assert db.session.execute(text("SELECT count(*) FROM procrastinate_jobs")).scalar_one() == 0
    jobs.defer("infra.example", number=7)
    db.session.commit()
    row = db.session.execute(text("SELECT task_name, args FROM procrastinate_jobs")).one()
    assert (row.task_name, row.args) == ("infra.example", {"number": 7})
