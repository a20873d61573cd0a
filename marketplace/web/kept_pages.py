"""Pages that say the same to every visitor are made once and sent many times (ADR 0010).

Kept are the page's bytes with marks where one answer differs from the next: the nonce, the CSRF token and the tokens of
the page seen and of its entry. Each answer fills in its own, and a traced page is recorded with exactly the bytes sent,
each time.

Kept for visitors only: whoever is signed in, asks with a query or has a message waiting gets a page made for them. A
page is kept under its path, the language, the day and the revision of what is public.
"""

import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Any

from flask import Response, g, render_template, request, session

from marketplace.infra.formatting import ZONE, current_locale
from marketplace.infra.pressing import press
from marketplace.kernel import clock, ids
from marketplace.kernel.remembering import Remembered
from marketplace.traceability.values import Online
from marketplace.web import announced, released, security, sessions
from marketplace.web.tracing import Traced, send_traced, token_of, version_of

PAGES_KEPT = 512
"""About ten megabytes for each process."""

ASKED_AGAIN_SECONDS = 60.0

# New in each process, so that no text of a page can hold one.
NONCE, CSRF, SEEN = (f"mark-{ids.new_id().hex}" for _ in range(3))
_MARK = re.compile(rb"(mark-[0-9a-f]{32})")


@dataclass(frozen=True, slots=True)
class Page:
    """What a page is made of. From `until` (business time) on it would say something else. A page with another `status`
    than 200 is made for one visitor.
    """

    template: str
    context: Mapping[str, Any] = field(default_factory=dict)
    traced: Traced | None = None
    until: datetime | None = None
    status: int = 200


@dataclass(frozen=True, slots=True)
class _Kept:
    """Pieces of the page's bytes, every other one a mark, and the pieces of a traced page pressed; how the page is
    recorded; until when it is true. `made_at` is of the process's own clock.
    """

    pieces: tuple[bytes, ...]
    pressed: tuple[bytes, ...]
    traced: Traced | None
    online: Online | None
    until: datetime | None
    status: int
    made_at: float

    def is_true(self) -> bool:
        """Whether it may be sent once more. Without a file its views are kept against, it is made again now and then:
        meanwhile there may be one (decision 17).
        """
        lacks_reference = self.online is not None and self.online.reference is None
        if lacks_reference and monotonic() - self.made_at >= ASKED_AGAIN_SECONDS:
            return False
        return self.until is None or self.until > clock.business_now()


_kept: Remembered[Hashable, _Kept] = Remembered(size=PAGES_KEPT)


def show(make: Callable[[], Page]) -> Response:
    """The page that `make` describes, from memory where it is kept and still true, recorded where it is traced."""
    if not _for_any_visitor():
        return _sent(_made(make()))
    key = (request.path, current_locale(), clock.today(ZONE), g.present.revision)
    kept = _kept.get(key)
    if kept is None or not kept.is_true():
        kept = _made(make())
        _kept.put(key, kept)
    return _sent(kept)


def _for_any_visitor() -> bool:
    plain = request.method == "GET" and not request.query_string and "_flashes" not in session
    return plain and sessions.behind() is None


def _made(page: Page) -> _Kept:
    """Render with marks in place of what belongs to one answer; nothing of this request's own is in the bytes."""
    online = version_of(page.template, page.traced) if page.traced else None
    own = {name: g.pop(name, None) for name in ("csp_nonce", "csrf_token")}
    g.csp_nonce, g.csrf_token = NONCE, CSRF
    try:
        text = render_template(page.template, seen=SEEN if page.traced else "", **page.context)
    finally:
        for name, value in own.items():
            g.pop(name)
            if value is not None:
                setattr(g, name, value)
    pieces = tuple(_MARK.split(text.encode()))
    pressed = tuple(map(press, pieces)) if online and online.reference is None else ()
    until = min((at for at in (page.until, announced.next_change()) if at is not None), default=None)
    return _Kept(pieces, pressed, page.traced, online, until, page.status, monotonic())


def _sent(kept: _Kept) -> Response:
    filled_in = {NONCE.encode(): security.csp_nonce().encode()}
    if CSRF.encode() in kept.pieces:
        filled_in[CSRF.encode()] = security.csrf_token().encode()
    if kept.online and SEEN.encode() in kept.pieces:
        filled_in[SEEN.encode()] = token_of(kept.online.version_id).encode()
    page = b"".join([filled_in.get(piece, piece) for piece in kept.pieces])
    if kept.traced and kept.online:
        released.here().require(kept.traced.files)
        pressed = partial(_pressed, kept, filled_in) if kept.pressed else None
        return send_traced(page, kept.traced, kept.online, status=kept.status, pressed=pressed)
    return Response(page, status=kept.status, mimetype="text/html")


def _pressed(kept: _Kept, filled_in: Mapping[bytes, bytes]) -> bytes:
    """The page as it is recorded, put together from its pieces."""
    own = {mark: press(filling) for mark, filling in filled_in.items()}
    return b"".join([own.get(piece, frame) for piece, frame in zip(kept.pieces, kept.pressed, strict=True)])
