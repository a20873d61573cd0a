"""What an applicant does, step by step. Every service locks the application, refuses strangers and skipped steps, and
writes its trail entry in the same transaction.
"""

from marketplace.application.services.announcing import tell_asked, tell_outcome
from marketplace.application.services.confirming import (
    acknowledge_client_notice,
    acknowledge_health_notice,
    acknowledge_privacy_notice,
    confirm_document,
    confirm_exclusions,
    give_health_consent,
    open_document,
    withdraw_health_consent,
)
from marketplace.application.services.consenting import (
    ask_insured,
    asked_by,
    begin_insured_identity,
    consent_as_insured,
    prove_insured,
    refuse_as_insured,
)
from marketplace.application.services.deciding import conclude, lapse_overdue, refuse_held, release_held, submit
from marketplace.application.services.erasing import erase_application, erase_contracted
from marketplace.application.services.hosting import (
    begin_identity,
    close_identity,
    forget_identity,
    lead_to_verifier,
    look_after_identities,
    look_after_identity,
    settle_identity,
)
from marketplace.application.services.identifying import carry_identity, prove_identity
from marketplace.application.services.opening import (
    acknowledge_entry,
    bind_account,
    give_email,
    join_basket,
    note_code_sent,
    open_application,
)
from marketplace.application.services.referring import (
    accept_counter_offer,
    answer_underwriter,
    ask_applicant,
    decide_referral,
    refuse_counter_offer,
)
from marketplace.application.services.renewing import take_new_offer
from marketplace.application.services.suiting import go_on_against, tell_circumstances
from marketplace.application.services.telling import give_answers, give_people
from marketplace.application.services.watching import watch_referrals

__all__ = [
    "accept_counter_offer",
    "acknowledge_client_notice",
    "acknowledge_entry",
    "acknowledge_health_notice",
    "acknowledge_privacy_notice",
    "answer_underwriter",
    "ask_applicant",
    "ask_insured",
    "asked_by",
    "begin_identity",
    "begin_insured_identity",
    "bind_account",
    "carry_identity",
    "close_identity",
    "conclude",
    "confirm_document",
    "confirm_exclusions",
    "consent_as_insured",
    "decide_referral",
    "erase_application",
    "erase_contracted",
    "forget_identity",
    "give_answers",
    "give_email",
    "give_health_consent",
    "give_people",
    "go_on_against",
    "join_basket",
    "lapse_overdue",
    "lead_to_verifier",
    "look_after_identities",
    "look_after_identity",
    "note_code_sent",
    "open_application",
    "open_document",
    "prove_identity",
    "prove_insured",
    "refuse_as_insured",
    "refuse_counter_offer",
    "refuse_held",
    "release_held",
    "settle_identity",
    "submit",
    "take_new_offer",
    "tell_asked",
    "tell_circumstances",
    "tell_outcome",
    "watch_referrals",
    "withdraw_health_consent",
]
