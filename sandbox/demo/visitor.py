"""A customer at a browser without script: fills in the forms that the pages show, nothing else.

Drives the site through its own pages, so the demonstration's history and the tests go the way a person goes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from html import unescape
from urllib.parse import urlsplit

import requests
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from marketplace.infra.identity.demonstration import specimen_number

GOOD_CARD = "4242424242424242"
DECLINED_CARD = "4000000000000002"
PATIENCE_SECONDS = 15
FOLLOWED = 8
CONFIRMED = ("client_notice", "privacy_notice", "notice", "health_consent")
"""Boxes by which one confirms to have read something, or consents; those of a page with one box aside."""
SUITS = {"covered_already": "no", "costs_too_much": "no", "meant_for_me": "yes"}


class LostError(Exception):
    """The page is not the one the visitor expected. The text says which it was."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who applies. `answers` are given to the questions in their order; those not named are "no"."""

    name: str
    born_on: date
    email: str
    yes_to: frozenset[int] = frozenset()
    sex: str = "female"


@dataclass
class Visitor:
    """One browser. `at` is the path of the page shown, `text` its HTML."""

    client: FlaskClient
    locale: str = "en"
    at: str = "/"
    text: str = ""
    status: int = 0
    _hosted: requests.Session = field(default_factory=requests.Session)

    def get(self, path: str) -> str:
        return self._show(self.client.get(path, headers=self._headers()))

    def post(self, fields: Mapping[str, str], path: str | None = None) -> str:
        """Send the main form of the page with its hidden fields."""
        data = hidden_fields(self.text) | dict(fields)
        return self._show(self.client.post(path or self.at, data=data, headers=self._headers()))

    def _headers(self) -> dict[str, str]:
        return {"Accept-Language": "zh-CN" if self.locale.startswith("zh") else "en"}

    def _show(self, response: TestResponse) -> str:
        """Follow redirects inside the site; one that leaves it is where the page now is."""
        for _ in range(FOLLOWED):
            self.at, self.status = response.request.full_path.rstrip("?"), response.status_code
            if not 300 <= response.status_code < 400:  # noqa: PLR2004  HTTP redirects
                self.text = response.get_data(as_text=True)
                return self.text
            target = response.headers["Location"]
            if urlsplit(target).netloc:
                self.at, self.text = target, ""
                return ""
            response = self.client.get(target, headers=self._headers())
        raise LostError(f"too many redirects at {self.at}")

    def expect(self, ending: str) -> None:
        """The page shown must be at a path that ends so."""
        if not re.search(ending, urlsplit(self.at).path):
            raise LostError(f"expected {ending}, is at {self.at} ({self.status}): {words(self.text)[:400]}")

    # --- the road of a purchase ---------------------------------------------------------------------------------

    def compare(self, line: str, answers: Mapping[str, str]) -> list[str]:
        """Ask for offers; the paths of the products offered, in their order."""
        self.get(f"/compare/{line}")
        start = re.search(r'name="start_on"[^>]*value="([^"]+)"', self.text)
        self.post(({"start_on": start[1]} if start else {}) | dict(answers))
        self.expect(f"/compare/{line}/[A-Z]-")
        return list(dict.fromkeys(re.findall(r'href="(/offers/[0-9a-f-]+)"', self.text)))

    def enter(self, offer: str) -> None:
        """Look at the product, then pass the entry page."""
        self.get(offer)
        self.get(offer.replace("/offers/", "/apply/"))
        self.pass_entry()

    def pass_entry(self) -> None:
        """Confirm the notices of the entry page; whose address is proven is asked next whether it suits."""
        self.post(ticked(self.text))
        self.tell_needs()
        self.expect("/email$|/people$")

    def give_address(self, email: str) -> None:
        """Type the address; the code goes there unless it is this browser's own account."""
        self.post({"email": email})
        self.tell_needs()
        self.expect("/code$|/people$")

    def give_code(self, code: str) -> None:
        self.post({"code": code})
        self.tell_needs()
        self.expect("/people$")

    def tell_needs(self) -> None:
        """Where it is asked whether the insurance suits: that it does. Where something speaks against it all the same,
        go on of one's own will.
        """
        if urlsplit(self.at).path.endswith("/needs") and 'type="radio"' in self.text:
            self.post({name: answer for name, answer in SUITS.items() if f'name="{name}"' in self.text})
        if urlsplit(self.at).path.endswith("/needs"):
            self.post({"own_will": "yes"})

    def give_people(self, who: Identity) -> None:
        fields = {"applicant_name": who.name, "applicant_birth_on": who.born_on.isoformat()}
        if 'name="relationship"' in self.text:
            fields["relationship"] = "self"
        self.post(fields)
        age = re.search(r'name="new_age" value="(\d+)"', self.text)
        if age:
            self.post(fields | {"new_age": age[1]})
        self.expect("/identity$|/questions$|/documents")

    def prove(self, who: Identity) -> None:
        """Show a document."""
        self.post({"kind": "resident_card", "name": who.name, "number": specimen_number(who.born_on, who.sex)})
        if self.at.endswith("/identity"):
            raise LostError(f"not proven: {words(self.text)[:400]}")

    def answer(self, who: Identity) -> None:
        """Prove who one is where that is asked, answer every question, then read and confirm every document and the
        exclusions, each on its own page.
        """
        if self.at.endswith("/identity"):
            self.prove(who)
        if self.at.endswith("/questions"):
            asked = list(dict.fromkeys(re.findall(r'<input type="radio" name="([^"]+)"', self.text)))
            answers = {name: "yes" if place in who.yes_to else "no" for place, name in enumerate(asked)}
            self.post(ticked(self.text) | answers)
        while "/documents" in self.at or self.at.endswith("/exclusions"):
            before = self.at
            self.post({"confirm": "yes"})
            if self.at == before:
                raise LostError(f"stuck at {before}: {words(self.text)[:300]}")
        self.expect("/review$")

    def submit(self) -> str:
        """Declare and submit; where that led: `pay` or `ended`."""
        self.post({"declare": "yes"})
        self.expect("/(pay|ended)$")
        return urlsplit(self.at).path.rsplit("/", 1)[1]

    def pay(self, card: str = GOOD_CARD) -> bool:
        """From our payment page to the hosted one and back; whether the card was taken."""
        back = self.give_card(card)
        if back is None:
            return False
        self.get(back)
        return True

    def give_card(self, card: str = GOOD_CARD) -> str | None:
        """From our payment page to the hosted one; where that leads once it has the money, None if it took no card."""
        if urlsplit(self.at).path.endswith("/pay"):
            self.post({})
        form = {"email": "somebody@example.com", "number": card, "expiry": "12/34", "cvc": "123", "name": ""}
        answer = self._hosted.post(self.at, data=form, allow_redirects=False, timeout=PATIENCE_SECONDS)
        if answer.status_code != 303:  # noqa: PLR2004  the hosted page leads back only after a payment
            return None
        parts = urlsplit(answer.headers["Location"])
        return f"{parts.path}?{parts.query}".rstrip("?")


def hidden_fields(text: str) -> dict[str, str]:
    """The hidden fields of the page's main form, as a browser would send them."""
    main = text.split("<main", 1)[-1].split("</main>", 1)[0]
    form = main.rsplit("<form", 1)[-1]
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
    return {name: unescape(value) for name, value in found}


def ticked(text: str) -> dict[str, str]:
    """The boxes of a page, ticked: that one has read what it says, and consents where one is asked to."""
    return {name: "yes" for name in CONFIRMED if f'name="{name}"' in text}


def words(text: str) -> str:
    """The words of a page, for messages."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text.split("<main", 1)[-1])).strip()
