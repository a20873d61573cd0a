"""Ask: conversations (`threads`), public answers and their search (`answers`), measured times (`times`)."""

from marketplace.consultation.queries.answers import (
    answer_of_insurer,
    answers_of_insurer,
    answers_of_product,
    answers_of_thread,
    answers_to_publish,
    public_answer,
    search,
)
from marketplace.consultation.queries.threads import (
    conversation,
    conversation_of_application,
    conversation_of_insurer,
    conversations_of_account,
    own_conversation,
    threads,
    threads_left_before,
    threads_of_account,
    waiting_threads,
)
from marketplace.consultation.queries.times import measured, measured_of_all

__all__ = [
    "answer_of_insurer",
    "answers_of_insurer",
    "answers_of_product",
    "answers_of_thread",
    "answers_to_publish",
    "conversation",
    "conversation_of_application",
    "conversation_of_insurer",
    "conversations_of_account",
    "measured",
    "measured_of_all",
    "own_conversation",
    "public_answer",
    "search",
    "threads",
    "threads_left_before",
    "threads_of_account",
    "waiting_threads",
]
