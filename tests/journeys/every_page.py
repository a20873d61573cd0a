"""A walk past every page of the site, in the states that show it, keeping each as it was sent.

In process, by visitors who fill in the forms they are shown: what a walk keeps can be looked at in a browser at any
width, as often as needed, without the site.
"""

from datetime import timedelta

from flask import Flask, make_response

from marketplace.kernel import clock
from marketplace.web import error_pages
from tests.journeys.kept import NOWHERE, Seen, keeping
from tests.journeys.visits.accounts import Accounts
from tests.journeys.visits.buying import Buying
from tests.journeys.visits.comparing import Comparing
from tests.journeys.visits.insurers import Insurers
from tests.journeys.visits.offices import Offices
from tests.simulator_server import SimulatorServer
from tests.web.conftest import open_shop

STATUSES = (400, 403, 404, 405, 409, 410, 413, 415, 422, 429, 500, 503)


class Walk(Buying, Comparing, Accounts, Offices, Insurers):
    """The visits of one language, each where the next one needs it."""

    def all(self) -> None:
        self.storefront()
        self.buying()
        self.turned_away()
        self.for_another()
        self.every_line()
        self.planning()
        self.published_rates()
        self.policies()
        self.account()
        self.consultation()
        self.notices()
        self.own_data()
        self.second_step()
        self.compliance()
        self.sales_log()
        self.insurer_desk()
        self.catalog_road()
        self.insurers()
        self.joining()
        self.inbox()
        self.errors()
        self.expired()

    def errors(self) -> None:
        """The page of every status we answer with, also those that no visit meets on demand."""
        headers = {"Accept-Language": "zh-CN" if self.locale.startswith("zh") else "en"}
        for status in STATUSES:
            with self.shop.test_request_context(f"/status/{status}", headers=headers):
                self.shop.preprocess_request()
                body = error_pages.page(status, "", resume="/application/x", again="/compare/term_life")
                response = self.shop.process_response(make_response(body))
            sent = tuple(response.headers)
            self.kept.append(Seen(NOWHERE, f"/status/{status}", self.locale, status, sent, response.get_data()))


def every_page(app: Flask, simulator: SimulatorServer, locale: str) -> list[Seen]:
    """All that one walk in a language is sent. Leaves rows behind in every table."""
    with open_shop(app, simulator), keeping(app, locale) as kept:
        Walk(app, locale, kept).all()
    clock.set_business_offset(timedelta())
    return kept
