"""Close an account: what is not needed is erased, what must be kept is restricted (GDPR 17 and 18, PIPL 47, T26-47)."""

from uuid import UUID

from marketplace.accounts import services as accounts
from marketplace.accounts.values import NewSecurityEvent, SecurityEventType
from marketplace.application import queries as applications
from marketplace.application.values import State
from marketplace.consultation import services as consultation
from marketplace.correspondence import services as correspondence
from marketplace.correspondence.values import MessageKind, QueueMessage
from marketplace.infra.db import db
from marketplace.infra.letterhead import letterhead
from marketplace.kernel import clock, ids
from marketplace.payment import services as payment
from marketplace.policy import queries as policies
from marketplace.policy.values import Policy
from marketplace.privacy.models import RestrictionRow
from marketplace.privacy.queries import closing_preview, contracts_of_account, kept_contract
from marketplace.privacy.services import erasing, holding
from marketplace.privacy.services.exporting import drop_expired_exports
from marketplace.privacy.services.requesting import withdraw_requests
from marketplace.privacy.values import (
    ClosingPreview,
    ErasureReason,
    RestrictionReason,
    SaleUnderWay,
    Subject,
)
from marketplace.traceability.services import record_act
from marketplace.traceability.values import SYSTEM, Act, Actor, EntryType


def close_account(account_id: UUID) -> ClosingPreview:
    """Close a customer's account. Its sessions end; address, name and password, copies, words of requests, mails and
    every application without a contract are erased; the records of contracts stay, restricted. Returns what was done.

    Nobody begins to pay meanwhile: whoever does holds the account (`accounts.held_account`). Raises AccountNotFound,
    ContractHeld in a dispute about one of its contracts, SaleUnderWay while a contract or money is owed, or can still
    be paid for.
    """
    account = accounts.locked_account(account_id)
    done = closing_preview(account_id)
    holding.refuse_held(done.kept)
    if done.unfinished:
        raise SaleUnderWay
    for policy in policies.policies_of_account(account_id):
        payment.stop_mandates(policy.id)  # whoever cannot be told is not charged
        _restrict(policy)
    consultation.erase_of_account(account_id)
    _erase_applications(account_id)
    drop_expired_exports(account_id)
    withdraw_requests(account_id)
    correspondence.forget_address(account.email)
    contracts = [{"number": each.number, "kept_until": each.kept_until.isoformat()} for each in done.kept]
    context = {"contracts": contracts, "link": f"{letterhead().public_url}/privacy/data"}
    correspondence.queue(
        QueueMessage(MessageKind.ACCOUNT_CLOSED, str(ids.new_id()), account.email, account.locale, context)
    )
    accounts.close_account(account_id)
    erasing.note(Subject.ACCOUNT, account_id, ErasureReason.CLOSING)
    accounts.record_security_event(
        NewSecurityEvent(type=SecurityEventType.ACCOUNT_CLOSED, account_id=account_id, actor=account.role.value)
    )
    return done


def refuse_closing(account_id: UUID, by: Actor) -> None:
    """Enter that somebody in dispute wanted to close the account, for whoever tells them why it stays."""
    holding.enter_refusal(contracts_of_account(account_id), by, asked="closing")


def _restrict(policy: Policy) -> None:
    until = kept_contract(policy.id).kept_until
    db.session.add(
        RestrictionRow(
            policy_id=policy.id,
            application_id=policy.application_id,
            journey_id=policy.journey_id,
            account_id=policy.account_id,
            reason=RestrictionReason.CLOSED.value,
            covered_until=policy.period.end_on,
            kept_until=until,
            restricted_at=clock.now(),
        )
    )
    db.session.flush()
    body = {"reason": RestrictionReason.CLOSED, "kept_until": until}
    record_act(
        Act(policy.journey_id, EntryType.DATA_RESTRICTED, body, SYSTEM, policy.application_id, policy.insurer_id)
    )


def _erase_applications(account_id: UUID) -> None:
    """The applications without a contract, and the journeys in which nobody has a contract or an application left."""
    told = applications.applications_of_account(account_id)
    own = {each.id for each in told}
    for application in told:
        if application.state is not State.CONTRACTED:
            erasing.erase_application(application.id, ErasureReason.CLOSING)
    for journey_id in dict.fromkeys(each.journey_id for each in told):
        begun = applications.applications_of_journey(journey_id)
        if all(each.id in own and each.state is not State.CONTRACTED for each in begun):
            erasing.erase_journey(journey_id, ErasureReason.CLOSING)
