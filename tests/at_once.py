"""The same done by several threads that begin together."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from flask import Flask

from marketplace.infra.db import Scope, db, use_scope

T = TypeVar("T")


def at_once(app: Flask, times: int, act: Callable[[], T], scope: Scope | None = None) -> list[T]:
    """What each returned, in a context of its own and committed. Raises what one of them raised."""
    together = Barrier(times)

    def work(_number: int) -> T:
        with use_scope(scope or Scope.all()), app.app_context():
            together.wait()
            found = act()
            db.session.commit()
            db.session.remove()
            return found

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(work, range(times)))


def outcomes_at_once(app: Flask, act: Callable[[], object]) -> list[object]:
    """The same done twice at once: what came of each, refusals too. What stands so far is committed first."""

    def attempt() -> object:
        try:
            found = act()
            db.session.commit()
        except Exception as error:  # noqa: BLE001  what happened is what the test asks
            db.session.rollback()
            return error
        return found

    db.session.commit()
    return at_once(app, 2, attempt)
