"""The five families of errors. Features subclass them with a stable `code`; the web maps family to status."""

from collections.abc import Mapping


class MarketplaceError(Exception):
    """Something the caller must be told. `code` is stable (`feature:reason`); the text is for a person."""

    code = "marketplace:error"

    def __init__(self, message: str = "") -> None:
        super().__init__(message or type(self).__doc__ or self.code)


class NotFound(MarketplaceError):
    """There is no such thing, or none that you may see."""

    code = "marketplace:not-found"


class Refused(MarketplaceError):
    """The rules of the business do not allow this, and trying again will not change it."""

    code = "marketplace:refused"


class Conflict(MarketplaceError):
    """Something changed in the meantime; look again and decide again."""

    code = "marketplace:conflict"


class Unavailable(MarketplaceError):
    """A neighbour does not answer; the same request may succeed later."""

    code = "marketplace:unavailable"


class Invalid(MarketplaceError):
    """Some of what was given does not fit. `fields` names each input and says what is wrong with it."""

    code = "marketplace:invalid"

    def __init__(self, fields: Mapping[str, str], message: str = "") -> None:
        super().__init__(message or "; ".join(f"{name}: {what}" for name, what in fields.items()))
        self.fields = dict(fields)
