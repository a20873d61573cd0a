"""Keep the tariff of a product version."""

from uuid import UUID

from sqlalchemy import insert

from marketplace.infra.db import db
from marketplace.rating import rules
from marketplace.rating.models import TariffRow
from marketplace.rating.values import Tariff


def store_tariff(product_version_id: UUID, tariff: Tariff) -> str:
    """Keep the tariff of a version, once and for ever; returns its hash. Raises TariffFault where it cannot be used."""
    rules.compile_tariff(tariff)
    sha256 = tariff.sha256
    db.session.execute(
        insert(TariffRow).values(product_version_id=product_version_id, sha256=sha256, body=tariff.to_json())
    )
    return sha256
