"""The foundation holds: health answers, roles bind, jobs commit with their cause."""

from flask.testing import FlaskClient
from sqlalchemy import text

from marketplace.infra import jobs
from marketplace.infra.db import db


def test_ready_says_so_when_database_and_migrations_fit(client: FlaskClient) -> None:
    assert client.get("/healthz/ready").get_json() == {"status": "ready"}


def test_a_job_is_deferred_with_the_transaction_that_caused_it(database: None) -> None:
    jobs.defer("infra.example", number=7)
    db.session.rollback()
    assert db.session.execute(text("SELECT count(*) FROM procrastinate_jobs")).scalar_one() == 0
    jobs.defer("infra.example", number=7)
    db.session.commit()
    row = db.session.execute(text("SELECT task_name, args FROM procrastinate_jobs")).one()
    assert (row.task_name, row.args) == ("infra.example", {"number": 7})
