"""The payment page of a Checkout Session, or the page that keeps a card. No script, nothing from elsewhere."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.stripe_simulator.api import Transact
from sandbox.stripe_simulator.cards import CARDS, TestCard
from sandbox.stripe_simulator.errors import CardDeclinedError, JsonObject
from sandbox.stripe_simulator.hosted import account_setup, asking, identity
from sandbox.stripe_simulator.hosted.card_form import CardForm
from sandbox.stripe_simulator.hosted.frame import GONE, UNPAID, amount, page, success_url, words_of
from sandbox.stripe_simulator.hosted.wording import Wording
from sandbox.stripe_simulator.ledger import Cause, Ledger
from sandbox.stripe_simulator.resources import checkout_sessions
from sandbox.stripe_simulator.wallets import WALLETS

STYLE = (Path(__file__).parent / "templates" / "hosted.css").read_text(encoding="utf-8")
ANY_EXPIRY, ANY_CVC, ANY_AMEX_CVC = "12 / 34", "123", "1234"
AMEX_LENGTH = 15
CARDS_AT_FIRST = 12
"""The rest, for what happens later or seldom, is folded away."""


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
                return redirect(success_url(session), 303)  # the second click of a double click
            if session is None or session["status"] != "open":
                return _closed(session)
            form = CardForm.of(request.form)
            kind = request.form.get("method", "card")
            if kind in WALLETS and kind in session["payment_method_types"]:
                return _tried_wallet(ledger, session, form, kind)
            return _tried(ledger, session, form)

    asking.add_pages(routes, transact)
    account_setup.add_pages(routes, transact)
    identity.add_pages(routes, transact)
    return routes


def _prefilled(session: JsonObject) -> CardForm:
    """A published test card chosen by link is filled in with a date and a code that fit."""
    form = CardForm(email=session["customer_email"] or "", number=request.args.get("card", ""))
    if form.card is None:
        return replace(form, number="")
    cvc = ANY_AMEX_CVC if form.card.brand == "amex" else ANY_CVC
    return replace(form, number=_grouped(form.card.number), expiry=ANY_EXPIRY, cvc=cvc)


def _tried(ledger: Ledger, session: JsonObject, form: CardForm) -> AnyResponse:
    words = words_of(session)
    problems = form.problems(words, ledger.now)
    if problems or form.card is None or "card" not in session["payment_method_types"]:
        return _payment_page(ledger, session, form, problems, status=400)
    try:
        intent = checkout_sessions.submit(ledger, session, form.card, form.payer())
    except CardDeclinedError as refusal:
        error = refusal.body["error"]
        sentence = words.refusals[error.get("decline_code", error["code"])]
        return _payment_page(ledger, session, form, {"number": sentence}, status=UNPAID)
    if intent["status"] == "requires_action":
        return redirect(intent["next_action"]["redirect_to_url"]["url"], 303)
    return redirect(success_url(session), 303)


def _tried_wallet(ledger: Ledger, session: JsonObject, form: CardForm, kind: str) -> AnyResponse:
    """Only the e-mail address is needed; the rest is done at the wallet's."""
    problems = form.problems(words_of(session), ledger.now)
    if "email" in problems:
        return _payment_page(ledger, session, form, {"email": problems["email"]}, status=400)
    intent = checkout_sessions.submit_wallet(ledger, session, kind, form.payer())
    action = intent["next_action"]
    details = action[action["type"]]
    return redirect(details["url"] if kind == "alipay" else details["hosted_instructions_url"], 303)


def _payment_page(
    ledger: Ledger,
    session: JsonObject,
    form: CardForm,
    problems: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    words = words_of(session)
    problems = dict(problems or {})
    refused = request.args.get("refused") if request.method == "GET" else None
    if refused in words.refusals:
        problems["number"] = words.refusals[refused]
    kinds = session["payment_method_types"]
    total = "" if session["mode"] == "setup" else amount(session["amount_total"], session["currency"], words)
    return page(
        "payment.html",
        words,
        status=status,
        leaves_to=(session["success_url"], session["cancel_url"]),
        session=session,
        # a number that is no test card's, and any security code, is never sent back
        form=replace(form, number=_grouped(form.card.number) if form.card else "", cvc=_kept_code(form)),
        problems=problems,
        amount=total,
        lines=[
            (item["description"], item["quantity"], amount(item["amount_total"], item["currency"], words))
            for item in ledger.records.private(session["id"])["line_items"]
        ],
        by_card="card" in kinds,
        wallets=[kind for kind in kinds if kind in WALLETS],
        cards=[(_grouped(card.number), card.number, _meaning(card, words)) for card in CARDS],
        cards_at_first=CARDS_AT_FIRST,
    )


def _kept_code(form: CardForm) -> str:
    return form.cvc if form.cvc in {ANY_CVC, ANY_AMEX_CVC} else ""


def _closed(session: JsonObject | None) -> Response:
    """A session that is paid, expired or unknown, with the way back to the shop."""
    words = words_of(session)
    if session is None:
        return page("notice.html", words, 404, title=words.unknown_title, body=words.unknown_body)
    back = {"link": session["cancel_url"], "link_text": words.return_to_shop}
    if session["status"] == "complete":
        back["link"] = success_url(session)
        title, body = words.complete_title, words.complete_body
        if session["payment_status"] == "unpaid":
            title, body = words.on_its_way_title, words.on_its_way_body
        return page("notice.html", words, title=title, body=body, **back)
    return page("notice.html", words, GONE, title=words.over_title, body=words.expired_body, **back)


def _grouped(number: str) -> str:
    """As printed on the card: fours, or four, six and five."""
    if len(number) == AMEX_LENGTH:
        return f"{number[:4]} {number[4:10]} {number[10:]}"
    return " ".join(number[start : start + 4] for start in range(0, len(number), 4))


def _meaning(card: TestCard, words: Wording) -> str:
    """What the card does, in the person's words: the first thing that is special about it."""
    if card.decline is not None:
        return words.refusals[card.decline.decline_code or card.decline.code]
    if card.dispute is not None:
        return words.card_inquiry if card.inquiry else words.card_dispute
    if card.refund != "at_once":
        return words.card_refund_later if card.refund == "later" else words.card_refund_fails
    if card.available_at_once:
        return words.card_at_once
    return words.card_asks if card.asks_for_authentication else words.card_is_paid
