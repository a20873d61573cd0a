"""What payment refuses, and what it does not find."""

from marketplace.kernel.errors import Conflict, NotFound, Refused


class AttemptNotFound(NotFound):
    """There is no such payment."""

    code = "payment:attempt-not-found"


class AttemptNotCommitted(NotFound):
    """The payment has to be committed before its page is opened."""

    code = "payment:attempt-not-committed"


class RefundNotFound(NotFound):
    """There is no such refund."""

    code = "payment:refund-not-found"


class TransferNotFound(NotFound):
    """There is no such share of an insurer."""

    code = "payment:transfer-not-found"


class ReversalNotFound(NotFound):
    """There is no such reversal."""

    code = "payment:reversal-not-found"


class AlreadyPaid(Conflict):
    """This has been paid already."""

    code = "payment:already-paid"


class PaymentInProgress(Conflict):
    """A payment for this is on its way; please wait for its outcome."""

    code = "payment:in-progress"


class PageClosed(Conflict):
    """This payment page is closed. Please start the payment again."""

    code = "payment:page-closed"


class SessionMismatch(Refused):
    """The provider's page belongs to another payment."""

    code = "payment:session-mismatch"


class NothingToRefund(Refused):
    """More would go back than came in."""

    code = "payment:nothing-to-refund"


class NotConcluded(Refused):
    """No contract stands on this payment: where money is to go back, it does so by itself."""

    code = "payment:not-concluded"


class SecondPersonNeeded(Refused):
    """Whoever asked for a refund cannot agree to it or refuse it. Another person has to."""

    code = "payment:second-person-needed"


class WishDecided(Conflict):
    """This was decided on already."""

    code = "payment:wish-decided"


class WishNotFound(NotFound):
    """Nobody asked for such a refund."""

    code = "payment:wish-not-found"


class PaymentDisputed(Conflict):
    """The bank of the customer has not decided on this payment yet. Until then nothing is sent back."""

    code = "payment:disputed"


class RefundNotFailed(Conflict):
    """This refund has not failed; it is not asked for again."""

    code = "payment:refund-not-failed"


class DisputeNotFound(NotFound):
    """There is no such dispute."""

    code = "payment:dispute-not-found"


class MandateNotFound(NotFound):
    """There is no such kept card."""

    code = "payment:mandate-not-found"


class CardKeptAlready(Conflict):
    """A card is kept for this contract already. Stop that one first."""

    code = "payment:card-kept-already"
