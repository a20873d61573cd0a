"""Jobs commit with their cause, arrive typed, and are put back when their worker dies."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from marketplace.infra import jobs
from marketplace.infra.db import db
from marketplace.kernel.errors import Refused, Unavailable


@dataclass(frozen=True, slots=True)
class Rang:
    bell_id: UUID
    on: date


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[Rang]:
    """A job that listens to `Rang`, for this test only."""
    known: list[Rang] = []

    def listen(fact: Rang) -> None:
        known.append(fact)
        db.session.execute(text("INSERT INTO infra_business_clock (offset_seconds) VALUES (0)"))

    monkeypatch.setitem(jobs._tasks, "bell.listen", jobs.Task("bell.listen", listen, 3, None))
    monkeypatch.setattr(jobs, "_subscribers", {Rang: ("bell.listen",)})
    return known


def _waiting() -> list[tuple[str, dict[str, object]]]:
    rows = db.session.execute(text("SELECT task_name, args FROM procrastinate_jobs ORDER BY id"))
    return [(row.task_name, row.args) for row in rows]


def test_a_fact_becomes_one_job_for_each_subscriber(database: None, heard: list[Rang]) -> None:
    fact = Rang(UUID(int=7), date(2026, 11, 22))
    jobs.publish(fact)
    db.session.commit()
    ((name, arguments),) = _waiting()
    assert (name, arguments) == ("bell.listen", {"fact": {"bell_id": str(UUID(int=7)), "on": "2026-11-22"}})
    jobs.run_once(jobs.known_tasks()[name], **arguments)
    assert heard == [fact]


def test_a_fact_nobody_listed_is_a_mistake(database: None) -> None:
    with pytest.raises(KeyError):
        jobs.publish(object())


def test_rolled_back_with_its_cause(database: None, heard: list[Rang]) -> None:
    jobs.publish(Rang(UUID(int=7), date(2026, 11, 22)))
    db.session.rollback()
    assert _waiting() == []


def test_a_job_that_fails_leaves_nothing(database: None, heard: list[Rang]) -> None:
    def fail(number: int) -> None:
        db.session.execute(text("INSERT INTO infra_business_clock (offset_seconds) VALUES (:n)"), {"n": number})
        raise Unavailable

    with pytest.raises(Unavailable):
        jobs.run_once(jobs.Task("bell.fail", fail, 3, None), number=5)
    assert db.session.execute(text("SELECT count(*) FROM infra_business_clock")).scalar_one() == 0


@pytest.mark.parametrize(("attempts", "pause"), [(0, 1), (1, 2), (5, 32), (10, 1024), (11, 1800), (40, 1800)])
def test_pauses_grow_to_half_an_hour(attempts: int, pause: int) -> None:
    assert jobs.pause_after(attempts) == pause


def test_what_the_rules_refuse_is_final() -> None:
    strategy = jobs.GrowingPauses(attempts=60)
    assert strategy.get_retry_decision(exception=Refused(), job=_job(attempts=0)) is None
    assert strategy.get_retry_decision(exception=Unavailable(), job=_job(attempts=0)) is not None
    assert strategy.get_retry_decision(exception=Unavailable(), job=_job(attempts=60)) is None


def _job(attempts: int) -> jobs.Job:
    return jobs.Job(id=1, queue="default", lock=None, queueing_lock=None, task_name="bell", attempts=attempts)


def test_the_address_for_libpq_keeps_its_password() -> None:
    url = "postgresql+psycopg://marketplace_app:s%40cret@/marketplace?host=/run/pg"
    assert psycopg.conninfo.conninfo_to_dict(jobs.conninfo(url))["password"] == "s@cret"
