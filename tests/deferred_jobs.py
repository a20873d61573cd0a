"""Run deferred jobs in a test, one after the other, each in its own transaction, as the worker would."""

from inspect import signature

from sqlalchemy import text

from marketplace.infra import jobs
from marketplace.infra.db import db
from marketplace.kernel import clock

_NEXT = text(
    "SELECT id, task_name, args FROM procrastinate_jobs WHERE status = 'todo' AND task_name = ANY(:known) "
    "AND (scheduled_at IS NULL OR scheduled_at <= :now) ORDER BY id LIMIT 1"
)


def drain(*features: str) -> list[str]:
    """Commit, then run every job of these features (of all, when none is named) that is due by our own clock, and those
    they defer.

    Returns their names in order.
    """
    done: list[str] = []
    known = {name: task for name, task in jobs.known_tasks().items() if not features or name.split(".")[0] in features}
    while True:
        db.session.commit()
        job = db.session.execute(_NEXT, {"known": list(known), "now": clock.now()}).one_or_none()
        if job is None:
            return done
        db.session.execute(text("UPDATE procrastinate_jobs SET status = 'succeeded' WHERE id = :id"), {"id": job.id})
        db.session.commit()
        wanted = signature(known[job.task_name].function).parameters  # periodic ones are told their instant as well
        jobs.run_once(known[job.task_name], **{name: value for name, value in job.args.items() if name in wanted})
        done.append(job.task_name)


def hasten(*names: str) -> None:
    """Make these jobs due that were put off: for tests, which do not wait."""
    db.session.execute(
        text("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE status = 'todo' AND task_name = ANY(:names)"),
        {"names": list(names)},
    )
    db.session.commit()


def waiting() -> list[str]:
    """Names of the jobs that are committed and not run, oldest first."""
    rows = db.session.execute(text("SELECT task_name FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id"))
    return list(rows.scalars())
