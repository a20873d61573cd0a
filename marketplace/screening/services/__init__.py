"""Do: note what happens, open cases for what is found in it, decide them."""

from marketplace.screening.services.deciding import agree, disagree, look, propose
from marketplace.screening.services.finding import open_for_list
from marketplace.screening.services.noting import forget, note_application, note_payment, note_refund
from marketplace.screening.services.watching import watch_cases

__all__ = [
    "agree",
    "disagree",
    "forget",
    "look",
    "note_application",
    "note_payment",
    "note_refund",
    "open_for_list",
    "propose",
    "watch_cases",
]
