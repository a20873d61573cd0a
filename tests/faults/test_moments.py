"""At each of its moments a process dies, once: whoever paid has one policy or all of the money back, and everything
that must hold of the books does. Every moment is one that a purchase reaches, but those of later premiums.
"""

import pytest

from marketplace.infra.failpoints import At
from tests.faults.dying import MOMENTS
from tests.faults.shop import OnceEach, Purchase, Shop


def go_all_ways(shop: Shop) -> list[Purchase]:
    """One customer gets a policy, one the money back, a third does not pay and the order lapses. The insurer has its
    share, and a part of it goes back. Each tries as often as it takes; what is left then is found by whoever looks
    after it.
    """
    people = [shop.apply() for _ in range(3)]
    concluded, given_back, lapsed = people
    for _ in range(len(At)):
        for each in people:
            if each.page is None:
                shop.go_to_pay(each)
        shop.look_after()
        shop.sequence()
    shop.void(given_back)
    for each in (concluded, given_back):
        shop.pay(each)
        shop.come_back(each)
    shop.lapse(lapsed)
    shop.come_to_rest()
    shop.cool_off()
    shop.come_to_rest()
    for _ in At:
        shop.give_part_back(concluded)
    return people


@pytest.mark.parametrize("hit", [1, 2])
@pytest.mark.requirement("T26-33")
def test_a_process_dies_at_every_moment_and_nothing_is_lost_or_doubled(shop: Shop, hit: int) -> None:
    with shop.fuse(OnceEach(hit=hit)):
        people = go_all_ways(shop)
        shop.come_to_rest()
    assert shop.violations_at_rest() == []
    if hit == 1:
        assert set(MOMENTS) - set(shop.deaths) == set(), "a moment that no purchase reaches"
    assert [shop.outcome(each) for each in people] == ["issued", "refunded", "lapsed"]
    assert len(shop.deaths) == len(set(shop.deaths)) > 30
