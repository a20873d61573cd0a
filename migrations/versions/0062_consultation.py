"""Questions to insurers and their answers, by practitioners of a register; what of them everybody may read."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

revision = "0062_consultation"
down_revision = "0061_needs"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ALL = "(SELECT tenant_is_everybody())"
OWN = "(SELECT tenant_insurer())"
PRACTITIONER, THREAD = "accounts_practitioner", "consultation_thread"
MESSAGE, PUBLIC = "consultation_message", "consultation_public_answer"
TABLES = (PRACTITIONER, THREAD, MESSAGE, PUBLIC)

# What an insurer's connection opens of a question: the thread's own key, and the visit's, to seal its answer's entry in
# it. Not before the asker's address is proven, and not once it is forgotten; the key of an application comes with that.
KEYS = f"""
EXISTS (SELECT FROM {THREAD} t WHERE t.state <> 'unconfirmed' AND t.erased_at IS NULL
    AND (t.id = infra_subject_key.id OR t.application_id IS NULL AND t.journey_id = infra_subject_key.id))
"""

# A thread leads to keys, so nobody who answers in it moves it.
KEEP_THREAD = f"""
CREATE FUNCTION consultation_keep_thread() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.insurer_id, NEW.product_version_id, NEW.journey_id, NEW.application_id, NEW.sealed_for)
        IS DISTINCT FROM
        (OLD.id, OLD.insurer_id, OLD.product_version_id, OLD.journey_id, OLD.application_id, OLD.sealed_for)
    THEN
        RAISE insufficient_privilege USING MESSAGE = 'of whom something was asked, and where, is not changed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_thread BEFORE UPDATE ON {THREAD} FOR EACH ROW EXECUTE FUNCTION consultation_keep_thread()
"""

# What was said is never said otherwise: it is taken out, or dropped with a thread that reached nobody.
KEEP_MESSAGE = f"""
CREATE FUNCTION consultation_keep_message() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.thread_id, NEW.insurer_id, NEW.number, NEW.side, NEW.sealed_for, NEW.sha256, NEW.page_version_id)
        IS DISTINCT FROM
        (OLD.id, OLD.thread_id, OLD.insurer_id, OLD.number, OLD.side, OLD.sealed_for, OLD.sha256, OLD.page_version_id)
        OR (NEW.practitioner_id, NEW.waited_since, NEW.due_at)
        IS DISTINCT FROM (OLD.practitioner_id, OLD.waited_since, OLD.due_at)
        OR (NEW.words IS NOT NULL AND NEW.words IS DISTINCT FROM OLD.words)
    THEN
        RAISE insufficient_privilege USING MESSAGE = 'what was said is not changed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_message BEFORE UPDATE ON {MESSAGE} FOR EACH ROW EXECUTE FUNCTION consultation_keep_message()
"""


def upgrade() -> None:
    _create_practitioner()
    _create_thread()
    _create_message()
    _create_public_answer()
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenants ON {table} USING ({ALL} OR insurer_id = {OWN})")
    for table in (PRACTITIONER, PUBLIC):
        op.execute(f"REVOKE DELETE ON {table} FROM marketplace_app")
    # Customers ask and the marketplace forgets; an insurer's connection does neither.
    op.execute(f"CREATE POLICY asked ON {THREAD} AS RESTRICTIVE FOR INSERT WITH CHECK ({ALL})")
    op.execute(f"CREATE POLICY dropped ON {THREAD} AS RESTRICTIVE FOR DELETE USING ({ALL})")
    op.execute(f"CREATE POLICY of_a_question ON infra_subject_key FOR SELECT USING ({KEYS})")
    op.execute(KEEP_THREAD)
    op.execute(KEEP_MESSAGE)
    # Pages of products are kept in memory with their public answers, and who answered them (0021).
    for table in (PRACTITIONER, PUBLIC):
        op.execute(
            f"CREATE TRIGGER renew_public_revision AFTER INSERT OR UPDATE OR DELETE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION infra_renew_public_revision()"
        )


def _create_practitioner() -> None:
    op.create_table(
        PRACTITIONER,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("insurer_id", sa.Uuid(), sa.ForeignKey("accounts_insurer.id"), nullable=False),
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("accounts_account.id"), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("certificate_no", sa.String(40), nullable=False),
        sa.Column("lines", JSONB(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("standing", sa.String(16), nullable=False),
        sa.Column("proposed_at", INSTANT, nullable=False),
        sa.Column("proposed_by", sa.Uuid(), sa.ForeignKey("accounts_account.id"), nullable=False),
        sa.Column("checked_at", INSTANT),
        sa.Column("checked_by", sa.Uuid(), sa.ForeignKey("accounts_account.id")),
        sa.Column("ended_at", INSTANT),
        sa.Column("ended_by", sa.Uuid(), sa.ForeignKey("accounts_account.id")),
        sa.PrimaryKeyConstraint("id", name=f"pk_{PRACTITIONER}"),
        *_checks(
            PRACTITIONER,
            standing="standing IN ('proposed', 'registered', 'refused', 'ended')",
            period="valid_from <= valid_to",
            checked="(standing = 'proposed') = (checked_at IS NULL)",
            checked_by_somebody="(checked_at IS NULL) = (checked_by IS NULL)",
            ended_by_somebody="(ended_at IS NULL) = (ended_by IS NULL)",
            registered_by_two="standing <> 'registered' OR checked_by <> proposed_by",
        ),
    )
    op.create_index(
        f"uq_{PRACTITIONER}_certificate",
        PRACTITIONER,
        ["insurer_id", "certificate_no"],
        unique=True,
        postgresql_where=sa.text("standing IN ('proposed', 'registered')"),
    )
    op.create_index(
        f"uq_{PRACTITIONER}_registered",
        PRACTITIONER,
        ["certificate_no"],
        unique=True,
        postgresql_where=sa.text("standing = 'registered'"),
    )
    op.create_index(f"ix_{PRACTITIONER}_insurer_id", PRACTITIONER, ["insurer_id", "proposed_at"])
    op.create_index(f"ix_{PRACTITIONER}_account_id", PRACTITIONER, ["account_id"])


def _create_thread() -> None:
    op.create_table(
        THREAD,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("insurer_id", sa.Uuid(), sa.ForeignKey("accounts_insurer.id"), nullable=False),
        sa.Column("product_version_id", sa.Uuid(), sa.ForeignKey("catalog_product_version.id"), nullable=False),
        sa.Column("journey_id", sa.Uuid(), sa.ForeignKey("traceability_journey.id"), nullable=False),
        sa.Column("application_id", sa.Uuid(), sa.ForeignKey("application_application.id")),
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("accounts_account.id")),
        sa.Column("sealed_for", sa.Uuid(), nullable=False),
        sa.Column("locale", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        *(sa.Column(name, INSTANT) for name in ("waiting_since", "due_at", "answered_at")),
        sa.Column("consent_sha256", sa.CHAR(64)),
        *(sa.Column(name, INSTANT) for name in ("consent_at", "consent_withdrawn_at", "erased_at")),
        sa.PrimaryKeyConstraint("id", name=f"pk_{THREAD}"),
        sa.UniqueConstraint("reference", name=f"uq_{THREAD}_reference"),
        *_checks(
            THREAD,
            state="state IN ('unconfirmed', 'waiting', 'answered')",
            asked_by_somebody="(state = 'unconfirmed') = (account_id IS NULL) OR erased_at IS NOT NULL",
            waits_since="(state = 'waiting') = (waiting_since IS NOT NULL)",
            waits_until="(waiting_since IS NULL) = (due_at IS NULL)",
            consent_to_a_text="(consent_sha256 IS NULL) = (consent_at IS NULL)",
            consent_before_withdrawal="consent_withdrawn_at IS NULL OR consent_at IS NOT NULL",
        ),
    )
    op.create_index(f"ix_{THREAD}_insurer_id", THREAD, ["insurer_id", "asked_at"])
    op.create_index(f"ix_{THREAD}_account_id", THREAD, ["account_id", "asked_at"])
    op.create_index(f"ix_{THREAD}_journey_id", THREAD, ["journey_id"])
    op.create_index(f"ix_{THREAD}_waiting", THREAD, ["due_at"], postgresql_where=sa.text("state = 'waiting'"))
    op.create_index(
        f"ix_{THREAD}_unconfirmed", THREAD, ["created_at"], postgresql_where=sa.text("state = 'unconfirmed'")
    )
    op.create_index(
        f"uq_{THREAD}_application",
        THREAD,
        ["application_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'unconfirmed'"),
    )


def _create_message() -> None:
    op.create_table(
        MESSAGE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("thread_id", sa.Uuid(), sa.ForeignKey(f"{THREAD}.id"), nullable=False),
        sa.Column("insurer_id", sa.Uuid(), sa.ForeignKey("accounts_insurer.id"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("side", sa.String(16), nullable=False),
        sa.Column("sealed_for", sa.Uuid(), nullable=False),
        sa.Column("words", sa.LargeBinary()),
        sa.Column("sha256", sa.CHAR(64), nullable=False),
        sa.Column("page_version_id", sa.CHAR(64)),
        sa.Column("practitioner_id", sa.Uuid(), sa.ForeignKey(f"{PRACTITIONER}.id")),
        sa.Column("written_at", INSTANT, nullable=False),
        sa.Column("waited_since", INSTANT),
        sa.Column("due_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name=f"pk_{MESSAGE}"),
        sa.UniqueConstraint("thread_id", "number", name=f"uq_{MESSAGE}_thread_id"),
        *_checks(
            MESSAGE,
            side="side IN ('customer', 'insurer')",
            answered_by_a_practitioner="(side = 'insurer') = (practitioner_id IS NOT NULL)",
            answer_was_waited_for="(side = 'insurer') = (waited_since IS NOT NULL)",
            answer_was_due="(waited_since IS NULL) = (due_at IS NULL)",
        ),
    )
    op.create_index(
        f"ix_{MESSAGE}_measured",
        MESSAGE,
        ["insurer_id", "written_at"],
        postgresql_where=sa.text("side = 'insurer'"),
    )


def _create_public_answer() -> None:
    op.create_table(
        PUBLIC,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("thread_id", sa.Uuid(), sa.ForeignKey(f"{THREAD}.id"), nullable=False),
        sa.Column("insurer_id", sa.Uuid(), sa.ForeignKey("accounts_insurer.id"), nullable=False),
        sa.Column("product_id", sa.Uuid(), sa.ForeignKey("catalog_product.id"), nullable=False),
        sa.Column("product_version_id", sa.Uuid(), sa.ForeignKey("catalog_product_version.id"), nullable=False),
        sa.Column("version_number", sa.Integer(), nullable=False),
        sa.Column("practitioner_id", sa.Uuid(), sa.ForeignKey(f"{PRACTITIONER}.id"), nullable=False),
        sa.Column("said", JSONB(), nullable=False),
        sa.Column("words", TSVECTOR(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("written_at", INSTANT, nullable=False),
        sa.Column("written_by", sa.Uuid(), sa.ForeignKey("accounts_account.id"), nullable=False),
        sa.Column("decided_at", INSTANT),
        sa.Column("decided_by", sa.Uuid(), sa.ForeignKey("accounts_account.id")),
        sa.Column("refusal", sa.String(1000)),
        sa.Column("withdrawn_at", INSTANT),
        sa.Column("withdrawal", sa.String(16)),
        sa.PrimaryKeyConstraint("id", name=f"pk_{PUBLIC}"),
        *_checks(
            PUBLIC,
            state="state IN ('proposed', 'published', 'refused', 'withdrawn')",
            decided_by_somebody="(decided_at IS NULL) = (decided_by IS NULL)",
            published_by_somebody="state <> 'published' OR decided_at IS NOT NULL",
            published_by_another="decided_by IS NULL OR decided_by <> written_by",
            refused_for_a_reason="(state = 'refused') = (refusal IS NOT NULL)",
            withdrawn_then="(state = 'withdrawn') = (withdrawn_at IS NOT NULL)",
            withdrawn_for_a_reason="(withdrawn_at IS NULL) = (withdrawal IS NULL)",
        ),
    )
    op.create_index(
        f"uq_{PUBLIC}_thread",
        PUBLIC,
        ["thread_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('proposed', 'published')"),
    )
    op.create_index(f"ix_{PUBLIC}_insurer_id", PUBLIC, ["insurer_id", "written_at"])
    op.create_index(f"ix_{PUBLIC}_product_id", PUBLIC, ["product_id"], postgresql_where=sa.text("state = 'published'"))
    op.create_index(f"ix_{PUBLIC}_words", PUBLIC, ["words"], postgresql_using="gin")


def _checks(table: str, **rules: str) -> list[sa.CheckConstraint]:
    return [sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}")) for name, rule in rules.items()]


def downgrade() -> None:
    raise SystemExit("What was asked and answered is evidence: restore a backup of before instead.")
