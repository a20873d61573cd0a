"""Enter what is known of an insurer. Nothing is overwritten: the latest of a kind is in force, the others stay."""

from uuid import UUID

from marketplace.accounts.models import InsurerFactRow
from marketplace.accounts.queries import fact_of, insurer
from marketplace.accounts.services import checks
from marketplace.accounts.values import InsurerFact, NewFact
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock, ids


def record_fact(new: NewFact, entered_by: UUID | None) -> InsurerFact:
    """Say something of an insurer, or that it is not known any more. Raises Invalid and InsurerNotFound.

    `entered_by` is the member of the marketplace's staff who answers for it; none in a demonstration.
    """
    insurer(new.insurer_id)
    checks.fact(new, clock.today(ZONE))
    row = InsurerFactRow(
        id=ids.new_id(),
        insurer_id=new.insurer_id,
        kind=new.kind.value,
        figure=new.figure,
        words=new.words.to_json() if new.words else None,
        source=new.source.to_json(),
        as_of=new.as_of,
        entered_at=clock.now(),
        entered_by=entered_by,
    )
    db.session.add(row)
    db.session.flush()
    return fact_of(row)
