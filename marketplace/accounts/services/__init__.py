"""Do: enter insurers and staff, prove addresses by code or link, register, sign in, set passwords, prove second steps.

Services flush and the entry point commits, with two exceptions: tries are counted apart and at once (`tries`), and
challenges of passkeys are used up so, because a refused try is rolled back with its request. Services that send
something return a `MessageRequest`, which the entry point queues in the same transaction.
"""

from marketplace.accounts.services.api_keys import make_api_key, open_to_send, open_with_key, revoke_api_key
from marketplace.accounts.services.asking import (
    count_copy,
    count_identity,
    count_insured_asked,
    count_question,
    count_sharing,
    give_identity_back,
)
from marketplace.accounts.services.closing import close_account, held_account, locked_account
from marketplace.accounts.services.codes import (
    prove_code,
    prove_identity_code,
    request_code,
    request_identity_code,
)
from marketplace.accounts.services.entering import change_locale, create_staff, register_insurer
from marketplace.accounts.services.factors import (
    forget_factors,
    make_recovery_codes,
    prove_recovery_code,
    remove_factor,
)
from marketplace.accounts.services.facts import record_fact
from marketplace.accounts.services.housekeeping import forget_expired
from marketplace.accounts.services.inviting import (
    accept_invitation,
    end_access,
    invitation,
    invite_staff,
    issue_invitation,
    withdraw_invitation,
)
from marketplace.accounts.services.onboarding import (
    apply_as_insurer,
    approve_applicant,
    confirm_applicant,
    forget_unconfirmed,
    reject_applicant,
)
from marketplace.accounts.services.one_time_codes import (
    begin_one_time_codes,
    confirm_one_time_codes,
    prove_one_time_code,
    secret_to_confirm,
)
from marketplace.accounts.services.passkeys import add_passkey, ask_for_passkey, begin_passkey, prove_passkey
from marketplace.accounts.services.payees import begin_payee, open_payee, refresh_payee, refresh_payees
from marketplace.accounts.services.practitioners import (
    check_practitioner,
    end_practitioner,
    propose_practitioner,
)
from marketplace.accounts.services.registration import confirm_address, register_customer
from marketplace.accounts.services.security_events import record_security_event, record_security_event_apart
from marketplace.accounts.services.sessions import (
    begin_session,
    disable_account,
    end_session,
    end_sessions,
    note_seen,
    renew_session,
)
from marketplace.accounts.services.signing_in import (
    authenticate,
    change_password,
    prove_password,
    request_password_reset,
    reset_password,
)
from marketplace.accounts.services.suspending import (
    ask_to_lift,
    lift_suspension,
    refuse_lifting,
    stop_unpayable,
    suspend_insurer,
)
from marketplace.accounts.services.terms import accept_terms, propose_terms
from marketplace.accounts.services.tries import count_try

__all__ = [
    "accept_invitation",
    "accept_terms",
    "add_passkey",
    "apply_as_insurer",
    "approve_applicant",
    "ask_for_passkey",
    "ask_to_lift",
    "authenticate",
    "begin_one_time_codes",
    "begin_passkey",
    "begin_payee",
    "begin_session",
    "change_locale",
    "change_password",
    "check_practitioner",
    "close_account",
    "confirm_address",
    "confirm_applicant",
    "confirm_one_time_codes",
    "count_copy",
    "count_identity",
    "count_insured_asked",
    "count_question",
    "count_sharing",
    "count_try",
    "create_staff",
    "disable_account",
    "end_access",
    "end_practitioner",
    "end_session",
    "end_sessions",
    "forget_expired",
    "forget_factors",
    "forget_unconfirmed",
    "give_identity_back",
    "held_account",
    "invitation",
    "invite_staff",
    "issue_invitation",
    "lift_suspension",
    "locked_account",
    "make_api_key",
    "make_recovery_codes",
    "note_seen",
    "open_payee",
    "open_to_send",
    "open_with_key",
    "propose_practitioner",
    "propose_terms",
    "prove_code",
    "prove_identity_code",
    "prove_one_time_code",
    "prove_passkey",
    "prove_password",
    "prove_recovery_code",
    "record_fact",
    "record_security_event",
    "record_security_event_apart",
    "refresh_payee",
    "refresh_payees",
    "refuse_lifting",
    "register_customer",
    "register_insurer",
    "reject_applicant",
    "remove_factor",
    "renew_session",
    "request_code",
    "request_identity_code",
    "request_password_reset",
    "reset_password",
    "revoke_api_key",
    "secret_to_confirm",
    "stop_unpayable",
    "suspend_insurer",
    "withdraw_invitation",
]
