"""Have others say when the log was how large (RFC 3161), and enter what they said into the log itself.

So whatever stands behind such an entry was put there after its token was made, and whatever the stamped tree has was
there before (decision 20).
"""

from sqlalchemy import insert
from sqlalchemy.dialects.postgresql import insert as upsert

from marketplace.infra import seals
from marketplace.infra.db import db
from marketplace.kernel.canonical import sha256_hex
from marketplace.traceability import queries
from marketplace.traceability.models import TimeAuthorityRow, TimestampRow, is_alone_in_stamping
from marketplace.traceability.rules.notes import Checkpoint
from marketplace.traceability.services.recording import record_of_log
from marketplace.traceability.values import EntryType


def stamp_log(authority: str, *, unchanged_too: bool = False) -> int | None:
    """Have the newest checkpoint stamped; its size, or None where there is nothing to stamp, or somebody else is at it.

    Raises Unavailable where the authority gives nothing to rely on. Nothing is written then, so the log stays due.
    The authority is asked before anything is written: a transaction that has written holds back the sequencer.
    """
    if not is_alone_in_stamping(authority):
        return None
    due = queries.to_be_stamped(authority, unchanged_too=unchanged_too)
    if due is None:
        return None
    size, note = due
    stamp = seals.stamp(authority, bytes.fromhex(sha256_hex(note.encode())))
    checkpoint = Checkpoint.parse(note.partition("\n\n")[0] + "\n")
    said = {
        "authority": authority,
        "size": size,
        "root": checkpoint.root.hex(),
        "token_sha256": sha256_hex(stamp.token),
    }
    entry_id = record_of_log(checkpoint.origin, EntryType.LOG_STAMPED, said)
    root = {"name": authority, "root_sha256": sha256_hex(stamp.root), "root": stamp.root.decode(), "first_at": stamp.at}
    token = {
        "authority": authority,
        "size": size,
        "token": stamp.token,
        "stamped_at": stamp.at,
        "entry_id": entry_id,
    }
    db.session.execute(upsert(TimeAuthorityRow).values(**root).on_conflict_do_nothing())
    db.session.execute(insert(TimestampRow).values(**token))
    return size
