"""The payment page and the bank's page. They work without script and load nothing from elsewhere."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from babel.numbers import format_currency
from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.stripe_simulator.api import Transact
from sandbox.stripe_simulator.cards import CARDS, TestCard
from sandbox.stripe_simulator.currencies import major_units
from sandbox.stripe_simulator.errors import CardDeclinedError, JsonObject
from sandbox.stripe_simulator.hosted.card_form import CardForm
from sandbox.stripe_simulator.hosted.wording import Wording, wording_for
from sandbox.stripe_simulator.ledger import Cause, Ledger
from sandbox.stripe_simulator.resources import checkout_sessions, payment_intents

STYLE = (Path(__file__).parent / "templates" / "hosted.css").read_text(encoding="utf-8")
ANY_EXPIRY, ANY_CVC, ANY_AMEX_CVC = "12 / 34", "123", "1234"
AMEX_LENGTH = 15
GONE, UNPAID = 410, 402


def blueprint(transact: Transact) -> Blueprint:
    routes = Blueprint("hosted", __name__)

    @routes.get("/hosted.css")
    def style() -> Response:
        return Response(STYLE, mimetype="text/css", headers={"Cache-Control": "max-age=3600"})

    @routes.get("/c/pay/<session_id>")
    def payment_page(session_id: str) -> AnyResponse:
        with transact(Cause()) as ledger:
            session = ledger.look_up(session_id)
            if session is None or session["status"] != "open":
                return _closed(session)
            return _payment_page(ledger, session, _prefilled(session))

    @routes.post("/c/pay/<session_id>")
    def pay(session_id: str) -> AnyResponse:
        with transact(Cause()) as ledger:
            session = ledger.look_up(session_id)
            if session is not None and session["status"] == "complete":
                return redirect(_success_url(session), 303)  # the second click of a double click
            if session is None or session["status"] != "open":
                return _closed(session)
            return _tried(ledger, session, CardForm.of(request.form))

    _add_bank_pages(routes, transact)
    return routes


def _add_bank_pages(routes: Blueprint, transact: Transact) -> None:
    @routes.get("/authenticate/<intent_id>")
    def bank_page(intent_id: str) -> AnyResponse:
        with transact(Cause()) as ledger:
            intent = ledger.look_up(intent_id)
            session = payment_intents.session_of(ledger, intent) if intent else None
            if intent is None or intent["status"] != "requires_action":
                return _nothing_to_confirm(session)
            return _bank_page(ledger, intent, session)

    @routes.post("/authenticate/<intent_id>")
    def bank_answer(intent_id: str) -> AnyResponse:
        with transact(Cause()) as ledger:
            intent = ledger.look_up(intent_id)
            session = payment_intents.session_of(ledger, intent) if intent else None
            if intent is None or intent["status"] != "requires_action":
                return _nothing_to_confirm(session)
            return _answered(ledger, intent, session, confirmed=request.form.get("answer") == "confirm")


def _prefilled(session: JsonObject) -> CardForm:
    """A published test card chosen by link is filled in with a date and a code that fit."""
    form = CardForm(email=session["customer_email"] or "", number=request.args.get("card", ""))
    if form.card is None:
        return replace(form, number="")
    cvc = ANY_AMEX_CVC if form.card.brand == "amex" else ANY_CVC
    return replace(form, number=_grouped(form.card.number), expiry=ANY_EXPIRY, cvc=cvc)


def _tried(ledger: Ledger, session: JsonObject, form: CardForm) -> AnyResponse:
    words = _words(session)
    problems = form.problems(words, ledger.now)
    if problems or form.card is None:
        return _payment_page(ledger, session, form, problems, status=400)
    try:
        intent = checkout_sessions.submit(ledger, session, form.card, form.payer())
    except CardDeclinedError as refusal:
        error = refusal.body["error"]
        sentence = words.refusals[error.get("decline_code", error["code"])]
        return _payment_page(ledger, session, form, {"number": sentence}, status=UNPAID)
    if intent["status"] == "requires_action":
        return redirect(intent["next_action"]["redirect_to_url"]["url"], 303)
    return redirect(_success_url(session), 303)


def _answered(ledger: Ledger, intent: JsonObject, session: JsonObject | None, *, confirmed: bool) -> AnyResponse:
    """The person's answer to the bank; then back to the shop, or to the payment page when refused."""
    return_url = intent["next_action"]["redirect_to_url"]["return_url"]
    if confirmed:
        payment_intents.settle(ledger, intent, ledger.find("payment_method", intent["payment_method"]))
        if session is not None:
            checkout_sessions.complete(ledger, session)
            return redirect(_success_url(session), 303)
    else:
        payment_intents.fail_authentication(ledger, intent)
        if session is not None:
            return redirect(f"{session['url']}?bank=refused", 303)
    if return_url is not None:
        return redirect(return_url, 303)
    words = _words(None)
    return _page("notice.html", words, title=words.bank_done_title, body=words.bank_done_body)


def _payment_page(
    ledger: Ledger,
    session: JsonObject,
    form: CardForm,
    problems: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    words = _words(session)
    problems = dict(problems or {})
    if request.method == "GET" and request.args.get("bank") == "refused":
        problems["number"] = words.bank_failed
    items = ledger.records.private(session["id"])["line_items"]
    return _page(
        "payment.html",
        words,
        status=status,
        leaves_to=(session["success_url"], session["cancel_url"]),
        session=session,
        # a number that is no test card's, and any security code, is never sent back
        form=replace(form, number=_grouped(form.card.number) if form.card else "", cvc=_kept_code(form)),
        problems=problems,
        amount=_amount(session["amount_total"], session["currency"], words),
        lines=[
            (item["description"], item["quantity"], _amount(item["amount_total"], item["currency"], words))
            for item in items
        ],
        cards=[(_grouped(card.number), card.number, _meaning(card, words)) for card in CARDS],
    )


def _kept_code(form: CardForm) -> str:
    return form.cvc if form.cvc in {ANY_CVC, ANY_AMEX_CVC} else ""


def _bank_page(ledger: Ledger, intent: JsonObject, session: JsonObject | None) -> Response:
    words = _words(session)
    method = ledger.find("payment_method", intent["payment_method"])
    amount = _amount(intent["amount"], intent["currency"], words)
    return_url = intent["next_action"]["redirect_to_url"]["return_url"]
    return _page(
        "bank.html",
        words,
        leaves_to=(return_url, session["url"] if session else None),
        body=words.bank_body.format(amount=amount, last4=method["card"]["last4"]),
    )


def _closed(session: JsonObject | None) -> Response:
    """A session that is paid, expired or unknown, with the way back to the shop."""
    words = _words(session)
    if session is None:
        return _page("notice.html", words, 404, title=words.unknown_title, body=words.unknown_body)
    back = {"link": session["cancel_url"], "link_text": words.return_to_shop}
    if session["status"] == "complete":
        back["link"] = _success_url(session)
        return _page("notice.html", words, title=words.complete_title, body=words.complete_body, **back)
    return _page("notice.html", words, GONE, title=words.over_title, body=words.expired_body, **back)


def _nothing_to_confirm(session: JsonObject | None) -> Response:
    words = _words(session)
    link = (session["url"] or _success_url(session)) if session else None
    return _page(
        "notice.html",
        words,
        GONE,
        title=words.bank_over_title,
        body=words.bank_over_body,
        link=link,
        link_text=words.back_to_payment,
    )


def _page(
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


def _words(session: JsonObject | None) -> Wording:
    return wording_for(session["locale"] if session else None, request.accept_languages)


def _success_url(session: JsonObject) -> str:
    address: str = session["success_url"]
    return address.replace("{CHECKOUT_SESSION_ID}", session["id"])


def _amount(amount: int, currency: str, words: Wording) -> str:
    return format_currency(major_units(amount, currency), currency.upper(), locale=words.babel)


def _grouped(number: str) -> str:
    """As printed on the card: fours, or four, six and five."""
    if len(number) == AMEX_LENGTH:
        return f"{number[:4]} {number[4:10]} {number[10:]}"
    return " ".join(number[start : start + 4] for start in range(0, len(number), 4))


def _meaning(card: TestCard, words: Wording) -> str:
    if card.decline is not None:
        return words.refusals[card.decline.decline_code or card.decline.code]
    return words.card_asks if card.asks_for_authentication else words.card_is_paid
