"""Site, worker, sequencer and database are killed while people buy. Whatever a page acknowledged is in the log, exactly
once; who paid has one policy; and every checkpoint that was ever signed is of one tree that only grew.

`KILLS` says how often; `make soak` says a hundred.
"""

import os
import random
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

import pytest

from config import Settings
from tests.faults.house import (
    a_house,
    customers,
    hold_each_act_once,
    hold_each_paid_once,
    hold_nothing_crosses,
    hold_one_tree,
)
from tests.faults.people import Customer

KILLS = int(os.environ.get("KILLS", "4"))
CUSTOMERS = 6


@pytest.mark.timeout(600 + 60 * KILLS)
@pytest.mark.requirement("T26-33", "T26-41", "T26-49")
def test_whatever_is_killed_nothing_acknowledged_is_lost(settings: Settings, tmp_path: Path) -> None:
    chance, killed = random.Random(9162), Counter[str]()  # noqa: S311  what is killed when, the same each time
    with a_house(settings, tmp_path) as house:
        with customers(house, CUSTOMERS) as people:
            for kind in islice(cycle(house.kinds), KILLS):
                so_far = acts_of(people)
                house.wait(lambda so_far=so_far: acts_of(people) > so_far + 2 * CUSTOMERS, "customers to go on")
                threading.Event().wait(chance.uniform(0, 2))
                house.watch()
                house.kinds[kind](chance)
                killed[kind] += 1
                house.wait(house.is_ready, f"the site, after {kind} was killed")
        house.wait(house.has_nothing_to_do, "the worker and the log")
        house.watch()
        books = house.books()
        leaves = house.leaves(size_of(books["checkpoints"][-1]))
        assert house.run("-m", "marketplace.cli", "check").splitlines()[-1] == "sound"
    signed = hold_one_tree(leaves, books["checkpoints"], house.checkpoints, house.keys.signer().verifier)
    acknowledged = hold_each_act_once(books, people)
    hold_nothing_crosses(books, people)
    hold_each_paid_once(books, people)
    assert acknowledged > 10 * KILLS
    assert killed.total() == KILLS
    assert (books["outside"], len(books["policies"])) == (0, len([each for each in people if each.done]))
    sys.stdout.write(
        f"{dict(killed)}: {acknowledged} acknowledged acts, {len(books['policies'])} policies, {signed} checkpoints"
    )


def size_of(note: str) -> int:
    return int(note.split("\n")[1])


def acts_of(people: Sequence[Customer]) -> int:
    return sum(len(each.acknowledged) for each in people)
