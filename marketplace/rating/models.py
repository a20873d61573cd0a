"""Table of rating. A tariff is written once."""

from typing import Any
from uuid import UUID

from sqlalchemy import CHAR, ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.infra.db import Base


class TariffRow(Base):
    """The tariff of a product version in canonical form.

    `root` is its hash, which offers and evidence name; `proof_key` opens it cell by cell (`rules.proofs`). `sha256` is
    the digest of the body as it lies here: quick to compare each time it is loaded.
    """

    __tablename__ = "rating_tariff"

    product_version_id: Mapped[UUID] = mapped_column(ForeignKey("catalog_product_version.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(CHAR(64))
    body: Mapped[dict[str, Any]]
    root: Mapped[str] = mapped_column(CHAR(64))
    proof_key: Mapped[bytes] = mapped_column(LargeBinary)
