"""What the public check of a file asks: papers by their hashes, and the certificates that seals lead to."""

import sqlalchemy as sa
from alembic import op

revision = "0052_papers"
down_revision = "0050_refund_desk"
branch_labels = None
depends_on = None

ROOT = "policy_seal_root"
HASHES = {"sealed": "document_sha256", "unsealed": "unsigned_sha256"}


def upgrade() -> None:
    for name, column in HASHES.items():
        op.create_index(f"ix_policy_document_{name}", "policy_document", [column])
    op.create_table(
        ROOT,
        sa.Column("sha256", sa.CHAR(64), nullable=False),
        sa.Column("pem", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=f"pk_{ROOT}"),
    )
    op.execute(f"REVOKE UPDATE, DELETE ON {ROOT} FROM marketplace_app")


def downgrade() -> None:
    op.drop_table(ROOT)
    for name in HASHES:
        op.drop_index(f"ix_policy_document_{name}", "policy_document")
