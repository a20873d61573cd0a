"""What every row has whose call to the provider may be made again."""

from sqlalchemy import String, text
from sqlalchemy.orm import Mapped, mapped_column


class Asking:
    """Of a row whose call to the provider may be made again: how often the provider failed at it, and as what."""

    failed_calls: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    failed_as: Mapped[str | None] = mapped_column(String(64))
