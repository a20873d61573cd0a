"""What staff type at the refund desk. There is no field for where the money goes (O13-43)."""

from collections.abc import Iterable
from decimal import Decimal
from typing import cast
from uuid import UUID

from wtforms import Field, HiddenField, SelectField, StringField, TextAreaField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # the stubs are of an older version
from wtforms.validators import Length, ValidationError

from marketplace.accounts.values import Insurer
from marketplace.infra.formatting import current_locale, format_money
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.kernel import ids
from marketplace.kernel.money import Money
from marketplace.payment.values import WISHED, AskRefund, Attempt, DeskState, DisputeStatus, RefundReason
from marketplace.traceability.values import Actor
from marketplace.web.fields import Figure, Filters, Form, lines_of_text, printable, required

LONGEST_REASON = 500
SHORTEST_REASON = 10

REASONS: dict[RefundReason, str] = {
    RefundReason.CONTRACT_ENDED: _l("The contract ended early"),
    RefundReason.OVERCHARGED: _l("Too much was paid"),
    RefundReason.GOODWILL: _l("Goodwill, at our own cost"),
    RefundReason.AMOUNT_MISMATCH: _l("Another amount came in than was asked for"),
    RefundReason.LATE_PAYMENT: _l("It was paid too late"),
    RefundReason.SECOND_PAYMENT: _l("It was paid twice"),
    RefundReason.NOT_ISSUABLE: _l("No contract could be concluded"),
    RefundReason.WITHDRAWN: _l("The customer withdrew"),
    RefundReason.SURRENDERED: _l("The customer ended the contract early"),
}
STATES: dict[DeskState, tuple[str, str]] = {
    DeskState.WAITING: (_l("waits for a second person"), "warn"),
    DeskState.REFUSED: (_l("not agreed to"), "plain"),
    DeskState.UNDER_WAY: (_l("on its way"), "warn"),
    DeskState.SUCCEEDED: (_l("sent back"), ""),
    DeskState.FAILED: (_l("did not arrive"), "bad"),
    DeskState.OVERTAKEN: (_l("taken back by the customer’s bank"), "plain"),
}


STATUSES: dict[DisputeStatus, tuple[str, str]] = {
    DisputeStatus.WARNING_NEEDS_RESPONSE: (_l("the bank asks; answer it"), "warn"),
    DisputeStatus.WARNING_UNDER_REVIEW: (_l("answered, the bank decides"), "plain"),
    DisputeStatus.WARNING_CLOSED: (_l("the bank asked and let it be"), ""),
    DisputeStatus.NEEDS_RESPONSE: (_l("taken back; answer it"), "bad"),
    DisputeStatus.UNDER_REVIEW: (_l("answered, the bank decides"), "warn"),
    DisputeStatus.WON: (_l("won; the money is here again"), ""),
    DisputeStatus.LOST: (_l("lost; the customer has the money"), "bad"),
    DisputeStatus.PREVENTED: (_l("settled before it began"), "plain"),
}
WHY_DISPUTED: dict[str, str] = {
    "fraudulent": _l("the cardholder did not pay it"),
    "product_not_received": _l("nothing was received for it"),
    "product_unacceptable": _l("what was received is not what was agreed"),
    "duplicate": _l("it was paid twice"),
    "credit_not_processed": _l("a refund did not come"),
    "subscription_canceled": _l("it was cancelled before"),
    "unrecognized": _l("the cardholder does not recognise it"),
}
"""Stripe's reasons (docs.stripe.com/disputes/categories); another one is shown in Stripe's word."""


class DeskForm(Filters):
    text = StringField(
        _l("Policy number, order or payment"),
        [Length(max=255), printable],
        description=_l("A payment as Stripe names it begins with pi_ or cs_."),
        render_kw={"type": "search"},
    )
    state = SelectField(_l("State"), default="")


def desk_form(given: object) -> DeskForm:
    """The filters as the address gives them."""
    form = DeskForm(given)
    choices = (SelectChoice(state.value, str(words)) for state, (words, _tone) in STATES.items())
    form.state.choices = [SelectChoice("", _("All")), *choices]
    return form


class RefundForm(Form):
    """`wish` is made for the form: sent twice, it is asked for once."""

    wish = HiddenField()
    amount = Figure(_l("Amount"), [required()])
    insurer = SelectField(_l("Of whose contract"), default="")
    reason = SelectField(_l("Reason"), validators=[required()])
    words = TextAreaField(
        _l("In a sentence, why"),
        [required(), lines_of_text, Length(min=SHORTEST_REASON, max=LONGEST_REASON)],
        description=_l("The second person decides by it. Do not name the customer."),
        render_kw={"rows": "3"},
    )
    currency: str

    def validate_wish(self, field: Field) -> None:
        try:
            UUID(field.data or "")
        except ValueError:
            raise ValidationError(_("Please reload the page and fill it in again.")) from None

    def validate_amount(self, field: Field) -> None:
        if field.data is None:  # it says so itself
            return
        try:
            amount = Money.of_major(field.data, self.currency)
        except ValueError:
            raise ValidationError(_("This currency has fewer digits after the point.")) from None
        if amount.minor <= 0 or amount.minor >= 10**15:
            raise ValidationError(_("Please enter an amount that can be sent back."))

    def to_value(self, attempt_id: UUID, by: Actor) -> AskRefund:
        """The wish of a valid form."""
        return AskRefund(
            id=UUID(str(self.wish.data)),
            attempt_id=attempt_id,
            amount=Money.of_major(cast("Decimal", self.amount.data), self.currency),
            reason=RefundReason(self.reason.data),
            words=str(self.words.data),
            by=by,
            insurer_id=UUID(self.insurer.data) if self.insurer is not None and self.insurer.data else None,
        )

    def refuse_amount(self, left: Money, of_insurer: Money | None) -> None:
        """More was asked for than there is of the payment, or of the contracts of the insurer that was named."""
        if of_insurer is not None and of_insurer < left:
            said = _("At most %(left)s of this insurer’s contracts can be sent back.", left=format_money(of_insurer))
        else:
            said = _("At most %(left)s can be sent back.", left=format_money(left))
        self.take_errors({"amount": said})


def ask_form(attempt: Attempt, insurers: Iterable[Insurer], *, sent: bool = False) -> RefundForm:
    """The form for a payment; where it paid contracts of several insurers, it asks of whose."""
    form = RefundForm() if sent else RefundForm(None, wish=str(ids.new_id()))
    form.currency = (attempt.received or attempt.amount).currency
    form.amount.render_kw = {"data-unit": form.currency, "inputmode": "decimal", "autocomplete": "off"}
    form.reason.choices = [
        SelectChoice("", _("Please choose")),
        *(SelectChoice(reason.value, str(REASONS[reason])) for reason in WISHED),
    ]
    named = [SelectChoice(str(each.id), each.short_name.in_(current_locale())) for each in insurers]
    if len(named) > 1:
        form.insurer.choices = [SelectChoice("", _("All, in proportion")), *named]
    else:
        del form.insurer
    return form


class RefusalForm(Form):
    reason = TextAreaField(
        _l("Why not"), [required(), lines_of_text, Length(min=SHORTEST_REASON, max=LONGEST_REASON)],
        render_kw={"rows": "2"},
    )  # fmt: skip
