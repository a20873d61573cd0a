"""What every hosted page shares: its policy, its words, amounts as people read them."""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from babel.numbers import format_currency
from flask import Response, make_response, render_template, request

from sandbox.stripe_simulator.currencies import major_units
from sandbox.stripe_simulator.errors import JsonObject
from sandbox.stripe_simulator.hosted.wording import Wording, wording_for

GONE, UNPAID = 410, 402


def page(
    template: str,
    words: Wording,
    status: int = 200,
    *,
    leaves_to: tuple[str | None, ...] = (),
    **values: object,
) -> Response:
    """A page under a strict policy. Chromium checks `form-action` after redirects too, so it names the shop."""
    origins = {f"{part.scheme}://{part.netloc}" for part in map(urlsplit, filter(None, leaves_to))}
    response = make_response(render_template(template, words=words, **values), status)
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'; "
        "form-action " + " ".join(["'self'", *sorted(origins)])
    )
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def words_of(session: JsonObject | None) -> Wording:
    return wording_for(session["locale"] if session else None, request.accept_languages)


def success_url(session: JsonObject) -> str:
    address: str = session["success_url"]
    return address.replace("{CHECKOUT_SESSION_ID}", session["id"])


def amount(sum_: int, currency: str, words: Wording) -> str:
    return format_currency(major_units(sum_, currency), currency.upper(), locale=words.babel)


def with_query(address: str, **more: str) -> str:
    """The address with parameters added to it."""
    parts = urlsplit(address)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *more.items()])
    return urlunsplit(parts._replace(query=query))
