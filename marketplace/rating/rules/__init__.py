"""Pure decisions of rating: what a risk costs by a tariff, one by one or many at once, and what proves it."""

from marketplace.rating.rules.arithmetic import half_up
from marketplace.rating.rules.premium import CompiledTariff, compile_tariff, premium

__all__ = ["CompiledTariff", "compile_tariff", "half_up", "premium"]
