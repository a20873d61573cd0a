"""The entry point owns the transaction: one request, one commit.

An answer below 400 commits, with what was noted of it; anything else rolls back everything the request wrote, and what
was refused is kept apart.
"""

from flask import Flask, Response, g, request

from marketplace.infra import present
from marketplace.infra.db import db
from marketplace.infra.failpoints import At, reach
from marketplace.web import audit


def own_transactions(app: Flask) -> None:
    @app.before_request
    def ask_the_present() -> None:
        if request.blueprint not in {None, "health"}:
            g.present = present.load()

    @app.after_request
    def finish(response: Response) -> Response:
        if response.status_code < 400:  # noqa: PLR2004  HTTP: below are successes and redirects
            audit.keep()
            if db.session.registry.has():  # a page from memory asked nothing of it
                reach(At.REQUEST_ANSWERED)
                db.session.commit()
                reach(At.REQUEST_COMMITTED)
        else:
            db.session.rollback()
            audit.keep_refusals()
        return response


def start_over() -> None:
    """Nothing of what was written so far is to be true: for a page that shows how things stand instead."""
    db.session.rollback()


def commit_now() -> None:
    """Make what was written so far true before a neighbour is asked to act on it (our row first, then Stripe)."""
    db.session.commit()
    reach(At.HALF_COMMITTED)
