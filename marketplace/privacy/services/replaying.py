"""A database that was brought back knows nothing of what was erased since: do it again."""

from collections.abc import Callable, Iterable
from uuid import UUID

from marketplace.accounts.values import AccountNotFound
from marketplace.application.values import ApplicationNotFound, ContractKept
from marketplace.infra import vault
from marketplace.policy import queries as policies
from marketplace.privacy.services import erasing
from marketplace.privacy.services.closing import close_account
from marketplace.privacy.values import ContractHeld, ErasureReason, Replay, SaleUnderWay
from marketplace.traceability import queries as trail
from marketplace.traceability.values import JourneyNotFound


def erase_again(subject_ids: Iterable[UUID]) -> Replay:
    """Erase the subjects that the log named (`vault.subjects_told`). Repeating it changes nothing.

    What stands in the tables is erased by the services that did it the first time, so that rows, proof and trail agree:
    an account is closed, and its contracts are restricted; a contract is erased if its time is over here too. Of
    anything else, a subject that this database never knew included, the key is destroyed. An account with a sale under
    way or in dispute waits until that is at its end, and so does a contract that this database still has to keep.
    """
    wanted = tuple(dict.fromkeys(subject_ids))
    known = vault.destroyed(wanted)
    waiting = tuple(each for each in wanted if each not in known and not _close(each))
    for erase in (_contract, _application):
        _each(erase, wanted, waiting)
    kept = tuple(each for each in wanted if policies.any_kept(each))
    for erase in (_journey, vault.destroy):
        _each(erase, wanted, (*waiting, *kept))
    return Replay(len(vault.destroyed(wanted)) - len(known), len(known), waiting, kept)


def _each(erase: Callable[[UUID], None], wanted: tuple[UUID, ...], waiting: tuple[UUID, ...]) -> None:
    gone = vault.destroyed(wanted)
    for subject_id in wanted:
        if subject_id not in gone and subject_id not in waiting:
            erase(subject_id)


def _close(subject_id: UUID) -> bool:
    """False where the subject is an account that cannot be closed yet."""
    try:
        close_account(subject_id)
    except AccountNotFound:
        return True
    except (SaleUnderWay, ContractHeld):
        return False
    return True


def _contract(subject_id: UUID) -> None:
    frame = policies.frame_of_application(subject_id)
    if frame is not None:
        erasing.erase_contract(frame.id)


def _application(subject_id: UUID) -> None:
    try:
        erasing.erase_application(subject_id, ErasureReason.RETENTION)
    except (ApplicationNotFound, ContractKept):
        return


def _journey(subject_id: UUID) -> None:
    try:
        trail.journey(subject_id)
    except JourneyNotFound:
        return
    erasing.erase_journey(subject_id, ErasureReason.RETENTION)
