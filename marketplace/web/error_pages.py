"""From the five families of errors to a status and a page that says what to do."""

import logging

from flask import Flask, g, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from marketplace.infra.formatting import gettext as _
from marketplace.kernel import errors

log = logging.getLogger(__name__)

STATUS: tuple[tuple[type[errors.MarketplaceError], int], ...] = (
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.Invalid, 422),
    (errors.Refused, 422),
    (errors.Unavailable, 503),
)


def status_of(error: errors.MarketplaceError) -> int:
    return next((status for family, status in STATUS if isinstance(error, family)), 500)


def _words(status: int) -> tuple[str, str]:
    """Title and advice of an error page."""
    return {
        400: (_("We could not read that"), _("Please go back, reload the page and send the form again.")),
        403: (_("You may not do that here"), _("Sign in with the account this belongs to.")),
        404: (_("There is nothing here"), _("The address may be mistyped, or what it led to has ended.")),
        405: (_("That cannot be done here"), _("Please go back and use the buttons on the page.")),
        409: (_("Something has changed"), _("Please look at the page again before you go on. Nothing was lost.")),
        413: (_("That is too large"), _("Please send something smaller.")),
        415: (_("We could not read that"), _("Please use the form on the page.")),
        422: (_("That is not possible"), _("Please go back and look at what you entered.")),
        429: (_("Too many tries"), _("Please wait a few minutes and try again.")),
        503: (_("Please try again in a moment"), _("Something we need does not answer. Nothing was lost or charged.")),
    }.get(status, (_("Something went wrong on our side"), _("Please try again in a moment. Nothing was charged.")))


def page(status: int, message: str = "") -> tuple[str, int]:
    """The error page of `status`, with what happened in words when we know it."""
    title, advice = _words(status)
    body = render_template(
        "errors/error.html", status=status, title=title, advice=advice, message=message, request_id=g.get("request_id")
    )
    return body, status


def show_errors(app: Flask) -> None:
    @app.errorhandler(errors.MarketplaceError)
    def known(error: errors.MarketplaceError) -> tuple[str, int]:
        status = status_of(error)
        log.info("refused %s: %s", error.code, request.endpoint)
        return page(status, str(error) if status in {409, 422} else "")

    @app.errorhandler(CSRFError)
    def forged(error: CSRFError) -> tuple[str, int]:  # noqa: ARG001  the reason helps attackers only
        return page(400, _("The form had expired or did not come from this site."))

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> tuple[str, int]:
        return page(error.code or 500)

    @app.errorhandler(Exception)
    def unknown(error: Exception) -> tuple[str, int]:
        log.error("unhandled error", exc_info=error)
        return page(500)
