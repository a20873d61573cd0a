"""What a contract says (`contract`), and how its papers say it (`paper`)."""

from marketplace.policy.document.contract import Conclusion, contract_body
from marketplace.policy.document.paper import Facing, certificate, facts_of, paper, sealed_order_paper

__all__ = ["Conclusion", "Facing", "certificate", "contract_body", "facts_of", "paper", "sealed_order_paper"]
