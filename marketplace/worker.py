"""Entry point of the worker: `python -m marketplace.worker` runs deferred jobs until it is told to stop.

`… --reconcile` asks the provider about every payment and refund under way, concludes what was paid, and ends: no mail
leaves. For the time after a restore, before anybody is told anything (docs/running.md).
"""

import argparse
import asyncio
import gc
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask

from config import Settings
from marketplace.app import create_app
from marketplace.infra import jobs, mail, memory, metrics, seals, storage
from marketplace.infra.db import Scope, db, use_scope
from marketplace.oversight import queries as oversight
from marketplace.traceability import queries as trail

CONCURRENCY = 4
CONNECTIONS = 2  # mostly it has nothing to do, and each open one holds up to 10 MB of the database's memory
POLL_SECONDS = 5.0
GRACE_SECONDS = 20.0
RECONCILED = ("payment", "checkout", "policy")


async def work(settings: Settings) -> None:
    """Run jobs; on SIGTERM finish the present ones and return."""
    flask_app = _application(settings)
    with _shown(settings, flask_app):
        await _run(settings, flask_app, concurrency=CONCURRENCY)


async def reconcile(settings: Settings) -> None:
    """Ask about every payment and refund under way, run the due jobs about money and contracts, and return.

    Raises SystemExit where one of them did not succeed, because somebody else was not there.
    """
    flask_app = _application(settings)
    with flask_app.app_context():
        latest = jobs.latest_id()
        for asking in ("payment.reconcile", "checkout.sweep"):
            jobs.defer(asking)
        db.session.commit()
    # One after the other, or it would end before the jobs that a running one defers are there.
    await _run(settings, flask_app, concurrency=1, wait=False, queues=list(RECONCILED))
    with flask_app.app_context():
        left = jobs.not_done(RECONCILED, latest)
    if left:
        raise SystemExit(f"Jobs about payments and contracts that did not succeed: {left}. See above, and repeat this.")


def _application(settings: Settings) -> Flask:
    """Better no worker than one that takes the money's jobs and can make no paper. A demonstration makes its seals
    while its worker works already.
    """
    flask_app = create_app(settings, connections=CONNECTIONS)
    with flask_app.app_context():
        db.engine.connect().close()  # as a role that grants do not bind, it ends here
    made_later = settings.demonstration and settings.seals_folder is not None
    for problem in () if made_later else seals.problems():
        raise SystemExit(f"{problem}. The worker seals policies and needs them.")
    for problem in (*storage.problems(), *mail.problems()):
        raise SystemExit(problem)
    settle()
    return flask_app


def settle() -> None:
    """What the process holds stays as long as it does: the collector need not go through it. Threads come next."""
    gc.freeze()
    memory.share_one_arena()


async def _run(settings: Settings, flask_app: Flask, **options: Any) -> None:
    app = jobs.worker_app(settings.database_url.get_secret_value(), flask_app.app_context)
    async with app.open_async():
        await app.run_worker_async(
            fetch_job_polling_interval=POLL_SECONDS,
            shutdown_graceful_timeout=GRACE_SECONDS,
            listen_notify=True,
            **options,
        )


@contextmanager
def _shown(settings: Settings, flask_app: Flask) -> Iterator[None]:
    """Answer Prometheus on `METRICS_PORT` while the worker works."""

    def read() -> tuple[metrics.Reading, ...]:
        with flask_app.app_context(), use_scope(Scope.all()):
            return (*jobs.readings(), *trail.readings(), *trail.stamp_readings(), *oversight.readings())

    end = metrics.serve(settings.metrics_address, settings.metrics_port, read) if settings.metrics_port else None
    try:
        yield
    finally:
        if end:
            end()


def main() -> None:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m marketplace.worker")
    parser.add_argument("--reconcile", action="store_true", help="ask about payments, conclude what is paid, and end")
    chosen = reconcile if parser.parse_args().reconcile else work
    # Told to stop before it took a job, it ends at once; from its first job on Procrastinate waits for those. It ends
    # without winding up: an exception out of a signal leaves tasks that wait for one another for ever.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    asyncio.run(chosen(Settings.or_exit()))


if __name__ == "__main__":
    main()
