"""Why there is no premium, and why a tariff cannot be used."""

from marketplace.kernel.errors import NotFound, Refused, Unavailable
from marketplace.rating.values.tariff import Scalar


class RiskOutOfRange(Refused):
    """The tariff has no premium for this value."""

    code = "rating:risk-out-of-range"

    def __init__(self, factor: str, value: Scalar | None, step: str) -> None:
        super().__init__(f"step {step} has no premium for {factor} = {value!r}")
        self.factor, self.value, self.step = factor, value, step


class TariffFault(ValueError):
    """A tariff that cannot be used: `where` is the place in it, `fault` a stable word for what is wrong."""

    def __init__(self, where: str, fault: str, detail: str = "") -> None:
        super().__init__(f"{where}: {fault} {detail}".rstrip())
        self.where, self.fault, self.detail = where, fault, detail


class TariffAltered(Unavailable):
    """A tariff in the database is not what its hash says, so nothing is priced with it."""

    code = "rating:tariff-altered"


class TariffNotFound(NotFound):
    """This product version has no tariff."""

    code = "rating:tariff-not-found"
