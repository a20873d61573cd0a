"""The table of wordings. Immutable for the site: it may insert and read, never update or delete."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CHAR, CheckConstraint, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.infra.db import Base


class WordingRow(Base):
    __tablename__ = "disclosure_wording"
    __table_args__ = (
        UniqueConstraint("key", "locale", "version", name="uq_disclosure_wording_version"),
        CheckConstraint("version > 0", name="version_from_one"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(40))
    locale: Mapped[str] = mapped_column(String(16))
    version: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(CHAR(64))
    published_at: Mapped[datetime]
