"""What a contract says (`contract`), and how its paper says it (`paper`)."""

from marketplace.policy.document.contract import Conclusion, contract_body
from marketplace.policy.document.paper import TEMPLATE, Facing, paper

__all__ = ["TEMPLATE", "Conclusion", "Facing", "contract_body", "paper"]
