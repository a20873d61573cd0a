"""The demonstration's insurers open their accounts at Stripe's simulator, as their administrators would."""

from collections.abc import Iterable

import requests

from marketplace.accounts import queries
from marketplace.accounts import services as accounts
from marketplace.accounts.values import PayeeState
from marketplace.infra.db import db
from marketplace.infra.letterhead import letterhead
from sandbox.demo.loading import Desk

COUNTRY = "HK"
PATIENCE_SECONDS = 20


def link(desks: Iterable[Desk]) -> None:
    """Each insurer's account, opened and set up on the hosted page. One that works already is left alone."""
    page = f"{letterhead().public_url}/insurer/payee"
    for desk in desks:
        known = queries.payee(desk.insurer.id)
        if known is not None and known.state is PayeeState.READY:
            continue
        payee = accounts.begin_payee(desk.staff, COUNTRY)
        db.session.commit()
        hosted = accounts.open_payee(desk.insurer.id, page, f"{page}/returned")
        db.session.commit()
        _give_everything(hosted)
        accounts.refresh_payee(payee.id)
        db.session.commit()


def _give_everything(hosted: str) -> None:
    """What somebody of the insurer does on the hosted page."""
    requests.get(hosted, timeout=PATIENCE_SECONDS).raise_for_status()
    given = {"answer": "finish"}
    requests.post(hosted, data=given, timeout=PATIENCE_SECONDS, allow_redirects=False).raise_for_status()
