"""A neighbour is away for a while and customers go on buying: nothing is lost, and afterwards all is made good."""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from marketplace.infra import signing
from marketplace.infra.storage.folder import Folder
from marketplace.infra.timestamping import StampUnavailable
from marketplace.kernel import clock
from tests.faults.shop import Purchase, Shop

Patch = pytest.MonkeyPatch
JOBS = 40
"""More than two purchases have; by a clock that stands still, what waits for its moment would be due for ever."""
AWAY = {"path": "/v1/*", "method": "*", "how": "cut", "times": 100_000}


@contextmanager
def the_provider(shop: Shop, _patch: Patch) -> Iterator[None]:
    shop.simulator.switch(fail_next=[AWAY])
    yield
    shop.simulator.switch()


@contextmanager
def the_mail_server(shop: Shop, _patch: Patch) -> Iterator[None]:
    shop.mailbox.answers += ["451 not now"] * 1000
    yield
    shop.mailbox.answers.clear()


@contextmanager
def the_time_stamps(_shop: Shop, patch: Patch) -> Iterator[None]:
    def away(*_told: Any, **_more: Any) -> bytes:
        raise StampUnavailable

    with patch.context() as inside:
        inside.setattr(signing.Sealer, "seal", away)
        yield


@contextmanager
def the_disk(_shop: Shop, patch: Patch) -> Iterator[None]:
    """It is full."""

    def full(*_told: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with patch.context() as inside:
        inside.setattr(Folder, "_write", full)
        yield


@contextmanager
def the_clock(shop: Shop, _patch: Patch, by: timedelta) -> Iterator[None]:
    """Ours is wrong by more than a signature of the provider may be old."""
    with clock.frozen(clock.now() + by):
        yield


def ahead(shop: Shop, patch: Patch) -> Any:
    return the_clock(shop, patch, timedelta(hours=2))


def behind(shop: Shop, patch: Patch) -> Any:
    return the_clock(shop, patch, timedelta(hours=-2))


def worked_on(shop: Shop) -> None:
    """Whatever can be done now is tried."""
    shop.collect()
    for delivery in list(shop.undelivered):
        shop.hear(delivery)
    shop.look_after()
    shop.rescue()
    for _ in range(JOBS):
        shop.work()
    shop.sequence()


def people(shop: Shop) -> list[Purchase]:
    return [shop.apply(), shop.apply()]


@pytest.mark.parametrize("away", [the_provider, the_mail_server, the_time_stamps, the_disk, ahead, behind])
@pytest.mark.requirement("T26-33")
def test_what_could_not_be_done_meanwhile_is_done_afterwards(
    shop: Shop, monkeypatch: Patch, away: Callable[[Shop, Patch], Any]
) -> None:
    both = concluded, given_back = people(shop)
    for each in both:
        shop.go_to_pay(each)
    shop.void(given_back)
    for each in both:
        shop.pay(each)
    with away(shop, monkeypatch):
        for each in both:
            shop.come_back(each)
        worked_on(shop)
        assert shop.violations() == []
    assert shop.violations_at_rest() == []
    assert [shop.outcome(each) for each in (concluded, given_back)] == ["issued", "refunded"]


def test_a_failure_of_a_refund_that_the_provider_replays_is_passed_by_under_another_key(shop: Shop) -> None:
    """A stored 500 comes again under its key for a day; after three of them it is looked up, and sent once."""
    shop.go_to_pay(who := shop.apply())
    shop.void(who)
    shop.pay(who)
    shop.simulator.switch(fail_next=[{"path": "/v1/refunds", "when": "stored", "status": 500}])
    worked_on(shop)
    assert shop.violations() == []
    assert shop.outcome(who) == "not_issuable"
    for minutes in (2, 4, 6, 8):
        with clock.frozen(clock.now() + timedelta(minutes=minutes)):
            worked_on(shop)
    assert shop.outcome(who) == "refunded"
    assert shop.violations_at_rest() == []
