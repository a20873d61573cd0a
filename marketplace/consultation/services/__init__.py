"""Do: ask and write on, answer by a valid certificate, make an answer public with consent and a second person, forget.

Services flush and the entry point commits. Each act of a conversation has its entry in the trail, with the hash of what
was said.
"""

from marketplace.consultation.services.answering import answer_question, tell_answered
from marketplace.consultation.services.asking import ask_question, confirm_question, prepare_question, write_on
from marketplace.consultation.services.consenting import consent_to_public_answer, withdraw_consent
from marketplace.consultation.services.erasing import (
    erase_of_account,
    erase_of_application,
    erase_of_journey,
    erase_thread,
    forget_unconfirmed,
)
from marketplace.consultation.services.publishing import (
    propose_answer,
    publish_answer,
    refuse_answer,
    withdraw_answer,
)
from marketplace.consultation.services.watching import watch

__all__ = [
    "answer_question",
    "ask_question",
    "confirm_question",
    "consent_to_public_answer",
    "erase_of_account",
    "erase_of_application",
    "erase_of_journey",
    "erase_thread",
    "forget_unconfirmed",
    "prepare_question",
    "propose_answer",
    "publish_answer",
    "refuse_answer",
    "tell_answered",
    "watch",
    "withdraw_answer",
    "withdraw_consent",
    "write_on",
]
