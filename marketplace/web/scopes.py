"""Whose rows a request may touch: everybody's at the door, and behind an insurer's door that insurer's alone.

Customers are told apart by the questions themselves (`own_…`), insurers by the database too (ADR 0007).
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask

from marketplace.infra.db import Scope, use_scope

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def scope_requests(app: Flask) -> None:
    """Begin each request in the scope of everybody; it ends with the request, narrowed or not."""
    answer = app.wsgi_app

    def scoped(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        with use_scope(Scope.all()):
            return answer(environ, start_response)

    app.wsgi_app = scoped  # type: ignore[method-assign]  # Flask's own way to wrap it
