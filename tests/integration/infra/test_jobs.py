"""Jobs commit with their cause, arrive typed, and are put back when their worker dies."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import procrastinate
import psycopg
import pytest
from attrs import evolve
from flask import Flask
from procrastinate import sql
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status
from pydantic import ValidationError
from sqlalchemy import literal, select, text

from config import Settings
from marketplace.infra import jobs
from marketplace.infra.db import db
from marketplace.infra.vault import DataDestroyed
from marketplace.kernel.errors import NotFound, Refused, Unavailable


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


def test_for_what_moves_money_an_erasure_is_not_final() -> None:
    ordinary, moving = jobs.GrowingPauses(60), jobs.GrowingPauses(60, moves_money=True)
    assert ordinary.get_retry_decision(exception=DataDestroyed(), job=_job(attempts=0)) is None
    assert moving.get_retry_decision(exception=DataDestroyed(), job=_job(attempts=0)) is not None
    assert moving.get_retry_decision(exception=DataDestroyed(), job=_job(attempts=60)) is None
    for final in (Refused(), NotFound()):
        assert moving.get_retry_decision(exception=final, job=_job(attempts=0)) is None


def test_every_job_that_moves_money_is_known_as_such(database: None) -> None:
    moving = {name for name, known in jobs.known_tasks().items() if known.moves_money}
    assert moving == {
        "payment.settle", "payment.settle_overdue", "payment.expire_session", "payment.send_refund",
        "payment.send_charge", "servicing.take_payment", "servicing.drop",
        "payment.send_overdue_refund", "checkout.take_payment", "checkout.issue_contracts", "checkout.note_refund",
        "payment.look_up_event", "payment.note_dispute", "payment.release_transfer", "payment.send_transfer",
        "payment.send_reversal",
    }  # fmt: skip


def test_the_worker_knows_which_jobs_move_money(app: Flask, settings: Settings) -> None:
    worker = jobs.worker_app(settings.database_url.get_secret_value(), app.app_context)
    for name, known in jobs.known_tasks().items():
        retry = worker.tasks[name].retry_strategy
        assert isinstance(retry, jobs.GrowingPauses)
        assert retry._moves_money is known.moves_money, name


def test_what_does_not_fit_is_not_repeated(database: None, heard: list[Rang]) -> None:
    task = jobs.known_tasks()["bell.listen"]
    with pytest.raises(ValidationError) as error:
        jobs.run_once(task, fact={"bell_id": "Zebulon Quarkington", "on": "2026-11-22"})
    assert "bell_id" in str(error.value)
    assert "Quarkington" not in str(error.value)
    assert heard == []


def _work(worker: procrastinate.App, queue: str) -> None:
    """Until nothing is left to be done in this queue."""

    async def work() -> None:
        async with worker.open_async():
            await worker.run_worker_async(
                queues=[queue], wait=False, concurrency=1, install_signal_handlers=False, listen_notify=False
            )

    asyncio.run(work())


def a_job_that_ended(status: str, days_ago: int) -> int:
    """A row as the worker leaves it."""
    job = "INSERT INTO procrastinate_jobs (queue_name, task_name, status) VALUES ('bells', 'bell.ring', :status)"
    job_id = db.session.execute(text(f"{job} RETURNING id"), {"status": status}).scalar_one()
    at = "now() - :age * interval '1 day'"
    ended = f"INSERT INTO procrastinate_events (job_id, type, at) VALUES (:id, 'deferred', {at})"
    db.session.execute(text(ended), {"id": job_id, "age": days_ago})
    return int(job_id)


def test_done_jobs_are_deleted_after_a_week_and_failed_ones_are_not(
    app: Flask, database: None, settings: Settings
) -> None:
    kept = [
        a_job_that_ended("succeeded", 6),
        a_job_that_ended("failed", 400),
        a_job_that_ended("doing", 8),
    ]
    gone = [a_job_that_ended(status, 8) for status in ("succeeded", "cancelled", "aborted")]
    db.session.commit()
    worker = jobs.worker_app(settings.database_url.get_secret_value(), app.app_context)

    async def remove() -> None:
        async with worker.open_async():
            await worker.configure_task("infra.remove_done_jobs", queue="of this test").defer_async(timestamp=0)

    asyncio.run(remove())
    _work(worker, "of this test")
    left = db.session.execute(text("SELECT id FROM procrastinate_jobs WHERE task_name = 'bell.ring' ORDER BY id"))
    assert list(left.scalars()) == kept
    events = db.session.execute(
        text("SELECT count(*) FROM procrastinate_events WHERE job_id = ANY(:gone)"), {"gone": gone}
    )
    assert events.scalar_one() == 0


def test_done_jobs_are_looked_for_each_night(app: Flask, settings: Settings) -> None:
    worker = jobs.worker_app(settings.database_url.get_secret_value(), app.app_context)
    assert ("infra.remove_done_jobs", "infra.remove_done_jobs") in worker.periodic_registry.periodic_tasks


def test_what_somebody_waits_for_comes_first(
    app: Flask, database: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    for name, priority in {"bell.later": jobs.LATER, "bell.usual": 0, "bell.soon": jobs.SOON}.items():
        task = jobs.Task(name, lambda name=name: done.append(name), 3, None, priority=priority)
        monkeypatch.setitem(jobs._tasks, name, task)
    for _ in range(2):
        for name in ("bell.later", "bell.usual", "bell.soon"):
            jobs.defer(name)
    db.session.commit()
    worker = jobs.worker_app(settings.database_url.get_secret_value(), app.app_context)
    _work(worker, "bell")
    assert done == ["bell.soon"] * 2 + ["bell.usual"] * 2 + ["bell.later"] * 2


Tell = Callable[..., Awaitable[None]]


def breaking_off(
    worker: procrastinate.App, monkeypatch: pytest.MonkeyPatch, before: Callable[[Tell], Tell]
) -> list[str]:
    """The connection breaks at the first word about the end of a job, after what is done `before`; all such words."""
    tell = worker.connector.execute_query_async
    told = list[str]()

    async def break_off(query: Any, **arguments: Any) -> None:
        ends = query in {sql.queries["finish_job"], sql.queries["retry_job"]}
        told.extend([query] if ends else [])
        if ends and len(told) == 1:
            await before(tell)(query, **arguments)
            await tell("SELECT pg_terminate_backend(pg_backend_pid())")
        await tell(query, **arguments)

    monkeypatch.setattr(worker.connector, "execute_query_async", break_off)
    monkeypatch.setattr(jobs, "SAID_AGAIN_AFTER", 0)
    return told


def lost(_tell: Tell) -> Tell:
    async def do_nothing(_query: Any, **_arguments: Any) -> None:
        pass

    return do_nothing


def answer_lost(tell: Tell) -> Tell:
    return tell


def taken_by_another(tell: Tell) -> Tell:
    """It arrives, and another worker begins with the job."""

    async def take(query: Any, **arguments: Any) -> None:
        await tell(query, **arguments)
        await tell("UPDATE procrastinate_jobs SET status = 'doing' WHERE task_name = 'bell.ring'")

    return take


@pytest.mark.parametrize(
    ("raised", "before", "end", "said"),
    [
        (None, lost, ("succeeded", 1), 2),
        (None, answer_lost, ("succeeded", 1), 1),
        (Unavailable(), lost, ("todo", 1), 2),
        (Unavailable(), answer_lost, ("todo", 1), 1),
        (Unavailable(), taken_by_another, ("doing", 1), 1),
    ],
)
def test_the_end_of_a_job_is_said_until_the_database_hears_it(
    app: Flask,
    database: None,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    *,
    raised: Exception | None,
    before: Callable[[Tell], Tell],
    end: tuple[str, int],
    said: int,
) -> None:
    def ring() -> None:
        if raised:
            raise raised

    monkeypatch.setitem(jobs._tasks, "bell.ring", jobs.Task("bell.ring", ring, 3, None))
    jobs.defer("bell.ring", lock="one bell")
    db.session.commit()
    worker = jobs.worker_app(settings.database_url.get_secret_value(), app.app_context)
    told = breaking_off(worker, monkeypatch, before)
    _work(worker, "bell")
    (left,) = db.session.execute(
        text("SELECT status::text, attempts FROM procrastinate_jobs WHERE task_name = 'bell.ring'")
    )
    assert (tuple(left), len(told)) == (end, said)


@pytest.mark.parametrize("patience", [60.0, -1.0], ids=["refused", "away for too long"])
def test_what_is_refused_is_not_said_again_and_nothing_for_ever(
    app: Flask, database: None, settings: Settings, monkeypatch: pytest.MonkeyPatch, patience: float
) -> None:
    worker = jobs.worker_app(settings.database_url.get_secret_value(), app.app_context)
    told = breaking_off(worker, monkeypatch, lost) if patience < 0 else None
    monkeypatch.setattr(jobs, "SAID_FOR", patience)
    job_id = a_job_that_ended("succeeded", 0)
    db.session.commit()

    async def end() -> None:
        async with worker.open_async():
            job = evolve(_job(attempts=0), id=job_id)
            await worker.job_manager.finish_job(job, Status.SUCCEEDED, delete_job=False)

    with pytest.raises(ConnectorException):
        asyncio.run(end())
    assert told is None or len(told) == 1


def test_a_rescue_that_died_does_not_keep_the_others_from_being_rescued(
    app: Flask, database: None, settings: Settings
) -> None:
    rescue = """
        INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, status, args)
        VALUES ('rescue', 'infra.rescue_jobs', 'infra.rescue_jobs', :status, jsonb_build_object('timestamp', 0))
        """
    for status in ("doing", "doing", "todo"):
        db.session.execute(text(rescue), {"status": status})
    db.session.execute(
        text("INSERT INTO procrastinate_jobs (queue_name, task_name, status) VALUES ('bells', 'bell.ring', 'doing')")
    )
    db.session.commit()
    _work(jobs.worker_app(settings.database_url.get_secret_value(), app.app_context), "rescue")
    left = db.session.execute(
        text(
            "SELECT task_name, status::text FROM procrastinate_jobs"
            " WHERE queue_name IN ('rescue', 'bells') ORDER BY task_name"
        )
    )
    assert [tuple(row) for row in left] == [("bell.ring", "todo"), ("infra.rescue_jobs", "succeeded")]


def test_for_a_code_by_mail_and_for_a_policy_somebody_waits(database: None) -> None:
    assert {name for name, known in jobs.known_tasks().items() if known.priority > 0} == {
        "correspondence.compose_message", "correspondence.send_message", "payment.settle", "checkout.take_payment",
        "checkout.issue_contracts", "application.settle_identity",
    }  # fmt: skip


@dataclass(frozen=True)
class Waits:
    status: str
    later: bool
    due: bool


@pytest.mark.parametrize(
    "job",
    [
        Waits("todo", later=False, due=True),
        Waits("todo", later=True, due=False),
        Waits("doing", later=False, due=True),
        Waits("failed", later=False, due=False),
    ],
)
def test_whether_a_job_is_due_can_be_asked_inside_a_question(database: None, job: Waits) -> None:
    jobs.defer("bell.ring", in_seconds=600 if job.later else 0, bell_id=UUID(int=7))
    db.session.execute(text("UPDATE procrastinate_jobs SET status = :status"), {"status": job.status})
    asked = select(
        jobs.is_due("bell.ring", bell_id=literal(UUID(int=7))),
        jobs.is_due("bell.ring", bell_id=literal(UUID(int=8))),
        jobs.is_due("bell.tune", bell_id=literal(UUID(int=7))),
    )
    assert db.session.execute(asked).one() == (job.due, False, False)


def _job(attempts: int) -> Job:
    return Job(id=1, queue="default", lock=None, queueing_lock=None, task_name="bell", attempts=attempts)


def test_the_address_for_libpq_keeps_its_password() -> None:
    url = "postgresql+psycopg://marketplace_app:s%40cret@/marketplace?host=/run/pg"
    assert psycopg.conninfo.conninfo_to_dict(jobs.conninfo(url))["password"] == "s@cret"
