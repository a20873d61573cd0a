"""Questions to rating: what does this risk cost, and is this tariff sound?"""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from marketplace.infra.db import db
from marketplace.kernel.canonical import digest
from marketplace.kernel.remembering import Remembered
from marketplace.rating.models import TariffRow
from marketplace.rating.pricing import Rater
from marketplace.rating.rules import loaded, proofs
from marketplace.rating.values import Risk, Tariff, TariffAltered, TariffNotFound

TARIFF_FORMAT = "evenfold-tariff/1"
__all__ = ["TARIFF_FORMAT", "Rater", "altered_tariffs", "loaded", "proof_of", "raters_of", "tariffs_of", "whole_tariff"]


_raters: Remembered[UUID, Rater] = Remembered(size=1024)
"""Version id -> its tariff, compiled. A version's tariff never changes."""


def raters_of(version_ids: Iterable[UUID]) -> dict[UUID, Rater]:
    """The tariffs of several product versions; those this process has not met yet are loaded in one question.

    Raises TariffAltered when a tariff is not what its hash says.
    """
    return _raters.get_all(version_ids, _load)


def tariffs_of(version_ids: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    """The tariffs of several product versions as JSON. Raises TariffAltered when one is not what its hash says."""
    rows = db.session.scalars(select(TariffRow).where(TariffRow.product_version_id.in_(set(version_ids))))
    return {row.product_version_id: _body(row) for row in rows}


def altered_tariffs() -> tuple[UUID, ...]:
    """Product versions whose tariff is not what its hash says. Reads them all: for checks."""
    rows = db.session.execute(select(TariffRow.product_version_id, TariffRow.body, TariffRow.sha256))
    return tuple(sorted(row.product_version_id for row in rows if digest(row.body) != row.sha256))


def proof_of(version_id: UUID, risk: Risk) -> dict[str, Any]:
    """What shows offline how a version's tariff makes the premium of `risk`: its head and the cells used, each with its
    proof to the root (`rules.proofs`). Raises TariffNotFound, TariffAltered, RiskOutOfRange.
    """
    row = db.session.get(TariffRow, version_id)
    if row is None:
        raise TariffNotFound
    proof = proofs.proven(Tariff.from_json(row.body), row.proof_key, risk)
    if proof["root"] != row.root:
        raise TariffAltered
    return proof


def whole_tariff(version_id: UUID) -> dict[str, Any]:
    """The tariff of a version with the key to all its leaves, as JSON (`verify/schema/tariff.json`), for where the
    insurer publishes it. Raises TariffNotFound.
    """
    row = db.session.get(TariffRow, version_id)
    if row is None:
        raise TariffNotFound
    return {"format": TARIFF_FORMAT, "root": row.root, "key": row.proof_key.hex(), "tariff": row.body}


def _load(version_ids: Sequence[UUID]) -> dict[UUID, Rater]:
    rows = db.session.scalars(select(TariffRow).where(TariffRow.product_version_id.in_(version_ids)))
    return {row.product_version_id: _rater(row) for row in rows}


def _rater(row: TariffRow) -> Rater:
    return Rater(_tariff(row), row.root)


def _tariff(row: TariffRow) -> Tariff:
    return Tariff.from_json(_body(row))


def _body(row: TariffRow) -> dict[str, Any]:
    if digest(row.body) != row.sha256:
        raise TariffAltered
    return row.body
