"""What a confined process does with the file of an insurer (`infra.confinement`): `read` a container for the insurer of
that code, give its `files` as a zip, the `grid` of a rate card, the copy that `mark` makes, or `measure` what was read.
"""

from importlib import import_module

from marketplace.infra.confinement.child import confine, given
from marketplace.listing.intake import files_of, pack, passage, read_container
from marketplace.listing.intake.example import INSURER, example_files
from marketplace.listing.values import Measure, Priced

_LATE = (
    "encodings.cp437", "encodings.utf_8_sig", "marketplace.listing.intake.gaps", "marketplace.listing.intake.measuring",
)  # fmt: skip
"""Modules that are loaded when first needed (names in a zip, tables in CSV), which is when no file can be opened."""


def load() -> None:
    """Everything that reading a container needs."""
    for late in _LATE:
        import_module(late)


def rehearse() -> None:
    """Read a catalog of our own, and measure it against itself."""
    reading = read_container(pack(example_files()), INSURER)
    passage.reading_to_json(reading)
    own = [Priced.of(each.content, each.tariff) for each in reading.draft.products] if reading.draft else []
    _measure(passage.measures_to_json([Measure(each, each, ()) for each in own]))


def answer(task: str, *told: str) -> bytes:
    """All modules are loaded before the door is shut."""
    match task:
        case "read":
            confine(files=0)
            return passage.reading_to_json(read_container(given(), told[0]))
        case "files":
            confine(files=0)
            return pack(files_of(given()))
        case "grid":
            from marketplace.listing.intake.rate_card import read_grid  # noqa: PLC0415  this task alone needs it

            confine(files=0)
            return passage.grid_to_json(read_grid(given()))
        case "measure":
            confine(files=0)
            return _measure(given())
        case _:
            from marketplace.listing.intake.workbook import marking  # noqa: PLC0415  this task alone needs it

            marking.rehearse()
            confine(files=16)  # openpyxl writes each sheet to a file of its own first
            return marking.mark(*passage.from_mark(given()))


def _measure(told: bytes) -> bytes:
    from marketplace.listing.intake.measuring import measured  # noqa: PLC0415  NumPy comes with it

    return passage.measured_to_json([measured(each) for each in passage.measures_from_json(told)])
