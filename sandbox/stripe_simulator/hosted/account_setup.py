"""Where the people of a connected account give what is asked of them. One click here; nothing is kept."""

import hmac

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.stripe_simulator.api import Transact
from sandbox.stripe_simulator.hosted.frame import page, words_of
from sandbox.stripe_simulator.ledger import Cause
from sandbox.stripe_simulator.resources import accounts


def add_pages(routes: Blueprint, transact: Transact) -> None:
    @routes.route("/setup/<account_id>/<token>", methods=["GET", "POST"])
    def account_setup(account_id: str, token: str) -> AnyResponse:
        """A link is good once and for five minutes; after that the platform is asked for another one."""
        words = words_of(None)
        with transact(Cause()) as ledger:
            account = ledger.look_up(account_id)
            link = ledger.records.private(account_id)
            if account is None or not link or not hmac.compare_digest(link.get("token", ""), token):
                return page("notice.html", words, 404, title=words.unknown_title, body=words.unknown_body)
            if link["expires_at"] <= ledger.now or (request.method == "GET" and link.get("opened")):
                return redirect(link["refresh_url"], 303)
            if request.method == "GET":
                ledger.records.save_private(account_id, link | {"opened": True})
                body = words.setup_body.format(
                    name=account["business_profile"]["name"] or account["email"] or account_id
                )
                leaves = (link["return_url"], link["refresh_url"])
                return page("account_setup.html", words, leaves_to=leaves, body=body)
            ledger.records.save_private(account_id, {})
            if request.form.get("answer") == "finish":
                accounts.onboard(ledger, account)
            return redirect(link["return_url"], 303)
