"""Keep the tariff of a product version."""

import secrets
from uuid import UUID

from sqlalchemy import insert

from marketplace.infra.db import db
from marketplace.kernel.canonical import digest
from marketplace.rating import rules
from marketplace.rating.models import TariffRow
from marketplace.rating.rules import proofs
from marketplace.rating.values import Tariff


def store_tariff(product_version_id: UUID, tariff: Tariff) -> str:
    """Keep the tariff of a version, once and for ever; returns its hash, the root over its cells.

    Raises TariffFault where it cannot be used.
    """
    rules.compile_tariff(tariff)
    key = secrets.token_bytes(proofs.KEY_BYTES)
    root = proofs.tree_of(tariff, key).root.hex()
    body = tariff.to_json()
    db.session.execute(
        insert(TariffRow).values(
            product_version_id=product_version_id, sha256=digest(body), body=body, root=root, proof_key=key
        )
    )
    return root
