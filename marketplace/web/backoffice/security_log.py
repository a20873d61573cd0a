"""What happened at the doors, for those who look after the site's security (ASVS 16.3)."""

from uuid import UUID

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from wtforms import Field, SelectField, StringField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # the stubs are of an older version
from wtforms.validators import Length, ValidationError

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import EventOutcome, SecurityEventFilter, SecurityEventType
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.web import desks
from marketplace.web.fields import Filters, printable

blueprint = Blueprint("security_log", __name__, url_prefix="/admin/security")

_TYPES: dict[SecurityEventType, str] = {
    SecurityEventType.SIGN_IN: _l("Sign-in"),
    SecurityEventType.SIGN_OUT: _l("Sign-out"),
    SecurityEventType.SESSION_ENDED: _l("Session ended"),
    SecurityEventType.SECOND_FACTOR: _l("Second step"),
    SecurityEventType.FACTOR_ADDED: _l("Second step added"),
    SecurityEventType.FACTOR_REMOVED: _l("Second step removed"),
    SecurityEventType.RECOVERY_CODES_MADE: _l("Recovery codes made"),
    SecurityEventType.STEP_UP: _l("Identity confirmed again"),
    SecurityEventType.PASSWORD_CHANGED: _l("Password changed"),
    SecurityEventType.DATA_EXPORTED: _l("Copy of data made"),
    SecurityEventType.STAFF_ADDED: _l("Account of staff made"),
    SecurityEventType.ACCOUNT_DISABLED: _l("Account locked out"),
    SecurityEventType.APPLICANT_APPROVED: _l("Application of an insurer approved"),
    SecurityEventType.APPLICANT_REJECTED: _l("Application of an insurer rejected"),
    SecurityEventType.STAFF_INVITED: _l("Staff of an insurer invited"),
    SecurityEventType.INVITATION_WITHDRAWN: _l("Invitation withdrawn"),
    SecurityEventType.TERMS_PROPOSED: _l("Commission terms proposed"),
    SecurityEventType.TERMS_ACCEPTED: _l("Commission terms accepted"),
    SecurityEventType.PAYEE_BEGUN: _l("Account of an insurer at Stripe begun"),
    SecurityEventType.INSURER_STARTED: _l("An insurer begins to sell"),
    SecurityEventType.INSURER_SUSPENDED: _l("Sales of an insurer stopped"),
    SecurityEventType.LIFTING_ASKED: _l("Asked to let an insurer sell"),
    SecurityEventType.LIFTING_REFUSED: _l("An insurer stays stopped"),
    SecurityEventType.INSURER_RESUMED: _l("An insurer sells again"),
    SecurityEventType.API_KEY_MADE: _l("Key of a machine made"),
    SecurityEventType.API_KEY_REVOKED: _l("Key of a machine revoked"),
    SecurityEventType.API_KEY_USED: _l("Catalog sent with a key"),
    SecurityEventType.ACCOUNT_CLOSED: _l("Account closed"),
    SecurityEventType.DATA_ERASED: _l("Data erased"),
    SecurityEventType.DOOR_REFUSED: _l("Tried to open what is not theirs"),
    SecurityEventType.FORGED_REQUEST: _l("Request that did not come from our pages"),
    SecurityEventType.LIMIT_REACHED: _l("Too many tries"),
    SecurityEventType.STEP_OUT_OF_ORDER: _l("Step of an application out of its order"),
    SecurityEventType.STAFF_ACT: _l("Act by staff"),
    SecurityEventType.SALE_VIEWED: _l("Sale looked at"),
    SecurityEventType.EVIDENCE_VIEWED: _l("Evidence of a contract looked at or downloaded"),
    SecurityEventType.DATA_REQUEST_VIEWED: _l("Request about personal data read"),
    SecurityEventType.DISPUTE_VIEWED: _l("Disputes about a contract read"),
    SecurityEventType.PRACTITIONER_PROPOSED: _l("Certificate of a practitioner entered"),
    SecurityEventType.PRACTITIONER_CHECKED: _l("Certificate of a practitioner checked"),
    SecurityEventType.PRACTITIONER_ENDED: _l("Certificate of a practitioner ended"),
    SecurityEventType.CONSULTATION_VIEWED: _l("Question to an insurer read"),
    SecurityEventType.BORDEREAU_TAKEN: _l("Bordereau with persons taken"),
}
_OUTCOMES: dict[EventOutcome, tuple[str, str]] = {
    EventOutcome.DONE: (_l("done"), "plain"),
    EventOutcome.REFUSED: (_l("refused"), "warn"),
}


class EventFilterForm(Filters):
    type = SelectField(_l("What happened"), default="")
    outcome = SelectField(_l("Outcome"), default="")
    account = StringField(_l("Number of the account"), [Length(max=36), printable], render_kw={"type": "search"})

    def validate_account(self, field: Field) -> None:
        try:
            UUID(field.data or str(UUID(int=0)))
        except ValueError:
            raise ValidationError(_("This is not the number of an account.")) from None

    def to_value(self) -> SecurityEventFilter:
        """The wish of a valid form."""
        return SecurityEventFilter(
            type=SecurityEventType(self.type.data) if self.type.data else None,
            outcome=EventOutcome(self.outcome.data) if self.outcome.data else None,
            account_id=UUID(self.account.data) if self.account.data else None,
        )


@blueprint.get("")
def events() -> ResponseReturnValue:
    form = EventFilterForm(request.args)
    every = SelectChoice("", _("All"))
    form.type.choices = [every, *(SelectChoice(kind.value, str(words)) for kind, words in _TYPES.items())]
    form.outcome.choices = [
        every,
        *(SelectChoice(each.value, str(words)) for each, (words, _tone) in _OUTCOMES.items()),
    ]
    found = None
    if form.validate():
        found = accounts.security_events(form.to_value(), desks.page_number(), size=desks.PAGE_SIZE)
    page = render_template(
        "backoffice/security_events.html",
        form=form,
        found=found,
        types=_TYPES,
        outcomes=_OUTCOMES,
        staff={account.id: account.name for account in accounts.staff()},
    )
    return page, 422 if form.errors else 200
