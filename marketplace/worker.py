"""Entry point of the worker: `python -m marketplace.worker` runs deferred jobs until it is told to stop."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask

from config import Settings
from marketplace.app import create_app
from marketplace.infra import jobs, metrics
from marketplace.infra.db import db

CONCURRENCY = 4
POLL_SECONDS = 5.0
GRACE_SECONDS = 20.0


async def work(settings: Settings) -> None:
    """Run jobs; on SIGTERM finish the present ones and return."""
    flask_app = create_app(settings)
    with flask_app.app_context():
        db.engine.connect().close()  # as a role that grants do not bind, it ends here
    app = jobs.worker_app(settings.database_url.get_secret_value(), flask_app.app_context)
    with _shown(settings, flask_app):
        async with app.open_async():
            await app.run_worker_async(
                concurrency=CONCURRENCY,
                fetch_job_polling_interval=POLL_SECONDS,
                shutdown_graceful_timeout=GRACE_SECONDS,
                listen_notify=True,
            )


@contextmanager
def _shown(settings: Settings, flask_app: Flask) -> Iterator[None]:
    """Answer Prometheus on `METRICS_PORT` while the worker works."""

    def read() -> tuple[metrics.Reading, ...]:
        with flask_app.app_context():
            return jobs.readings()

    end = metrics.serve(settings.metrics_address, settings.metrics_port, read) if settings.metrics_port else None
    try:
        yield
    finally:
        if end:
            end()


if __name__ == "__main__":
    asyncio.run(work(Settings.or_exit()))
