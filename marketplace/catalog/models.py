"""Tables of the catalog. A version is written once; only how its sale ends is written later."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CHAR, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, literal_column, select
from sqlalchemy.dialects.postgresql import DATERANGE, ExcludeConstraint, Range, insert
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.infra.db import Base, db
from marketplace.kernel import ids

NO_OVERLAP = "ex_catalog_product_version_effective"


class ProductRow(Base):
    __tablename__ = "catalog_product"
    __table_args__ = (UniqueConstraint("insurer_id", "code"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    insurer_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_insurer.id"))
    code: Mapped[str] = mapped_column(String(40))
    line: Mapped[str] = mapped_column(String(20))


class ProductVersionRow(Base):
    """`effective` is cut where a newer version begins; `declared_to` is the end that the insurer gave. From
    `sale_stops_at` (business time) on there are no new offers; a withdrawn version's offers do not stand either.
    """

    __tablename__ = "catalog_product_version"
    __table_args__ = (
        UniqueConstraint("product_id", "number"),
        CheckConstraint("NOT isempty(effective) AND NOT lower_inf(effective)", name="effective_begins"),
        # One version for each product and day. The range of uuid is our own type: no extension is needed.
        ExcludeConstraint(
            (literal_column("catalog_uuid_range(product_id, product_id, '[]')"), "&&"),
            ("effective", "&&"),
            using="gist",
            where="withdrawn_at IS NULL",
            name=NO_OVERLAP,
        ),
        Index("ix_catalog_product_version_line", "line"),
        Index("ix_catalog_product_version_insurer", "insurer_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    product_id: Mapped[UUID] = mapped_column(ForeignKey("catalog_product.id"))
    insurer_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_insurer.id"))
    number: Mapped[int]
    line: Mapped[str] = mapped_column(String(20))
    profile: Mapped[str] = mapped_column(String(20))
    content: Mapped[dict[str, Any]] = mapped_column(deferred=True)
    content_sha256: Mapped[str] = mapped_column(CHAR(64))
    effective: Mapped[Range[date]] = mapped_column(DATERANGE)
    declared_to: Mapped[date | None]
    published_at: Mapped[datetime]
    published_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_account.id"))
    withdrawn_at: Mapped[datetime | None]
    sale_stops_at: Mapped[datetime | None]


class SaleEndRow(Base):
    """That, from when and why a version is sold no more. `business_at` is from when, by the clock of contracts."""

    __tablename__ = "catalog_sale_end"
    __table_args__ = (
        CheckConstraint("kind IN ('stop_sale', 'recall', 'withdrawal')", name="kind"),
        Index("ix_catalog_sale_end_version", "product_version_id", "noted_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    product_version_id: Mapped[UUID] = mapped_column(ForeignKey("catalog_product_version.id"))
    insurer_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_insurer.id"))
    kind: Mapped[str] = mapped_column(String(20))
    business_at: Mapped[datetime]
    reason: Mapped[dict[str, Any]]
    noted_at: Mapped[datetime]
    noted_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_account.id"))


class DocumentRow(Base):
    __tablename__ = "catalog_document"
    __table_args__ = (UniqueConstraint("product_version_id", "position"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    product_version_id: Mapped[UUID] = mapped_column(ForeignKey("catalog_product_version.id"))
    position: Mapped[int]
    kind: Mapped[str] = mapped_column(String(20))
    locale: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(40))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(CHAR(64))


def locked_product(insurer_id: UUID, code: str, line: str) -> ProductRow:
    """The product, made if it is new, locked until the end of the transaction: one publication after the other."""
    row = {"id": ids.new_id(), "insurer_id": insurer_id, "code": code, "line": line}
    db.session.execute(insert(ProductRow).values(row).on_conflict_do_nothing(index_elements=["insurer_id", "code"]))
    return db.session.execute(
        select(ProductRow).where(ProductRow.insurer_id == insurer_id, ProductRow.code == code).with_for_update()
    ).scalar_one()


def lock_product_of(version_id: UUID) -> None:
    """Lock the product of a version until the end of the transaction, as `locked_product` does."""
    db.session.execute(
        select(ProductRow.id)
        .where(
            ProductRow.id
            == select(ProductVersionRow.product_id).where(ProductVersionRow.id == version_id).scalar_subquery()
        )
        .with_for_update()
    )


def locked_version(version_id: UUID) -> ProductVersionRow | None:
    """The version, locked until the end of the transaction."""
    return db.session.get(ProductVersionRow, version_id, with_for_update=True, populate_existing=True)
