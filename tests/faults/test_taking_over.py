"""The database is lost with its disk while people buy, and a copy takes its place: a standby that follows it, or a base
backup with the log that was written since. Nothing that was acknowledged is lost, and the copy sells on.
"""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from config import Settings
from sandbox.embedded_db import EmbeddedServer
from tests.faults.copies import TakeOver, standby, written_log
from tests.faults.house import (
    a_house,
    customers,
    hold_each_act_once,
    hold_each_paid_once,
    hold_nothing_crosses,
    hold_one_tree,
)
from tests.faults.test_kills import acts_of, size_of

CUSTOMERS = 6
MORE_ACTS = 60


@pytest.mark.timeout(900)
@pytest.mark.parametrize("begin_copy", [standby, written_log])
@pytest.mark.requirement("T26-41", "T26-49")
def test_a_copy_takes_the_place_of_a_lost_database_and_nothing_acknowledged_is_lost(
    begin_copy: Callable[[EmbeddedServer, Path], AbstractContextManager[TakeOver]], settings: Settings, tmp_path: Path
) -> None:
    with a_house(settings, tmp_path) as house, begin_copy(house.server, tmp_path) as take_over:
        with customers(house, CUSTOMERS) as people:
            for what in (take_over, None):
                so_far = acts_of(people)
                house.wait(lambda so_far=so_far: acts_of(people) > so_far + MORE_ACTS, "customers to go on")
                house.watch()
                if what is not None:
                    before = sum(each.done for each in people)
                    what()
                house.wait(house.is_ready, "the site")
        books = house.at_rest()
        leaves = house.leaves(size_of(books["checkpoints"][-1]))
        assert house.run("-m", "marketplace.cli", "check").splitlines()[-1] == "sound"
    assert books["violations"] == []
    hold_one_tree(leaves, books["checkpoints"], house.checkpoints, house.keys.signer().verifier)
    acknowledged = hold_each_act_once(books, people)
    hold_nothing_crosses(books, people)
    hold_each_paid_once(books, people)
    done = sum(each.done for each in people)
    assert done > before, "the copy sells on"
    sys.stdout.write(f"{begin_copy.__name__}: {acknowledged} acknowledged acts, {before} of {done} bought before\n")
