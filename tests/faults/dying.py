"""Programs of the marketplace that die of themselves at their moments (`infra.failpoints`), as by `kill -9`.

`python -m tests.faults.dying worker|sequencer`, and `tests.faults.dying:site()` for gunicorn. DYING_FOLDER holds what
they share: `seed` and `wanted`, how often somebody is to die at each moment until all is bought; `lives`, a byte for
each; `deaths`, a line for each; `bought`, which part of all that is; and `calm` once nobody is to die any more.

Some moments are reached many times by each purchase, others by few, or by the clock. So that each has its deaths, and
all are spread over the purchases, one dies only where fewer did than should have by now, the moments in turn.

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

ODDS = 0.25
"""How likely a process dies at a moment that is one death in arrears; so many times as much where it is more."""

OF_LATER_PREMIUMS = frozenset({
    At.CHARGE_STANDS, At.CARD_CHARGED, At.CHARGE_ANSWERED, At.CARD_DETACHED, At.CHARGE_ASKED, At.PREMIUMS_WORKED,
    At.PREMIUM_TAKEN, At.FAILURE_TOLD,
})  # fmt: skip
"""No purchase reaches them; tests/integration/servicing dies at them."""
MOMENTS = tuple(each for each in At if each not in OF_LATER_PREMIUMS)


@dataclass(frozen=True)
class Dying:
    """What the processes of a house share."""

    folder: Path

    @classmethod
    def begin(cls, folder: Path, seed: int, wanted: int) -> "Dying":
        folder.mkdir()
        for name, said in {"seed": seed, "wanted": wanted, "lives": "", "deaths": ""}.items():
            (folder / name).write_text(str(said))
        begun = cls(folder)
        begun.goes_on(0)
        return begun

    def goes_on(self, bought: float) -> None:
        """Such a part of all is bought; of as many letters each time, as others read it meanwhile."""
        file = os.open(self.folder / "bought", os.O_WRONLY | os.O_CREAT)
        os.write(file, f"{bought:.4f}".encode())
        os.close(file)

    def calm(self) -> None:
        """From now on nobody dies of itself."""
        (self.folder / "calm").touch()

    def deaths(self) -> Counter[str]:
        return Counter((self.folder / "deaths").read_text().split())

    def arrears(self, point: At) -> int:
        """How many fewer died there than should have by now."""
        wanted, bought = (float((self.folder / name).read_text()) for name in ("wanted", "bought"))
        return max(0, int(wanted * bought + _turn(point)) - self.deaths()[point.name])

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


def _turn(point: At) -> float:
    """Where it stands among all, from 0 to 1."""
    return list(At).index(point) / len(At)


def mortal() -> None:
    """This process, and each that is forked of it, dies at its moments by chance."""
    dying = Dying(Path(os.environ["DYING_FOLDER"]))

    @cache
    def chance(_process_id: int) -> random.Random:
        return dying.chance()

    def die(point: At) -> None:
        odds = ODDS * dying.arrears(point)
        if chance(os.getpid()).random() < odds and not (dying.folder / "calm").exists():
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
    # Not for the site; what the worker reads on its first job is read before the fork.
    import holidays  # noqa: F401, PLC0415
    import pyhanko.pdf_utils.reader  # noqa: F401, PLC0415

    from marketplace import sequencer, worker  # noqa: PLC0415
    from marketplace.infra import signing, timestamping  # noqa: F401, PLC0415

    mortal()
    sys.argv = [name]
    one_after_the_other({"worker": worker.main, "sequencer": lambda: sequencer.main([])}[name])


if __name__ == "__main__":
    main(sys.argv[1])
