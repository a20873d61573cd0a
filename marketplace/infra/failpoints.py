"""Named moments between a payment and the policy in hand at which a process may die, for tests that let it die there.

Each is reached in one place of the code, before or after a commit or a call of a neighbour. Outside a test nothing
happens there: no setting and no variable of the environment arms them, and no code of the marketplace does
(tests/architecture/test_failpoints.py; decision 31).
"""

from collections.abc import Callable
from enum import Enum, unique


@unique
class At(Enum):
    """What is true at the moment, by its name."""

    # --- a request and its commit
    REQUEST_ANSWERED = "the request is worked on and not committed"
    REQUEST_COMMITTED = "it is committed and nobody has the answer"
    HALF_COMMITTED = "the first half of a request is committed, the neighbour is not asked yet"

    # --- a job and its commit
    JOB_DEFERRED = "a job is written into the transaction that is its cause"
    JOB_TAKEN = "the worker has taken the job and done nothing of it"
    JOB_WORKED = "the job is done and not committed"
    JOB_COMMITTED = "it is committed, and the queue does not know it"

    # --- an attempt to pay and its page
    ORDER_WRITTEN = "order and lines are written"
    ATTEMPT_STANDS = "our attempt is committed, the provider has not heard of it"
    PAGE_OPENED = "the provider has opened a page, we have no note of it"
    PAGE_NOTED = "our note of the page is written and not committed"
    PAGE_CLOSED = "the provider has closed a page, we have not asked how it ended"

    # --- a kept card
    CHARGE_STANDS = "our attempt is committed, the provider is about to charge the card"
    CARD_CHARGED = "the provider has charged the card, we have no note of it"
    CHARGE_ANSWERED = "what the provider said of a charge is known and not noted"
    CARD_DETACHED = "the provider has forgotten a card, we have no note of it"

    # --- a later premium
    CHARGE_ASKED = "a premium fell due and its charge is written, nothing is committed"
    PREMIUMS_WORKED = "a chunk of premiums is worked on and not committed"
    PREMIUM_TAKEN = "a premium is paid, booked and told, nothing is committed"
    FAILURE_TOLD = "a card was refused and its owner told, nothing is committed"

    # --- what the provider says
    EVENT_VERIFIED = "an event came and is genuine"
    EVENT_KEPT = "it is in the inbox, its work is not deferred"
    EVENT_QUEUED = "its work is deferred, nothing is committed, the provider waits"
    EVENT_WORKED = "what it asks for is done, it is not marked"
    SESSION_SEEN = "the provider has said how the page stands"
    MONEY_BOOKED = "what came in is in the ledger, the attempt has not moved"
    PAYMENT_COUNTED = "the attempt has succeeded and whoever waits for it is told"
    PAGES_LISTED = "reconciliation has the provider's list"
    OVERDUE_DEFERRED = "some of what is overdue is deferred"
    MOVEMENTS_LISTED = "the provider's own account is read"
    MOVEMENTS_TAKEN = "it is taken over, and not compared yet"

    # --- paid, and concluded
    ORDER_PAID = "the order is paid, its contracts are not asked for"
    NUMBER_TAKEN = "the next number is counted as used"
    CONTRACT_STORED = "the contract is written, nobody is told"
    CONTRACTS_CONCLUDED = "all contracts of the order are written, the order is still paid"
    PREMIUMS_BOOKED = "the premiums are the insurers', the order is issued"

    # --- paid, and given back
    REFUND_WRITTEN = "the refund is written, the ledger does not know it"
    REFUND_DEFERRED = "it is in the ledger and its sending is deferred"
    ORDER_GIVEN_BACK = "the order is closed, its money is to go back, the customer is told"
    REFUND_TO_SEND = "the provider is about to be asked for a refund"
    REFUND_SENT = "the provider has sent it, we have no note of it"
    REFUND_NOTED = "refund, ledger and trail say so, nothing is committed"
    REFUND_TOLD = "the order is closed, the customer's mail is queued"

    # --- the insurer's share
    SHARE_RELEASED = "amount, account and key of a transfer are written, its sending is deferred"
    TRANSFER_TO_SEND = "the provider is about to be asked for a transfer"
    TRANSFER_SENT = "the provider has sent the share, we have no note of it"
    TRANSFER_NOTED = "transfer and ledger say so, nothing is committed"
    REVERSAL_DEFERRED = "what the insurer has too much is written, its coming back is deferred"
    REVERSAL_TO_SEND = "the provider is about to be asked to bring some back"
    REVERSAL_SENT = "the provider has brought it back, we have no note of it"
    REVERSAL_NOTED = "reversal and ledger say so, nothing is committed"

    # --- the paper
    PAPER_SET = "the paper is set and kept nowhere"
    PAPER_KEPT = "its unsigned bytes are kept, no row says so"
    SEAL_ASKED = "number, hashes and intent are committed, the signer is about to be asked"
    PAPER_SEALED = "the paper is sealed and kept nowhere"
    SEALED_PAPER_KEPT = "the sealed bytes are kept, no row says so"
    FILE_WRITTEN = "a file is on the disk and has not its name"

    # --- the mail
    POLICY_TO_MAIL = "the policy is to be mailed, its mail is not queued"
    MAIL_QUEUED = "the mail is a row, its composing is not deferred"
    MAIL_COMPOSED = "its bytes are set, its sending is not deferred"
    MAIL_TO_SEND = "the mail server is about to be asked"
    MAIL_TAKEN = "the mail server has taken it, we have no note of it"
    MAIL_NOTED = "it is noted as sent, nothing is committed"

    # --- the evidence
    ACT_ENTERED = "an act is entered in the transaction that makes it true"
    LEAVES_PLACED = "entries have their place in the tree, none has moved"
    ENTRIES_MOVED = "they have moved into the log, the tiles are missing"
    TILES_WRITTEN = "the tiles are written, nothing is signed"
    TREE_SIGNED = "the tree is signed, nothing is committed"
    CHECKPOINT_COMMITTED = "the checkpoint is committed, and not beside the key"
    CHECKPOINT_KEPT = "it is beside the key as well"


_die: Callable[[At], None] | None = None


def reach(point: At) -> None:
    """The process has come to this moment. Whoever armed the moments decides whether it goes on."""
    if _die is not None:
        _die(point)


def arm(die: Callable[[At], None] | None) -> None:
    """For tests: what is called at each moment; None disarms. It dies by ending the process, or by raising what nobody
    catches.
    """
    global _die  # noqa: PLW0603  one for each process
    _die = die
