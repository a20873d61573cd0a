"""Many purchases while everything dies and the provider lies: afterwards all that must hold of the books holds.

Customers buy one after the other, several at a time; some are declined first, some pay and never come back, some pay
for what cannot be had any more, some when the time of their order is over. Their insurer gets its shares, and of some a
part goes back. Meanwhile site, worker, sequencer, database
and mail server are killed, the programs die of themselves at their moments, and the provider fails, cuts off, loses,
doubles, delays and disorders its words.

`PURCHASES` says how many (`make soak` a thousand), `KILLS` how often something is killed, `SEED` what chance does:
the habits of each customer, what is killed in which order and after how long, what the provider does in which order,
and at which moments a process of a given number dies. When each of these happens is the machine's to say, so a seed
repeats the same blows and not the same run: a failing one is tried again some times, or its failure is looked for by
`test_any_order.py`, which repeats its orders. FIGURES names a file for the figures, as one line of JSON.
"""

import json
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pytest

from config import Settings
from sandbox.stripe_simulator import outbox
from sandbox.stripe_simulator.faults import Failure, Switches
from tests.faults.dying import MOMENTS, Dying
from tests.faults.house import House, a_house, hold_each_act_once, hold_nothing_crosses, hold_one_tree
from tests.faults.mailbox import mails
from tests.faults.people import Customer, Habits

PURCHASES = int(os.environ.get("PURCHASES", "60"))
KILLS = int(os.environ.get("KILLS", str(max(12, PURCHASES // 20))))
SEED = int(os.environ.get("SEED", "7"))
DEATHS = max(2, PURCHASES // 40)
CUSTOMERS = 12
API = ("/v1/checkout/sessions", "/v1/checkout/sessions/*", "/v1/refunds*", "/v1/*")
HOWS: list[dict[str, Any]] = [
    {"how": "answer", "status": 500, "when": "before"},
    {"how": "answer", "status": 503, "when": "after"},
    {"how": "answer", "status": 429, "when": "before"},
    {"how": "cut", "when": "before"},
    {"how": "cut", "when": "after"},
    {"how": "slow", "seconds": 0.5, "when": "before"},
]


def habits(chance: random.Random) -> Habits:
    found = Habits.NONE
    for habit, part in ((Habits.DECLINED, 0.15), (Habits.LEAVES, 0.15), (Habits.VOID, 0.15), (Habits.LATE, 0.1)):
        if chance.random() < part:
            found |= habit
    return found


def a_lie(chance: random.Random) -> Switches:
    """What the provider does for a moment."""
    failures = tuple(
        Failure(path=chance.choice(API), method="*", times=chance.randint(1, 4), **chance.choice(HOWS))
        for _ in range(chance.randint(0, 2))
    )
    return Switches(
        drop_webhooks=chance.random() < 0.25,
        duplicate_webhooks=chance.random() < 0.4,
        delay_webhooks=chance.choice([0.0, 0.0, 0.5, 3.0]),
        reorder_webhooks=chance.random() < 0.3,
        stale_signatures=chance.random() < 0.1,
        fail_next=failures,
    )


@contextmanager
def lies(house: House, give_back: Callable[[], None]) -> Iterator[None]:
    """All the while, one after the other; the clock strikes now and then, and time to withdraw is over. In the end the
    provider is true.
    """
    chance, over = random.Random(f"{SEED} lies"), threading.Event()  # noqa: S311  the same each time

    def lie() -> None:
        while not over.wait(chance.uniform(0.3, 2)):
            house.simulator.simulator.faults.set(a_lie(chance))
            if chance.random() < 0.15:
                house.cool_off()
                house.strike()
            if chance.random() < 0.15:
                give_back()

    thread = threading.Thread(target=lie, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        house.simulator.simulator.faults.set(Switches())


def kill(house: House, people: list[Customer], buying: list[Future[None]]) -> Counter[str]:
    """Spread over all purchases. By the thread that began the house: a database ends with the thread that began it."""
    chance, done = random.Random(f"{SEED} kills"), Counter[str]()  # noqa: S311  the same each time
    for kind in islice(cycle(house.kinds), KILLS):
        wanted = PURCHASES * done.total() / (KILLS + 1)
        while sum(each.done for each in people) < wanted and not all(each.done() for each in buying):
            threading.Event().wait(0.1)
        threading.Event().wait(chance.uniform(0, 1))
        house.kinds[kind](chance)
        done[kind] += 1
    return done


def doubled(house: House) -> dict[str, int]:
    """Of the provider's words, how many were lost on purpose, came twice, or were refused at first."""
    with house.simulator.simulator.store.transaction() as books:
        twice, again = books.sql.execute(
            "SELECT (SELECT count(*) FROM (SELECT event_id FROM delivery GROUP BY event_id HAVING count(*) > 1)),"
            " (SELECT count(*) FROM delivery WHERE attempts > 1)"
        ).fetchone()
        return {
            "webhooks_lost": outbox.backlog(books).get("lost", 0),
            "webhooks_doubled": twice,
            "webhooks_tried_again": again,
        }


@pytest.mark.timeout(1800 + 12 * PURCHASES)
@pytest.mark.requirement("T26-33", "T26-41", "O13-43")
def test_whatever_dies_whoever_paid_has_one_policy_or_one_refund(settings: Settings, tmp_path: Path) -> None:
    begun = time.monotonic()
    dying = Dying.begin(tmp_path / "dying", SEED, DEATHS)
    people: list[Customer] = []

    def buy(customer: Customer) -> None:
        customer.buy()
        dying.goes_on(sum(each.done for each in people) / PURCHASES)

    with a_house(settings, tmp_path, dying) as house:
        people += [
            house.customer(number, habits(random.Random(f"{SEED} {number}")))  # noqa: S311  the same each time
            for number in range(PURCHASES)
        ]
        with house.refund_desk() as give_back, lies(house, give_back), ThreadPoolExecutor(CUSTOMERS) as pool:
            buying = [pool.submit(buy, each) for each in people]
            killed = kill(house, people, buying)
            for each in buying:
                each.result()
        dying.calm()
        bought = time.monotonic()
        house.wait(house.is_ready, "the site")
        books = house.at_rest(600 + PURCHASES)
        leaves = house.leaves(int(books["checkpoints"][-1].split("\n")[1]))
        figures = doubled(house)
        sent = list(mails(house.mails))
    deaths = dying.deaths()
    states = Counter(order["state"] for order in books["orders"])
    figures = {
        "purchases": len(people), "seed": SEED, "kills": killed.total(), "killed": dict(killed),
        "deaths": deaths.total(), "moments": len(deaths), "fewest_deaths": min(deaths[point.name] for point in MOMENTS),
        "moments_of_20_deaths": sum(number >= 20 for number in deaths.values()),
        **figures, "policies": len(books["policies"]), "orders": dict(states), "mails": len(sent),
        "mails_again": len(sent) - len(set(sent)), "buying_seconds": round(bought - begun),
        "seconds": round(time.monotonic() - begun), "violations": len(books["violations"]),
    }  # fmt: skip
    sys.stdout.write(f"{dict(deaths)}\n{books['violations']}\n")
    Path(os.environ.get("FIGURES", os.devnull)).write_text(json.dumps(figures) + "\n")
    assert books["violations"] == []
    assert all(each.done for each in people)
    assert killed.total() >= KILLS
    hold_one_tree(leaves, books["checkpoints"], house.checkpoints, house.keys.signer().verifier)
    hold_each_act_once(books, people)
    hold_nothing_crosses(books, people)
