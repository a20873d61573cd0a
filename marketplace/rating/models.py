"""Table of rating. A tariff is written once."""

from typing import Any
from uuid import UUID

from sqlalchemy import CHAR, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.infra.db import Base


class TariffRow(Base):
    """The tariff of a product version in canonical form; `sha256` is the digest of its canonical bytes."""

    __tablename__ = "rating_tariff"

    product_version_id: Mapped[UUID] = mapped_column(ForeignKey("catalog_product_version.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(CHAR(64))
    body: Mapped[dict[str, Any]]
