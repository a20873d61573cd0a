"""Where the person is asked before money moves: the bank's page (3-D Secure), Alipay's, WeChat Pay's and its code."""

from io import BytesIO

import segno
from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.stripe_simulator.api import Transact
from sandbox.stripe_simulator.errors import CardDeclinedError, JsonObject
from sandbox.stripe_simulator.hosted.frame import GONE, amount, page, success_url, with_query, words_of
from sandbox.stripe_simulator.ledger import Cause, Ledger
from sandbox.stripe_simulator.resources import (
    checkout_sessions,
    payment_intents,
    payment_methods,
    payments,
    setup_intents,
)

PICTURES = {"svg": "image/svg+xml", "png": "image/png"}
REDIRECT_STATUS = {"succeeded": "succeeded", "processing": "pending"}


def add_pages(routes: Blueprint, transact: Transact) -> None:
    _add_bank(routes, transact)
    _add_wallets(routes, transact)
    _add_code(routes, transact)


def _add_bank(routes: Blueprint, transact: Transact) -> None:
    @routes.route("/authenticate/<intent_id>", methods=["GET", "POST"])
    def bank(intent_id: str) -> AnyResponse:
        with transact(Cause()) as ledger:
            intent = ledger.look_up(intent_id)
            session = _session_of(ledger, intent)
            if intent is None or intent["status"] != "requires_action" or not _at_the_bank(intent):
                return _nothing_to_confirm(session)
            if request.method == "GET":
                return _bank_page(ledger, intent, session)
            return _bank_answered(ledger, intent, session, confirmed=request.form.get("answer") == "confirm")


def _add_wallets(routes: Blueprint, transact: Transact) -> None:
    @routes.route("/wallet/<intent_id>", methods=["GET", "POST"])
    def wallet(intent_id: str) -> AnyResponse:
        with transact(Cause()) as ledger:
            intent = ledger.look_up(intent_id)
            session = _session_of(ledger, intent)
            if intent is None or intent["status"] != "requires_action" or _at_the_bank(intent):
                return _nothing_to_confirm(session)
            if request.method == "GET":
                return _wallet_page(ledger, intent, session)
            return _wallet_answered(ledger, intent, session, request.form.get("answer", "refuse"))


def _add_code(routes: Blueprint, transact: Transact) -> None:
    """WeChat Pay shows a code to scan; the phone's side of it is the wallet's page."""

    @routes.get("/wallet/<intent_id>/code")
    def code(intent_id: str) -> AnyResponse:
        with transact(Cause()) as ledger:
            intent = ledger.look_up(intent_id)
            session = _session_of(ledger, intent)
            if intent is None or intent["status"] != "requires_action" or _at_the_bank(intent):
                if session is not None and session["status"] == "complete":
                    return redirect(success_url(session), 303)
                return _nothing_to_confirm(session)
            words = words_of(session)
            details = intent["next_action"].get("wechat_pay_display_qr_code", {})
            return page(
                "code.html",
                words,
                picture=details.get("image_data_url"),
                wallet_page=f"{ledger.public_url}/wallet/{intent_id}",
                body=words.code_body.format(amount=amount(intent["amount"], intent["currency"], words)),
                back=session["url"] if session else None,
            )

    @routes.get("/wallet/<intent_id>/code.<extension>")
    def picture(intent_id: str, extension: str) -> AnyResponse:
        with transact(Cause()) as ledger:
            if extension not in PICTURES or ledger.look_up(intent_id) is None:
                return _nothing_to_confirm(None)
            file = BytesIO()
            segno.make(f"{ledger.public_url}/wallet/{intent_id}", error="m").save(file, kind=extension, scale=5)
        return Response(file.getvalue(), mimetype=PICTURES[extension])


def _session_of(ledger: Ledger, intent: JsonObject | None) -> JsonObject | None:
    return payment_intents.session_of(ledger, intent) if intent else None


def _at_the_bank(intent: JsonObject) -> bool:
    return bool(intent["next_action"]["type"] == "redirect_to_url")


def _bank_page(ledger: Ledger, intent: JsonObject, session: JsonObject | None) -> Response:
    words = words_of(session)
    last4 = ledger.find("payment_method", intent["payment_method"])["card"]["last4"]
    if intent["object"] == "setup_intent":
        body = words.bank_keep_body.format(last4=last4)
    else:
        body = words.bank_body.format(amount=amount(intent["amount"], intent["currency"], words), last4=last4)
    back = payments.return_url_of(intent["next_action"])
    return page("bank.html", words, leaves_to=(back, session["url"] if session else None), body=body)


def _bank_answered(ledger: Ledger, intent: JsonObject, session: JsonObject | None, *, confirmed: bool) -> AnyResponse:
    """The person's answer to the bank; then back to the shop, or to the payment page when refused."""
    method = ledger.find("payment_method", intent["payment_method"])
    back = payments.return_url_of(intent["next_action"])
    keeps = intent["object"] == "setup_intent"
    refused = None
    if confirmed:
        try:
            (setup_intents.succeed if keeps else payments.settle)(ledger, intent, method)
        except CardDeclinedError as refusal:
            refused = refusal.body["error"].get("decline_code", refusal.body["error"]["code"])
    else:
        (setup_intents if keeps else payments).fail_authentication(ledger, intent)
        refused = "not_authenticated"
    return _lead_back(ledger, intent, session, back, refused)


def _wallet_page(ledger: Ledger, intent: JsonObject, session: JsonObject | None) -> Response:
    words = words_of(session)
    wallet = words.wallets[ledger.find("payment_method", intent["payment_method"])["type"]]
    return page(
        "wallet.html",
        words,
        leaves_to=(payments.return_url_of(intent["next_action"]), session["url"] if session else None)
        + ((session["success_url"],) if session else ()),
        title=words.wallet_title.format(wallet=wallet),
        body=words.wallet_body.format(amount=amount(intent["amount"], intent["currency"], words), wallet=wallet),
    )


def _wallet_answered(ledger: Ledger, intent: JsonObject, session: JsonObject | None, answer: str) -> AnyResponse:
    """`confirm`: paid now. `later`, `never`: taken on, and the money comes, or stays away. Else refused.

    `refund_fails`: paid now, and a refund of it comes back.
    """
    method = ledger.find("payment_method", intent["payment_method"])
    back = payments.return_url_of(intent["next_action"])
    if answer in {"confirm", "refund_fails"}:
        payments.settle(ledger, intent, method)
        payment_methods.note(ledger, method, refund_fails=answer == "refund_fails")
    elif answer in {"later", "never"}:
        payments.start_processing(ledger, intent, method, comes=answer == "later")
    else:
        payments.fail_authentication(ledger, intent)
        return _lead_back(ledger, intent, session, back, "wallet_refused")
    return _lead_back(ledger, intent, session, back, None)


def _lead_back(
    ledger: Ledger, intent: JsonObject, session: JsonObject | None, back: str | None, refused: str | None
) -> AnyResponse:
    """To the shop, to the payment page of an open session, or nowhere: then a word of thanks."""
    if session is not None and refused is not None:
        return redirect(f"{session['url']}?refused={refused}", 303)
    if session is not None:
        checkout_sessions.complete(ledger, session, paid=intent["status"] != "processing")
        return redirect(success_url(session), 303)
    if back is not None:
        told = {
            intent["object"]: intent["id"],
            f"{intent['object']}_client_secret": intent["client_secret"],
            "redirect_status": REDIRECT_STATUS.get(intent["status"], "failed"),
        }
        return redirect(with_query(back, **told), 303)
    words = words_of(None)
    return page("notice.html", words, title=words.bank_done_title, body=words.bank_done_body)


def _nothing_to_confirm(session: JsonObject | None) -> Response:
    words = words_of(session)
    link = (session["url"] or success_url(session)) if session else None
    return page(
        "notice.html",
        words,
        GONE,
        title=words.bank_over_title,
        body=words.bank_over_body,
        link=link,
        link_text=words.back_to_payment,
    )
