"""What may become of a thread, and of a public answer."""

from marketplace.consultation.values import PublicEvent, PublicState, ThreadEvent, ThreadState
from marketplace.kernel.transitions import Table

_T, _E = ThreadState, ThreadEvent
THREADS: Table[ThreadState, ThreadEvent] = Table(
    ThreadState,
    ThreadEvent,
    {
        (_T.UNCONFIRMED, _E.CONFIRMED): _T.WAITING,
        (_T.UNCONFIRMED, _E.ASKED): "the address is not proven",
        (_T.UNCONFIRMED, _E.ANSWERED): "the address is not proven",
        (_T.WAITING, _E.CONFIRMED): "the address is proven",
        (_T.WAITING, _E.ASKED): _T.WAITING,
        (_T.WAITING, _E.ANSWERED): _T.ANSWERED,
        (_T.ANSWERED, _E.CONFIRMED): "the address is proven",
        (_T.ANSWERED, _E.ASKED): _T.WAITING,
        (_T.ANSWERED, _E.ANSWERED): "no question waits: nobody writes to a customer who did not ask",
    },
)

_P, _D = PublicState, PublicEvent
PUBLIC: Table[PublicState, PublicEvent] = Table(
    PublicState,
    PublicEvent,
    {
        (_P.PROPOSED, _D.PUBLISH): _P.PUBLISHED,
        (_P.PROPOSED, _D.REFUSE): _P.REFUSED,
        (_P.PROPOSED, _D.WITHDRAW): _P.WITHDRAWN,
        (_P.PUBLISHED, _D.PUBLISH): "it is public",
        (_P.PUBLISHED, _D.REFUSE): "it is public; it can be withdrawn",
        (_P.PUBLISHED, _D.WITHDRAW): _P.WITHDRAWN,
        (_P.REFUSED, _D.PUBLISH): "it was refused",
        (_P.REFUSED, _D.REFUSE): "it was refused",
        (_P.REFUSED, _D.WITHDRAW): "it was refused",
        (_P.WITHDRAWN, _D.PUBLISH): "it was withdrawn",
        (_P.WITHDRAWN, _D.REFUSE): "it was withdrawn",
        (_P.WITHDRAWN, _D.WITHDRAW): "it was withdrawn",
    },
)
