"""Programs of the marketplace that die of themselves at their moments (`infra.failpoints`), as by `kill -9`.

`python -m tests.faults.dying worker|sequencer`, and `tests.faults.dying:site()` for gunicorn. DYING_FOLDER holds what
they share: `seed` and `odds`, which they are born with; `lives`, a byte for each; `deaths`, a line for each; and `calm`
once nobody is to die any more.

A worker or sequencer that died is followed by another at once, a fork of a process that has read all code.
"""

import os
import random
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from marketplace.infra.failpoints import At, arm

OFTEN = {
    At.JOB_DEFERRED, At.JOB_TAKEN, At.JOB_WORKED, At.JOB_COMMITTED, At.ACT_ENTERED, At.REQUEST_ANSWERED,
    At.REQUEST_COMMITTED, At.FILE_WRITTEN, At.LEAVES_PLACED, At.ENTRIES_MOVED, At.TILES_WRITTEN, At.TREE_SIGNED,
    At.CHECKPOINT_COMMITTED, At.CHECKPOINT_KEPT, At.MAIL_QUEUED, At.MAIL_COMPOSED, At.MAIL_TO_SEND, At.MAIL_TAKEN,
    At.MAIL_NOTED,
}  # fmt: skip
"""Reached many times by each purchase; of these every twelfth is one of the others."""
SELDOM = {
    At.REFUND_WRITTEN, At.REFUND_DEFERRED, At.ORDER_GIVEN_BACK, At.REFUND_TO_SEND, At.REFUND_SENT, At.REFUND_NOTED,
    At.REFUND_TOLD, At.PAGES_LISTED, At.OVERDUE_DEFERRED, At.PAGE_CLOSED, At.MOVEMENTS_LISTED, At.MOVEMENTS_TAKEN,
}  # fmt: skip
"""Reached by some purchases only, or by the clock: four times as likely."""


@dataclass(frozen=True)
class Dying:
    """What the processes of a house share. `odds`: how likely one dies at a moment of the usual kind."""

    folder: Path

    @classmethod
    def begin(cls, folder: Path, seed: int, odds: float) -> "Dying":
        folder.mkdir()
        (folder / "seed").write_text(str(seed))
        (folder / "odds").write_text(str(odds))
        (folder / "lives").touch()
        (folder / "deaths").touch()
        return cls(folder)

    def calm(self) -> None:
        """From now on nobody dies of itself."""
        (self.folder / "calm").touch()

    def deaths(self) -> Counter[str]:
        return Counter((self.folder / "deaths").read_text().split())

    def likelihood(self, point: At) -> float:
        odds = float((self.folder / "odds").read_text())
        return odds / 12 if point in OFTEN else min(0.1, odds * 4) if point in SELDOM else odds

    def chance(self) -> random.Random:
        """Of a new life: by the seed and its number."""
        file = os.open(self.folder / "lives", os.O_WRONLY | os.O_APPEND)
        os.write(file, b".")
        number = os.lseek(file, 0, os.SEEK_CUR)
        os.close(file)
        return random.Random(f"{(self.folder / 'seed').read_text()} {number}")  # noqa: S311  the same each time

    def note(self, point: At) -> None:
        file = os.open(self.folder / "deaths", os.O_WRONLY | os.O_APPEND)
        os.write(file, f"{point.name}\n".encode())
        os.close(file)


def mortal() -> None:
    """This process, and each that is forked of it, dies at its moments by chance."""
    dying = Dying(Path(os.environ["DYING_FOLDER"]))
    likelihood = {point: dying.likelihood(point) for point in At}

    @cache
    def chance(_process_id: int) -> random.Random:
        return dying.chance()

    def die(point: At) -> None:
        if chance(os.getpid()).random() < likelihood[point] and not (dying.folder / "calm").exists():
            dying.note(point)
            os._exit(137)

    arm(die)


def site() -> Any:
    """For gunicorn, read before it forks."""
    from wsgi import app  # noqa: PLC0415  makes the application

    mortal()
    return app


def one_after_the_other(live: Callable[[], object]) -> None:
    """Until one ends well."""
    while True:
        child = os.fork()
        if not child:
            live()
            os._exit(0)
        if os.waitpid(child, 0)[1] == 0:
            return


def main(name: str) -> None:
    from marketplace import sequencer, worker  # noqa: PLC0415  not for the site

    mortal()
    sys.argv = [name]
    one_after_the_other({"worker": worker.main, "sequencer": lambda: sequencer.main([])}[name])


if __name__ == "__main__":
    main(sys.argv[1])
