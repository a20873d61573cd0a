"""What papers and mails say of the marketplace itself."""

from dataclasses import dataclass

from marketplace.kernel.errors import Unavailable
from marketplace.kernel.text import LocalizedText

LEGAL_NAME = LocalizedText("Evenfold insurance agency", "衡页保险代理")


@dataclass(frozen=True, slots=True)
class Letterhead:
    """`public_url` is the origin of the site without a slash at its end; customers write to `support_email`,
    and call `support_phone` every day within `support_hours` (`08:00-20:00`, Beijing time), where there are such.
    `address` is that of our seat.
    """

    public_url: str
    support_email: str
    licence_number: str
    demonstration: bool
    support_phone: str = ""
    support_hours: str = ""
    address: str = ""


_letterhead: Letterhead | None = None


def configure(letterhead: Letterhead) -> None:
    """For the wiring: called once at start."""
    global _letterhead  # noqa: PLW0603  one for each process, set at start
    _letterhead = letterhead


def letterhead() -> Letterhead:
    if _letterhead is None:
        raise Unavailable("the letterhead is not configured")
    return _letterhead
