"""How long each request took, by endpoint: figures for whoever watches over the site."""

from time import perf_counter

from flask import Flask, Response, g, request

from marketplace.infra import metrics


def meter(app: Flask) -> None:
    """Registered before all other hooks, so that its clock includes theirs."""

    @app.before_request
    def begin() -> None:
        g.begun = perf_counter()

    @app.after_request
    def observe(response: Response) -> Response:
        labels = (request.endpoint or "none", _method(), f"{response.status_code // 100}xx")
        metrics.REQUESTS.labels(*labels).observe(perf_counter() - g.begun)
        return response


def _method() -> str:
    """A visitor may send any word as the method; it must not become a label of its own."""
    return request.method if request.method in {"GET", "HEAD", "POST", "OPTIONS"} else "other"
