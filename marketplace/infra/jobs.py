"""Later work, committed together with its cause (Procrastinate in PostgreSQL).

A service defers a job, or publishes a fact that defers every subscriber of its type, on the session's own connection:
rolled back with the transaction, visible on commit. Jobs are plain functions in `<feature>/jobs.py` marked with
`@task`; each runs in one transaction that is committed when it returns. A job may run more than once and must bear it.

What a job is given lies open in the database: ids, numbers, days and words of our own lists, never what somebody said.
Done jobs are deleted after a week (`KEPT_HOURS`); failed ones stay until somebody has looked at them.
"""

import asyncio
import inspect
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any, TypeVar

import procrastinate
import psycopg
from procrastinate import exceptions
from procrastinate.builtin_tasks import remove_old_jobs
from procrastinate.job_context import JobContext
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from procrastinate.retry import BaseRetryStrategy, RetryDecision
from pydantic import ConfigDict, TypeAdapter, validate_call
from sqlalchemy import ColumnElement, Text, and_, cast, column, exists, func, or_, table, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import make_url
from sqlalchemy.orm import InstrumentedAttribute

from marketplace.infra import logs, metrics, present
from marketplace.infra.db import Scope, db, use_scope
from marketplace.infra.failpoints import At, reach
from marketplace.infra.vault import DataDestroyed
from marketplace.kernel import clock
from marketplace.kernel.errors import Invalid, NotFound, Refused

log = logging.getLogger(__name__)
F = TypeVar("F", bound=Callable[..., None])

# Nothing that a person waits for is given up in a day: 1, 2, 4 … 1024 s, then every half hour.
LONGEST_PAUSE = 1800
STALLED_AFTER = 30
SAID_AGAIN_AFTER = 1.0
SAID_FOR = 60.0
KEPT_HOURS = 7 * 24
CONNECTION_IDLE_SECONDS = 30.0


class GrowingPauses(BaseRetryStrategy):
    """Retry with doubling pauses up to `LONGEST_PAUSE`; what the rules refuse is final at once.

    For what moves money an erasure is not: that somebody left changes nothing of what is owed.
    """

    def __init__(self, attempts: int, *, moves_money: bool = False) -> None:
        self._attempts = attempts
        self._moves_money = moves_money

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if job.attempts >= self._attempts or self._is_final(exception):
            return None
        return RetryDecision(retry_in={"seconds": pause_after(job.attempts)})

    def _is_final(self, exception: BaseException) -> bool:
        if self._moves_money and isinstance(exception, DataDestroyed):
            return False
        return isinstance(exception, Refused | Invalid | NotFound)


def pause_after(attempts: int) -> int:
    """Seconds until the next try after so many attempts: 1, 2, 4 … and `LONGEST_PAUSE` at the most."""
    return LONGEST_PAUSE if attempts >= LONGEST_PAUSE.bit_length() else 2**attempts


@dataclass(frozen=True, slots=True)
class Task:
    """What a job does, under its name (`feature.verb_noun`); `every` is a cron line for periodic ones. Of those that
    are due the highest `priority` comes first: `SOON` is what somebody on a page waits for.

    `moves_money`: without it a customer's money could be kept or owed (see `GrowingPauses`).
    """

    name: str
    function: Callable[..., None]
    attempts: int
    every: str | None
    moves_money: bool = False
    priority: int = 0


FIRST, SOON, LATER = 2, 1, -1
_COUNTS = text(
    """
    SELECT task_name, status::text, count(*) FROM procrastinate_jobs
    WHERE status IN ('todo', 'doing', 'failed') GROUP BY task_name, status ORDER BY task_name, status
    """
)
_OLDEST_DUE = text(
    """
    SELECT extract(epoch FROM now() - min(greatest(deferred.at, job.scheduled_at)))
    FROM procrastinate_jobs job
    JOIN procrastinate_events deferred ON deferred.job_id = job.id AND deferred.type = 'deferred'
    WHERE job.status = 'todo' AND job.priority >= 0 AND (job.scheduled_at IS NULL OR job.scheduled_at <= now())
    """
)

_JOBS = table(
    "procrastinate_jobs", column("task_name"), column("status"), column("args", JSONB), column("scheduled_at")
)
_QUIET = ConfigDict(hide_input_in_errors=True)  # what does not fit is not repeated in a log
_LATEST = text("SELECT coalesce(max(id), 0) FROM procrastinate_jobs")
_NOT_DONE = text(
    """
    SELECT count(*) FROM procrastinate_jobs
    WHERE queue_name = ANY(:queues) AND (status = 'todo' AND attempts > 0 OR status = 'failed' AND id > :since)
    """
)

_UNDER_WAY = """
    SELECT count(*) AS runs FROM procrastinate_jobs
    WHERE id = %(job_id)s AND status = 'doing' AND attempts = %(attempts)s
    """

_tasks: dict[str, Task] = {}
_subscribers: Mapping[type, tuple[str, ...]] = {}
_deferring = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())


def task(
    name: str, *, attempts: int = 60, every: str | None = None, moves_money: bool = False, priority: int = 0
) -> Callable[[F], F]:
    """Mark a function of `<feature>/jobs.py` as the job `name`. Arguments arrive typed by their annotations."""

    def mark(function: F) -> F:
        if name in _tasks and _tasks[name].function is not function:
            raise ValueError(f"two jobs are called {name}")
        _tasks[name] = Task(name, function, attempts, every, moves_money, priority)
        return function

    return mark


def known_tasks() -> Mapping[str, Task]:
    return dict(_tasks)


def subscribe(subscribers: Mapping[type, tuple[str, ...]]) -> None:
    """For app, worker and cli at start: which jobs each type of fact defers (`wiring.SUBSCRIBERS`)."""
    global _subscribers  # noqa: PLW0603  set once at start by the wiring
    _subscribers = subscribers


def defer(name: str, /, *, in_seconds: int = 0, lock: str | None = None, **arguments: Any) -> None:
    """Defer the job `name` in the present transaction. `lock`: jobs of one lock run one after the other."""
    options: dict[str, Any] = {
        "connection": db.session.connection().connection.driver_connection,
        "queue": _queue(name),
        "priority": _tasks[name].priority if name in _tasks else 0,
    }
    if in_seconds:
        options["schedule_at"] = clock.now().astimezone(UTC) + timedelta(seconds=in_seconds)
    if lock:
        options["lock"] = lock
    plain = {key: TypeAdapter(type(value)).dump_python(value, mode="json") for key, value in arguments.items()}
    _deferring.configure_task(name, **options).defer(**plain)
    reach(At.JOB_DEFERRED)


def is_waiting(name: str, /, **arguments: ColumnElement[Any] | InstrumentedAttribute[Any]) -> ColumnElement[bool]:
    """Inside a question: whether the job `name` with these arguments (columns) is still to be done. False where it is
    done, and where it was given up.
    """
    return exists().where(*_these(name, arguments), cast(_JOBS.c.status, Text).in_(["todo", "doing"]))


def is_due(name: str, /, **arguments: ColumnElement[Any] | InstrumentedAttribute[Any]) -> ColumnElement[bool]:
    """The same, for now: not where it was put off. Whoever defers by the clock what hangs asks this: else a worker that
    does not get to it in time is given it again each minute.
    """
    status = cast(_JOBS.c.status, Text)
    now = and_(status == "todo", or_(_JOBS.c.scheduled_at.is_(None), _JOBS.c.scheduled_at <= func.now()))
    return exists().where(*_these(name, arguments), or_(status == "doing", now))


def _these(name: str, arguments: Mapping[str, Any]) -> Iterator[ColumnElement[bool]]:
    yield _JOBS.c.task_name == name
    yield from (_JOBS.c.args[key].astext == cast(value, Text) for key, value in arguments.items())


def publish(fact: object) -> None:
    """Defer every subscriber of the fact's type. A type that the wiring does not list is a mistake."""
    for name in _subscribers[type(fact)]:
        defer(name, fact=fact)


def run_once(chosen: Task, **arguments: Any) -> None:
    """Run one job in one transaction inside an application context: commit on return, roll back on any error."""
    reach(At.JOB_TAKEN)
    present.load_for_job()
    try:
        with use_scope(Scope.all()):
            validate_call(config=_QUIET)(chosen.function)(**arguments)
            reach(At.JOB_WORKED)
            db.session.commit()
        reach(At.JOB_COMMITTED)
    except BaseException:
        db.session.rollback()
        raise


def readings() -> tuple[metrics.Reading, ...]:
    """What waits, what is being done and what was given up, for whoever watches over the marketplace."""
    counts = tuple(((name, state), float(number)) for name, state, number in db.session.execute(_COUNTS))
    oldest = float(db.session.execute(_OLDEST_DUE).scalar_one() or 0.0)
    db.session.rollback()
    return (
        metrics.Reading("marketplace_jobs", "Jobs that are not done.", ("job", "state"), counts),
        metrics.Reading("marketplace_jobs_oldest_seconds", "Age of the oldest due job.", (), (((), oldest),)),
    )


def latest_id() -> int:
    """Of the newest job."""
    return int(db.session.execute(_LATEST).scalar_one())


def not_done(features: Iterable[str], since: int) -> int:
    """How many jobs of these features are to be tried again, or failed and are newer than the job `since`."""
    return int(db.session.execute(_NOT_DONE, {"queues": list(features), "since": since}).scalar_one())


def worker_app(database_url: str, context: Callable[[], AbstractContextManager[object]]) -> procrastinate.App:
    """The Procrastinate application of the worker: every known task, run inside `context()`."""
    connector = procrastinate.PsycopgConnector(
        conninfo=conninfo(database_url),
        min_size=1,  # each holds some megabytes of the database's memory
        max_size=4,
        max_idle=CONNECTION_IDLE_SECONDS,
    )
    app = procrastinate.App(connector=connector)
    app.job_manager = _Persistent(connector)
    for known in _tasks.values():
        _register(app, known, context)
    _register_rescue(app)
    _register_removal(app)
    return app


class _Persistent(JobManager):
    """Says how a job ended until the database has heard it.

    Procrastinate says so once. Where a connection breaks at that moment, the job would be under way for as long as its
    worker lives (its heart beats on), and every job of its lock would wait for it. Where the database stays away, the
    worker ends by itself and another takes its jobs up, so `SAID_FOR` is longer than its heart takes to notice.
    """

    async def finish_job(self, job: Job, *end: Any, **how: Any) -> None:
        await self._say(job, lambda: super(_Persistent, self).finish_job(job, *end, **how))

    async def retry_job(self, job: Job, *end: Any, **how: Any) -> None:
        await self._say(job, lambda: super(_Persistent, self).retry_job(job, *end, **how))

    async def _say(self, job: Job, say: Callable[[], Awaitable[None]]) -> None:
        """What was lost may have arrived all the same, and then another worker may have the job by now."""
        last, lost = time.monotonic() + SAID_FOR, False
        while True:
            try:
                if not lost or await self._is_under_way(job):
                    await say()
            except exceptions.ConnectorException as error:
                broken = isinstance(error.__cause__, psycopg.OperationalError | psycopg.InterfaceError)
                if not broken or time.monotonic() > last:
                    raise
                lost = True
                log.warning("the database did not hear how job %s ended, and is told again", job.task_name)
            else:
                return
            await asyncio.sleep(SAID_AGAIN_AFTER)

    async def _is_under_way(self, job: Job) -> bool:
        """This very run of it: each end adds an attempt."""
        found = await self.connector.execute_query_one_async(_UNDER_WAY, job_id=job.id, attempts=job.attempts)
        return bool(found["runs"])


def conninfo(database_url: str) -> str:
    """A libpq address of an SQLAlchemy URL."""
    return make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)


def _queue(name: str) -> str:
    """Each feature has a queue of its own, so that a worker can be told to work for some of them only."""
    return name.split(".", maxsplit=1)[0]


def _register(app: procrastinate.App, known: Task, context: Callable[[], AbstractContextManager[object]]) -> None:
    wanted = set(inspect.signature(known.function).parameters)

    def run(**arguments: Any) -> None:
        logs.bind(job=known.name)
        with context(), metrics.timed(metrics.JOBS, known.name):
            run_once(known, **{key: value for key, value in arguments.items() if key in wanted})

    retry = GrowingPauses(known.attempts, moves_money=known.moves_money)
    registered = app.task(name=known.name, queue=_queue(known.name), retry=retry)(run)
    if known.every:
        periodic: Any = app.periodic(cron=known.every, periodic_id=known.name)
        periodic(registered)


def _register_rescue(app: procrastinate.App) -> None:
    """Put jobs of a worker that died back into the queue: its heartbeat has stopped. A rescue of which it died is done
    with: it comes again by the clock, and where the next one waits already, the queue has no place for two.
    """
    name = "infra.rescue_jobs"

    @app.periodic(cron="* * * * * */10", periodic_id=name)
    @app.task(name=name, queueing_lock=name, priority=FIRST, pass_context=False)
    async def rescue(timestamp: int) -> None:  # noqa: ARG001  periodic tasks are given their instant
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER):
            if job.task_name == name:
                await app.job_manager.finish_job(job, Status.FAILED, delete_job=True)
                continue
            log.warning("job %s of a lost worker goes back into the queue", job.task_name)
            await app.job_manager.retry_job(job)


def _register_removal(app: procrastinate.App) -> None:
    """Delete jobs that ended a week ago, each night. Failed ones stay, and are counted (`readings`)."""

    @app.periodic(cron="10 19 * * *", periodic_id="infra.remove_done_jobs")
    @app.task(name="infra.remove_done_jobs", queueing_lock="infra.remove_done_jobs", pass_context=True)
    async def remove(context: JobContext, timestamp: int) -> None:  # noqa: ARG001  periodic tasks are given their instant
        await remove_old_jobs(context, max_hours=KEPT_HOURS, remove_cancelled=True, remove_aborted=True)
