"""The hash of a tariff is the root over its cells; offers name it instead of the digest of the whole.

What is kept already is computed here from the bodies as they lie: the rows of a tariff never change.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0026_tariff_roots"
down_revision = "0025_after_closing"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("rating_tariff", sa.Column("root", sa.CHAR(64)))
    op.add_column("rating_tariff", sa.Column("proof_key", sa.LargeBinary()))
    bind = op.get_bind()
    for version_id, body in bind.execute(sa.text("SELECT product_version_id, body FROM rating_tariff")).all():
        key = secrets.token_bytes(32)
        bind.execute(
            sa.text("UPDATE rating_tariff SET root = :root, proof_key = :key WHERE product_version_id = :id"),
            {"root": _root(body, key).hex(), "key": key, "id": version_id},
        )
    op.alter_column("rating_tariff", "root", nullable=False)
    op.alter_column("rating_tariff", "proof_key", nullable=False)
    op.alter_column("quoting_offer", "tariff_sha256", new_column_name="tariff_root")
    bind.execute(
        sa.text(
            "UPDATE quoting_offer o SET tariff_root = t.root FROM rating_tariff t "
            "WHERE t.product_version_id = o.product_version_id"
        )
    )


def downgrade() -> None:
    raise SystemExit("Offers made since name roots; what their digests would be is not known: restore a backup.")


def _root(body: dict[str, Any], key: bytes) -> bytes:
    level = [
        hashlib.sha256(b"\0" + hmac.digest(key, number.to_bytes(8), "sha256")[:16] + _spelled(leaf)).digest()
        for number, leaf in enumerate(_leaves(body))
    ]
    while len(level) > 1:
        pairs = [
            hashlib.sha256(b"\1" + level[place] + level[place + 1]).digest() for place in range(0, len(level) - 1, 2)
        ]
        level = pairs + level[len(pairs) * 2 :]
    return level[0]


def _leaves(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    tables = [
        {"name": each["name"], "value": each["value"], "exact": each["exact"], "banded": each["banded"],
         "interpolated": [], "scale": None, "rows": len(each["rows"])}
        for each in body["tables"]
    ]  # fmt: skip
    yield body | {"tables": tables}
    yield from ({"row": row, "table": table["name"]} for table in body["tables"] for row in table["rows"])


def _spelled(leaf: dict[str, Any]) -> bytes:
    return json.dumps(leaf, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
