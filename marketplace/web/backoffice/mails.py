"""What became of the mails: those that did not arrive, why, and how late policies are. No word of any mail is shown."""

from datetime import timedelta
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import SelectField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # the stubs are of an older version

from marketplace.accounts.values import Role
from marketplace.checkout import queries as orders
from marketplace.correspondence import queries, services
from marketplace.correspondence.values import MessageFilter, MessageKind, MessageState, NotResendable
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.kernel import clock
from marketplace.policy import queries as policies
from marketplace.privacy import queries as privacy
from marketplace.privacy.values import Restricted
from marketplace.web import access, desks, mail_words
from marketplace.web.fields import Filters

blueprint = Blueprint("mail_desk", __name__, url_prefix="/admin/mail")

COUNTED = timedelta(days=30)
_TROUBLED, _ALL = "troubled", "all"


class MailFilterForm(Filters):
    state = SelectField(_l("State"), default=_TROUBLED)
    kind = SelectField(_l("What it is about"), default="")

    def to_value(self) -> MessageFilter:
        """The wish of a valid form."""
        return MessageFilter(
            troubled=self.state.data == _TROUBLED,
            state=MessageState(self.state.data) if self.state.data in set(MessageState) else None,
            kind=MessageKind(self.kind.data) if self.kind.data else None,
        )


@blueprint.get("")
def mails() -> ResponseReturnValue:
    form = MailFilterForm(request.args)
    form.state.choices = [
        SelectChoice(_TROUBLED, _("did not arrive, or not at once")),
        SelectChoice(_ALL, _("All")),
        *(SelectChoice(state.value, str(words)) for state, (words, _tone) in mail_words.STATES.items()),
    ]
    form.kind.choices = [
        SelectChoice("", _("All")),
        *(SelectChoice(kind.value, str(words)) for kind, words in mail_words.KINDS.items()),
    ]
    found = queries.outlines(form.to_value(), desks.page_number(), desks.PAGE_SIZE) if form.validate() else None
    late = orders.late_deliveries()
    page = render_template(
        "backoffice/mails.html",
        form=form,
        found=found,
        counts=queries.state_counts(clock.now() - COUNTED),
        states=mail_words.STATES,
        kinds=mail_words.KINDS,
        reason=mail_words.reason,
        late=late,
        numbers={each.id: each.number for each in policies.frames(each.policy_id for each in late)},
        now=clock.business_now(),
    )
    return page, 422 if form.errors else 200


@blueprint.post("/<uuid:message_id>/again")
def again(message_id: UUID) -> ResponseReturnValue:
    """Send the same bytes again. Where the customer closed the account, only compliance does: raises Restricted."""
    about = queries.trail_of(message_id)
    restricted = about is not None and privacy.restriction_on(about.journey_id, about.application_id) is not None
    if restricted and access.here().role is not Role.ADMIN_COMPLIANCE:
        raise Restricted
    try:
        services.resend(message_id)
    except NotResendable:
        flash(_("This mail is on its way, arrived, or its words are not kept any more. Nothing was sent."))
    else:
        flash(_("The mail is on its way again."))
    return redirect(url_for(".mails"), 303)
