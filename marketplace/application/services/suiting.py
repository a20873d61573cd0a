"""Whether the insurance suits: what the applicant tells of it, and going on although something speaks against it."""

from collections.abc import Mapping
from uuid import UUID

from marketplace.application.queries import read, view_of
from marketplace.application.services.gate import Visit, confirm, enter, record, sealed
from marketplace.application.values import Acting, Application, Circumstance, ConfirmationKind, Step, TextChanged
from marketplace.disclosure import queries as disclosure
from marketplace.disclosure.values import WordingKey
from marketplace.infra.db import db
from marketplace.infra.formatting import gettext as _
from marketplace.kernel.errors import Invalid
from marketplace.traceability.services import record_act
from marketplace.traceability.values import SYSTEM, Act, EntryType


def tell_circumstances(by: Acting, application_id: UUID, told: Mapping[Circumstance, bool]) -> Application:
    """All that is asked of whether it suits, before who applies is told (N108-07); what speaks against it is found at
    once and entered. May be changed until submission. Raises Invalid naming what was not answered, or not asked.
    """
    visit = enter(by, application_id, Step.NEEDS)
    row, asked = visit.row, visit.view.circumstances_asked
    faults = {name.value: _("Answer yes or no.") for name in asked if name not in told}
    faults |= {name.value: _("This question is not asked.") for name in told if name not in asked}
    if faults:
        raise Invalid(faults)
    answers = {name.value: told[name] for name in asked}
    if answers != row.circumstances:
        stated = list(visit.view.offer.need.stated)
        body = {"stated": stated, "old": sealed(row.circumstances), "new": sealed(answers)}
        record(by, row, EntryType.NEEDS_STATED, body)
        row.circumstances = answers
        db.session.flush()
        _judge(Visit(by, row, view_of(row)))
    return read(row)


def _judge(visit: Visit) -> None:
    misfits = [each.kind for each in visit.view.misfits]
    row = visit.row
    body = {"misfits": misfits, "subject_sha256": visit.view.misfits_sha256}
    record_act(
        Act(
            journey_id=row.journey_id,
            type=EntryType.SUITABILITY_JUDGED,
            body=body,
            actor=SYSTEM,
            application_id=row.id,
            insurer_id=row.insurer_id,
        )
    )


def go_on_against(by: Acting, application_id: UUID, sha256: str) -> Application:
    """Going on of one's own will against exactly these points (SCM article 28). Its entry has their words.

    Raises TextChanged where others speak against it by now, or none.
    """
    visit = enter(by, application_id, Step.NEEDS)
    view = visit.view
    if not view.misfits or view.misfits_sha256 != sha256:
        raise TextChanged
    wording = disclosure.wording(WordingKey.OWN_WILL, visit.row.locale)
    body = {
        "misfits": [each.kind for each in view.misfits],
        "words": [each.words.to_json() for each in view.misfits],
        "wording": wording.key,
        "version": wording.version,
    }
    confirm(visit, ConfirmationKind.OWN_WILL, sha256, body)
    return read(visit.row)
