"""Where somebody shows Stripe Identity a document. Here it is typed what stands in it; no picture is taken or kept."""

from datetime import date
from urllib.parse import urlsplit

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.stripe_simulator.api import Transact
from sandbox.stripe_simulator.errors import JsonObject
from sandbox.stripe_simulator.hosted.frame import GONE, page, words_of
from sandbox.stripe_simulator.hosted.wording import Wording
from sandbox.stripe_simulator.ledger import Cause, Ledger
from sandbox.stripe_simulator.resources import verification_sessions as sessions

REFUSED = 422
FAILURES = tuple(code for code in sessions.REASONS if code not in {"abandoned", "consent_declined"})
LONGEST_NAME = 200


def add_pages(routes: Blueprint, transact: Transact) -> None:
    @routes.route("/verify/<session_id>/<token>", methods=["GET", "POST"])
    def verify(session_id: str, token: str) -> AnyResponse:
        """An address is good for one visit; whoever comes a second time asks the shop for another one."""
        words = words_of(None)
        with transact(Cause()) as ledger:
            session = ledger.look_up(session_id)
            if session is None or session["object"] != sessions.KIND:
                return page("notice.html", words, 404, title=words.unknown_title, body=words.unknown_body)
            private = ledger.records.private(session_id)
            opened = private["tokens"].get(token)
            usable = opened is False if request.method == "GET" else opened is True
            if session["status"] != "requires_input" or not usable:
                return _over(words, private.get("return_url"))
            if request.method == "GET":
                tokens = private["tokens"] | {token: True}
                ledger.records.save_private(session_id, private | {"tokens": tokens})
                return _page(words, private["return_url"])
            return _answered(ledger, session, words, private["return_url"])


def _over(words: Wording, back: str | None) -> AnyResponse:
    return page(
        "notice.html", words, GONE, title=words.identity_over_title, body=words.identity_over_body,
        link=back, link_text=words.return_to_shop,
    )  # fmt: skip


def _page(words: Wording, back: str | None, status: int = 200, problem: str = "") -> AnyResponse:
    typed = {name: request.form.get(name, "") for name in ("first_name", "last_name", "birth_on")}
    return page(
        "identity.html", words, status, leaves_to=(back,), typed=typed, problem=problem, failures=FAILURES,
        shop=urlsplit(back or "").netloc,
    )  # fmt: skip


def _answered(ledger: Ledger, session: JsonObject, words: Wording, back: str | None) -> AnyResponse:
    answer = request.form.get("answer", "leave")
    if answer == "decline":
        sessions.declined(ledger, session)
    elif answer in FAILURES:
        sessions.submitted(ledger, session, None, answer, later=False)
    elif answer in {"submit", "later"}:
        shown = _shown()
        if shown is None:
            return _page(words, back, REFUSED, words.identity_incomplete)
        sessions.submitted(ledger, session, shown, None, later=answer == "later")
    else:
        sessions.left(ledger, session)
    if back is None:
        return page("notice.html", words, title=words.bank_done_title, body=words.bank_done_body)
    return redirect(back, 303)


def _shown() -> sessions.Shown | None:
    first, last = (request.form.get(name, "").strip()[:LONGEST_NAME] for name in ("first_name", "last_name"))
    try:
        born = date.fromisoformat(request.form.get("birth_on", ""))
    except ValueError:
        return None
    if not (first and last):
        return None
    return sessions.Shown(first_name=first, last_name=last, year=born.year, month=born.month, day=born.day)
