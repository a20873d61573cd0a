"""Everything that may happen to a purchase, in any order: Hypothesis looks for one that breaks the books.

Customers come, pay, come back, or leave; the provider's words come early, late, twice or never; each process dies at
any of its moments. After each step everything holds that must hold at every moment, and in the end, when all has come
to rest, everybody who paid has exactly one policy or exactly one refund.

`EXAMPLES` says how many orders are tried, `SEED` where Hypothesis begins: with both the same ones are tried again. What
it finds is shrunk, and printed as steps.
"""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.faults.shop import After, Purchase, Shop
from tests.simulator_server import DECLINED_CARD, GOOD_CARD

EXAMPLES = int(os.environ.get("EXAMPLES", "10"))
SEED = int(os.environ.get("SEED", "7"))
STEPS = 20
FAILURES: list[dict[str, Any]] = [
    {"path": "/v1/checkout/sessions", "how": "cut", "when": "after", "times": 3},
    {"path": "/v1/checkout/sessions", "status": 500, "times": 3},
    {"path": "/v1/checkout/sessions/*", "method": "GET", "status": 503, "times": 3},
    {"path": "/v1/refunds", "how": "cut", "when": "after", "times": 3},
    {"path": "/v1/refunds", "status": 500, "when": "before", "times": 3},
    {"path": "/v1/transfers*", "how": "cut", "when": "after", "times": 3},
    {"path": "/v1/transfers*", "status": 500, "when": "before", "times": 3},
    {"path": "/v1/*", "method": "*", "status": 429, "times": 2},
]
MOMENTS = st.integers(1, 45)
"""At which of those that are reached a process dies; most processes end before the later ones."""


class Buying(RuleBasedStateMachine):
    """`shop` is begun anew for each order that is tried."""

    purchases = Bundle("purchases")

    def __init__(self, shop: Shop) -> None:
        super().__init__()
        self.shop = shop
        shop.begin_anew()

    @initialize(target=purchases)
    def somebody_pays(self) -> Purchase:
        self.shop.go_to_pay(who := self.shop.apply())
        self.shop.pay(who)
        return who

    @rule(target=purchases, moment=st.integers(0, 12))
    def another_comes_and_the_site_dies(self, moment: int) -> Purchase:
        who = self.shop.apply()
        with self.shop.fuse(After(moment)):
            self.shop.go_to_pay(who)
        return who

    @rule(who=purchases, void=st.booleans(), card=st.sampled_from([GOOD_CARD, GOOD_CARD, DECLINED_CARD]))
    def go_and_pay(self, *, who: Purchase, void: bool, card: str) -> None:
        """What is paid for may be void a moment before: then the money is to go back."""
        self.shop.go_to_pay(who)
        if void:
            self.shop.void(who)
        self.shop.pay(who, card)

    @rule(who=purchases, moment=st.integers(0, 12))
    def come_back(self, who: Purchase, moment: int) -> None:
        with self.shop.fuse(After(moment)):
            self.shop.come_back(who)

    @rule(who=purchases)
    def the_order_lapses(self, who: Purchase) -> None:
        self.shop.lapse(who)

    @rule()
    def nobody_can_withdraw_any_more(self) -> None:
        self.shop.cool_off()

    @rule(who=purchases, moment=st.integers(0, 12))
    def a_part_goes_back(self, who: Purchase, moment: int) -> None:
        with self.shop.fuse(After(moment)):
            self.shop.give_part_back(who)

    @rule(data=st.data(), moment=st.integers(0, 10))
    def the_provider_says_something(self, data: st.DataObject, moment: int) -> None:
        """New or again."""
        self.shop.collect()
        if said := self.shop.undelivered + self.shop.heard:
            with self.shop.fuse(After(moment)):
                self.shop.hear(data.draw(st.sampled_from(said)))

    @rule(data=st.data())
    def a_word_is_lost(self, data: st.DataObject) -> None:
        self.shop.collect()
        if self.shop.undelivered:
            self.shop.undelivered.remove(data.draw(st.sampled_from(self.shop.undelivered)))

    @precondition(lambda self: not self.shop.simulator.simulator.faults.switches.fail_next)
    @rule(failure=st.sampled_from(FAILURES))
    def the_provider_will_fail(self, failure: dict[str, Any]) -> None:
        self.shop.simulator.switch(fail_next=[failure])

    @precondition(lambda self: self.shop.left())
    @rule(moment=MOMENTS)
    def all_jobs_and_the_worker_dies(self, moment: int) -> None:
        with self.shop.fuse(After(moment)):
            self.shop.drain()

    @rule()
    def a_new_worker(self) -> None:
        self.shop.rescue()

    @rule(moment=st.integers(0, 12))
    def somebody_looks_after(self, moment: int) -> None:
        with self.shop.fuse(After(moment)):
            self.shop.look_after()

    @rule(moment=st.integers(0, 8))
    def the_log_is_kept(self, moment: int) -> None:
        with self.shop.fuse(After(moment)):
            self.shop.sequence()

    @invariant()
    def nothing_is_broken(self) -> None:
        assert self.shop.violations() == []

    def teardown(self) -> None:
        assert self.shop.violations_at_rest() == []


def try_orders(shop: Shop, examples: int = EXAMPLES) -> None:
    """Raises AssertionError, with the steps printed, where one of them breaks the books."""
    terms = settings(
        max_examples=examples, stateful_step_count=STEPS, deadline=None, database=None, print_blob=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(seed(SEED)(lambda: Buying(shop)), settings=terms)


@pytest.mark.timeout(120 + 15 * EXAMPLES)
@pytest.mark.requirement("T26-33")
def test_in_whatever_order_it_comes_nothing_is_lost_or_doubled(shop: Shop) -> None:
    try_orders(shop)
