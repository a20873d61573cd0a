"""A believable past: visitors who compared, gave up, were referred or declined, paid and got their policies.

Each goes through the site's own pages under the business clock, pays at the simulator, and waits for the worker like
anybody else. No row is inserted past the services.
"""

import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import cycle
from urllib.parse import urlsplit
from uuid import UUID

from flask import Flask
from sqlalchemy import text

from marketplace.catalog.values import Outcome
from marketplace.correspondence import queries as correspondence
from marketplace.correspondence.values import MessageKind
from marketplace.infra import business_clock
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from marketplace.kernel.dates import add_years
from marketplace.policy import services as policies
from marketplace.quoting import queries as quoting
from sandbox.demo import asking, deciding
from sandbox.demo.loading import ADMIN, CUSTOMER, CUSTOMER_NAME
from sandbox.demo.visitor import DECLINED_CARD, Identity, Visitor

DAYS_BACK = 45
SEED = 20260926
PATIENCE_SECONDS = 60.0
ANSWERED_AFTER = timedelta(hours=1, minutes=20)
ASKED_FROM, ASKED_EVERY = 10, 5
"""From this visit on, one question every so many: most of them within the time that answers are measured over."""

ANSWERS: dict[str, tuple[dict[str, str], ...]] = {
    "term_life": (
        {"age": "34", "sex": "female", "smoker": "no", "sum_insured": "1000000", "term_years": "20",
         "occupation_class": "1", "region": "shanghai"},
        {"age": "41", "sex": "male", "smoker": "yes", "sum_insured": "500000", "term_years": "15",
         "occupation_class": "2", "region": "guangdong"},
        {"age": "29", "sex": "male", "smoker": "no", "sum_insured": "800000", "term_years": "25",
         "occupation_class": "1", "region": "beijing"},
        {"age": "36", "sex": "female", "smoker": "no", "sum_insured": "800000", "term_years": "20",
         "occupation_class": "1", "region": "shanghai", "payment_frequency": "monthly"},
    ),
    "travel": (
        {"zone": "europe", "days": "12", "age": "37", "sports": "no"},
        {"zone": "asia", "days": "6", "age": "28", "sports": "yes"},
        {"zone": "world", "days": "20", "age": "52", "sports": "no"},
    ),
    "household": (
        {"building_area": "92", "building_type": "concrete", "contents_sum": "100000", "let_out": "no",
         "region": "shanghai"},
        {"building_area": "120", "building_type": "brick", "contents_sum": "200000", "let_out": "no",
         "region": "jiangsu"},
    ),
    "hospital": (
        {"age": "31", "social_insurance": "yes", "deductible": "10000", "region": "shanghai"},
        {"age": "45", "social_insurance": "yes", "deductible": "10000", "region": "zhejiang"},
    ),
    "accident": (
        {"age": "33", "occupation_class": "1", "sum_insured": "500000", "region": "shanghai"},
        {"age": "26", "occupation_class": "2", "sum_insured": "200000", "region": "sichuan"},
    ),
}  # fmt: skip

NAMES = (
    "林晓岚", "周子墨", "Grace Morton", "沈嘉宁", "Daniel Reyes", "许知远", "韩若溪", "Amelia Frost",
    "顾言之", "唐雨桐",
    "Peter Lindgren", "陆思齐", "叶清和", "Hannah Osei", "邵文柏", "程念慈", "Tomas Varga", "苏静姝",
    "江望舒", "Elena Brandt",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ending:
    """How far a visitor goes, and how often this happens."""

    name: str
    times: int
    walk: Callable[["Walk"], None]


@dataclass
class Walk:
    """One visitor of the history on the way."""

    app: Flask
    visitor: Visitor
    line: str
    answers: dict[str, str]
    who: Identity
    place: int

    def compare(self) -> list[str]:
        return self.visitor.compare(self.line, self.answers)

    def choose(self) -> str:
        offers = self.compare()
        return offers[self.place % len(offers)]

    def to_people(self, offer: str) -> None:
        self.visitor.enter(offer)
        self.visitor.give_address(self.who.email)
        self.visitor.give_code(self.code())

    def to_review(self, offer: str) -> None:
        self.to_people(offer)
        self.visitor.give_people(self.who)
        self.visitor.answer(self.who)

    def code(self, kind: MessageKind = MessageKind.APPLICATION_CODE) -> str:
        """The code from the newest mail of this kind, once the worker has written it."""

        def newest() -> str | None:
            for mail in correspondence.inbox(recipient=self.who.email):
                if mail.kind is kind and mail.readable:
                    words = correspondence.message_parts(mail.id).text.split()
                    return next(word for word in words if word.isdigit() and len(word) == 6)  # noqa: PLR2004  six digits
            return None

        return wait_for(self.app, newest, "the mail with the code")


def wait_for(app: Flask, look: Callable[[], str | None], what: str) -> str:
    """Look again and again until there is something; a worker that does nothing is said so.

    Each look has an application context of its own: the visitors' requests must not find one, or they would share it.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with app.app_context():
            found = look()
        if found:
            return found
        time.sleep(0.03)
    raise TimeoutError(f"waited {PATIENCE_SECONDS:.0f} s for {what}; does the worker run?")


def worker_is_done() -> str | None:
    """Something, once every job has been done that is due, or was put off for seconds only."""
    due = db.session.execute(
        text(
            "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing') "
            "AND (scheduled_at IS NULL OR scheduled_at <= now() + interval '3 s') AND task_name NOT LIKE 'infra.%'"
        )
    ).scalar_one()
    return "done" if due == 0 else None


# --- how visits end --------------------------------------------------------------------------------------------------


def _looks(walk: Walk) -> None:
    walk.compare()


def _reads_product(walk: Walk) -> None:
    walk.visitor.get(walk.choose())


def _leaves_at_the_door(walk: Walk) -> None:
    walk.visitor.enter(walk.choose())


def _leaves_after_the_code(walk: Walk) -> None:
    walk.to_people(walk.choose())


def _leaves_at_review(walk: Walk) -> None:
    walk.to_review(walk.choose())


def _does_not_pay(walk: Walk) -> None:
    walk.to_review(walk.choose())
    walk.visitor.submit()


def _card_declined(walk: Walk) -> None:
    walk.to_review(walk.choose())
    if walk.visitor.submit() == "pay":
        walk.visitor.pay(DECLINED_CARD)


def buys(walk: Walk) -> None:
    walk.to_review(walk.choose())
    if walk.visitor.submit() == "pay":
        walk.visitor.pay()


def asks_and_buys(walk: Walk) -> None:
    """The same, with a question on the way, which is answered before the declaration."""
    walk.to_review(walk.choose())
    review = walk.visitor.at
    walk.visitor.get(review.replace("/review", "/ask"))
    walk.visitor.post({"words": asking.IN_THE_APPLICATION.asked})
    asking.answer(walk.app, asking.IN_THE_APPLICATION, ADMIN)
    walk.visitor.get(review.replace("/review", "/ask"))
    walk.visitor.get(review)
    if walk.visitor.submit() == "pay":
        walk.visitor.pay()


def _asks(walk: Walk, said: asking.Exchange, back: timedelta) -> None:
    """A visitor asks about a product, and is answered some of the time later."""
    walk.line, walk.answers = said.line, ANSWERS[said.line][0]
    asking.ask(walk.visitor, walk.choose(), said, walk.who.email)
    walk.visitor.post({"code": walk.code(MessageKind.CONSULTATION_CODE)})
    walk.visitor.expect("/account/questions/")
    _set_clock(walk.app, ANSWERED_AFTER - back)
    asking.answer(walk.app, said, ADMIN)


def _answers_yes(walk: Walk, outcome: Outcome) -> None:
    """Apply for the first product that asks a question with this outcome, and say yes to it."""
    for offer in walk.compare():
        with walk.app.app_context():
            content = quoting.offer(UUID(urlsplit(offer).path.rsplit("/", 1)[1])).version.content
        asked = [place for place, question in enumerate(content.questions) if question.on_yes is outcome]
        if asked:
            walk.who = replace(walk.who, yes_to=frozenset(asked[:1]))
            walk.to_review(offer)
            walk.visitor.submit()
            return


def _is_referred(walk: Walk) -> None:
    _answers_yes(walk, Outcome.REFER)


def _is_asked(walk: Walk) -> None:
    """Referred; the underwriter wants to know more, and the applicant has not answered yet."""
    _is_referred(walk)
    deciding.ask(walk.app, _application_of(walk))


def _takes_other_terms(walk: Walk) -> None:
    """Referred, asked, answered, and accepted with an extra premium, which the applicant agrees to and pays."""
    _is_asked(walk)
    application_id = _application_of(walk)
    resume = f"/application/{application_id}"
    walk.visitor.get(resume)
    walk.visitor.post({"answer": deciding.ANSWER[walk.visitor.locale]})
    deciding.offer_other_terms(walk.app, application_id)
    walk.visitor.get(resume)
    walk.visitor.post({"agree": "yes"})
    walk.visitor.expect("/pay$")
    walk.visitor.pay()


def _application_of(walk: Walk) -> UUID:
    walk.visitor.expect("/ended$")
    return UUID(urlsplit(walk.visitor.at).path.split("/")[2])


def _is_declined(walk: Walk) -> None:
    _answers_yes(walk, Outcome.DECLINE)


def _end_contracts(bought: list[Walk]) -> None:
    """Of those who bought, one withdraws, and one ends a contract early whose days of cooling-off are over: rather one
    for a year, of which something goes back.
    """
    for way in ("withdraw", "end"):
        for walk in sorted(bought, key=lambda each: each.line == "term_life"):
            pages = re.findall(r'href="(/policies/[0-9a-f-]{36})"', walk.visitor.get("/account"))
            if pages and f"{pages[0]}/{way}" in walk.visitor.get(pages[0]):
                walk.visitor.get(f"{pages[0]}/{way}")
                walk.visitor.post({})
                walk.visitor.expect(f"{pages[0]}$")
                bought.remove(walk)
                break


ENDINGS = (
    Ending("looks at a comparison", 6, _looks),
    Ending("reads a product", 3, _reads_product),
    Ending("leaves at the entry page", 2, _leaves_at_the_door),
    Ending("leaves after the code", 2, _leaves_after_the_code),
    Ending("leaves at the review", 2, _leaves_at_review),
    Ending("is accepted and does not pay", 2, _does_not_pay),
    Ending("has the card declined", 1, _card_declined),
    Ending("is referred", 2, _is_referred),
    Ending("is referred and asked", 1, _is_asked),
    Ending("is referred and takes other terms", 1, _takes_other_terms),
    Ending("is declined", 2, _is_declined),
    Ending("buys", 12, buys),
)
PERSONAL_ONLY = {_is_referred, _is_asked, _takes_other_terms, _is_declined}


def begin(app: Flask) -> None:
    """Set the business clock to where the past begins, so that what visitors will compare is put on sale before them:
    nothing is ever sold backdated.
    """
    _set_clock(app, -timedelta(days=DAYS_BACK + 1))


def live(app: Flask) -> int:
    """Live the history, day by day, from `DAYS_BACK` days ago to now; how many visits it held. The last one is
    referred, so that somebody waits at a desk whose time is not over.
    """
    chosen = random.Random(SEED)  # noqa: S311  a story, not a secret
    visits = [ending for ending in ENDINGS for _ in range(ending.times)]
    chosen.shuffle(visits)
    visits.append(visits.pop(next(place for place, each in enumerate(visits) if each.walk is _is_referred)))
    walks = _walks(app, chosen)
    questions = iter(asking.QUESTIONS)
    first_purchase = next(number for number, ending in enumerate(visits) if ending.walk is buys)
    bought: list[Walk] = []
    for number, ending in enumerate(visits):
        back = timedelta(days=DAYS_BACK * (1 - number / len(visits)))
        _set_clock(app, -back)
        walk = next(walks)
        while ending.walk in PERSONAL_ONLY and walk.line not in {"term_life", "hospital"}:
            walk = next(walks)
        if number == first_purchase:  # so that the customer whose account is printed finds a policy there
            walk.who = replace(walk.who, name=CUSTOMER_NAME, email=CUSTOMER)
        (asks_and_buys if number == first_purchase else ending.walk)(walk)
        if ending.walk is buys and number != first_purchase:
            bought.append(walk)
        if number >= ASKED_FROM and number % ASKED_EVERY == 0 and (said := next(questions, None)) is not None:
            _asks(next(walks), said, back)
        wait_for(app, worker_is_done, "the worker")
    _set_clock(app, timedelta())
    _end_contracts(bought)
    wait_for(app, worker_is_done, "the worker")
    with app.app_context():
        for _ in policies.end_expired():  # not only within the hour: short trips are over when the history is
            db.session.commit()
    return len(visits)


def _set_clock(app: Flask, offset: timedelta) -> None:
    with app.app_context():
        business_clock.move_to_offset(offset)
        db.session.commit()


def _walks(app: Flask, chosen: random.Random) -> Iterator[Walk]:
    names = cycle(NAMES)
    for place, line in enumerate(cycle(ANSWERS)):
        answers = chosen.choice(ANSWERS[line])
        name = next(names)
        born_on = _born(int(answers.get("age", "40")))
        locale = "en" if name.isascii() else "zh_Hans_CN"
        client = app.test_client()
        # Addresses kept for documentation (RFC 5737), so that limits count each visitor apart.
        client.environ_base["REMOTE_ADDR"] = f"198.51.100.{place % 254 + 1}"
        who = Identity(name, born_on, f"visitor{place + 1}@mail.example", sex=answers.get("sex", "female"))
        yield Walk(app, Visitor(client, locale), line, answers, who, place)


def _born(age: int) -> date:
    """A date of birth that gives this age now and for some months."""
    return add_years(clock.today(ZONE), -age) - timedelta(days=120)
