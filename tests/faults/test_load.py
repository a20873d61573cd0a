"""Many customers at the same time, each with a name that nobody else has: nothing is lost, doubled or cross-linked
(whole-system test 7 of the regulation checklist).

`FLOWS` says how many; `make soak` says two hundred.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from config import Settings
from tests.faults.house import a_house, hold_each_act_once, hold_each_paid_once, hold_nothing_crosses
from tests.faults.people import Customer

FLOWS = int(os.environ.get("FLOWS", "10"))


@pytest.mark.timeout(120 + 6 * FLOWS)
@pytest.mark.requirement("T26-06", "T26-31", "T26-33")
def test_flows_beside_one_another_do_not_touch(settings: Settings, tmp_path: Path) -> None:
    with a_house(settings, tmp_path) as house:
        people = [house.customer(number) for number in range(FLOWS)]
        with ThreadPoolExecutor(FLOWS) as pool:
            for _ in pool.map(Customer.buy, people):
                pass
        house.wait(house.has_nothing_to_do, "the worker and the log")
        books = house.books()
        assert house.run("-m", "marketplace.cli", "check").splitlines()[-1] == "sound"
    assert [each.done for each in people] == [True] * FLOWS
    assert books["outside"] == 0
    assert len(books["policies"]) == len(books["applications"]) == FLOWS
    assert hold_each_act_once(books, people) > 10 * FLOWS
    hold_nothing_crosses(books, people)
    hold_each_paid_once(books, people)
