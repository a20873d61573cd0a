"""Questions to rating: what does this risk cost, and is this tariff sound?"""

from marketplace.rating import rules
from marketplace.rating.values import Breakdown, Risk, RiskOutOfRange, Tariff


def check_tariff(tariff: Tariff) -> None:
    """Raises TariffFault naming the first place at which the tariff cannot be used."""
    rules.compile_tariff(tariff)


class Rater:
    """One tariff, compiled once, for many risks."""

    def __init__(self, tariff: Tariff) -> None:
        self._compiled = rules.compile_tariff(tariff)

    def premium(self, risk: Risk) -> Breakdown:
        """Raises RiskOutOfRange naming the factor."""
        return rules.premium(self._compiled, risk)

    def gap(self, table: str, risk: Risk) -> RiskOutOfRange | None:
        """The refusal of one table for `risk` (only the table's own factors are looked at), or None."""
        try:
            self._compiled.tables[table].find(risk, table)
        except RiskOutOfRange as refusal:
            return refusal
        return None
