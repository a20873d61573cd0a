"""From the five families of errors to a status and a page that says what to do."""

import logging
from collections.abc import Mapping
from math import ceil
from types import MappingProxyType

from flask import Flask, g, json, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, SecurityError

from marketplace.accounts.values import ApiKeyRefused, CertificateMissing, SalesStopped, ScopeMissing, TooManyTries
from marketplace.disclosure.values import SalesInterrupted
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import ngettext
from marketplace.kernel import clock, errors
from marketplace.privacy.values import Restricted
from marketplace.quoting.values import NeedErased
from marketplace.web import announced, audit

log = logging.getLogger(__name__)

Answer = tuple[str, int, dict[str, str]]

MOST_MINUTES = 120  # more is said in hours

STATUS: tuple[tuple[type[errors.MarketplaceError], int], ...] = (
    (TooManyTries, 429),
    (ApiKeyRefused, 401),
    (ScopeMissing, 403),
    (SalesStopped, 403),
    (CertificateMissing, 403),
    (Restricted, 403),
    (NeedErased, 410),
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.Invalid, 422),
    (errors.Refused, 422),
    (errors.Unavailable, 503),
)


def status_of(error: errors.MarketplaceError) -> int:
    return next((status for family, status in STATUS if isinstance(error, family)), 500)


def _words(status: int) -> tuple[str, str]:
    """Title and advice of an error page."""
    return {
        400: (_("We could not read that"), _("Please go back, reload the page and send the form again.")),
        401: (_("A key is needed here"), _("Please make one at the insurer’s desk.")),
        403: (_("You may not do that here"), _("Sign in with the account this belongs to.")),
        404: (_("There is nothing here"), _("The address may be mistyped, or what it led to has ended.")),
        405: (_("That cannot be done here"), _("Please go back and use the buttons on the page.")),
        409: (_("Something has changed"), _("Please look at the page again before you go on. Nothing was lost.")),
        410: (_("This is no longer kept"), _("Please compare again; it takes a minute.")),
        413: (_("That is too large"), _("Please send something smaller.")),
        415: (_("We could not read that"), _("Please use the form on the page.")),
        422: (_("That is not possible"), _("Please go back and look at what you entered.")),
        429: (_("Too many tries"), _("We count requests so that nobody can guess or block what belongs to others.")),
        503: (_("Please try again in a moment"), _("Something we need does not answer. Nothing was lost or charged.")),
    }.get(status, (_("Something went wrong on our side"), _("Please try again in a moment. Nothing was charged.")))


def words_of(error: errors.MarketplaceError) -> str:
    """What happened, for a person; empty where the family's words say enough."""
    return {
        "quoting:need-erased": _(
            "What was compared here was erased: with the application it was for, or twelve months after the last visit."
        ),
        "application:child-cover-too-high": _(
            "With the other insurance, more would be paid on this child’s death than the law lets be paid by all "
            "insurers together: ¥200,000 below age 10, ¥500,000 below 18. Please choose a lower sum insured."
        ),
        "application:owner-signed-out": _(
            "This application was begun in this browser, and its mail address was proven. If it is yours, please prove"
            " the address once more to go on. Nothing was entered."
        ),
        "needs:nothing-needed": _(
            "From what you told us we find nothing that insurance from here would have to cover. Without an income or "
            "debts there is no sum to replace; check what you left empty."
        ),
        "needs:scheme-not-found": _(
            "There is no such plan, or it was made on another device. A plan is shown to nobody but the visit in which "
            "it was made. You can plan once more in two minutes."
        ),
        "needs:not-of-this-scheme": _("This offer does not belong to this part of your plan."),
        "needs:nothing-to-apply-for": _(
            "Nothing of this plan can be applied for any more: it covers nothing, or its prices have expired. Please "
            "plan once more with the same answers."
        ),
        "quoting:offer-expired": _("This price has expired. Please compare again; it takes a minute."),
        "quoting:offer-voided": _("Something this price rests on has changed. Please compare again."),
        "quoting:product-withdrawn": _("The insurer has withdrawn this product. Please compare again."),
        "quoting:sale-stopped": _("The insurer has stopped the sale of this product. Please compare again."),
        "listing:review-not-yours": _("This step is for somebody of another role."),
        "listing:second-person-needed": _(
            "Whoever uploaded or submitted a catalog cannot approve it or send it back. Another person has to."
        ),
        "listing:rate-card-has-findings": _(
            "This rate card has findings. Mend them, or say what its labels mean, and try again."
        ),
        "listing:sale-over": _(
            "The last day on sale that this catalog names has passed. It has to come with new days."
        ),
        "listing:still-on-sale": _("What was published from this upload is still on sale."),
        "catalog:already-on-sale": _("This version is on sale already. Stop its sale, or recall it."),
        "catalog:off-sale-already": _("This version is not on sale any more."),
        "catalog:effective-overlaps": _(
            "Another version of a product in this catalog is on sale in a part of that time. Nothing was published."
        ),
        "catalog:line-differs": _("A product stays in the line of business it was first published in."),
        "quoting:insurer-not-selling": _(
            "The sales of this insurer are stopped for now. Contracts go on. Please compare again."
        ),
        "quoting:not-for-sale": _("These are published rates used as test data. They cannot be bought."),
        "application:step-not-reached": _("This step cannot be done now. Nothing of it was entered."),
        "application:declaration-outdated": _(
            "The insurer has another name than when you declared. Nothing was charged. Please compare again."
        ),
        "application:already-submitted": _("This application was submitted and cannot be changed any more."),
        "application:lapsed": _("The price of this application was not paid in time. Please compare again."),
        "application:told-changed": _(
            "What you told us was changed in another window since you opened the page. Please check it again."
        ),
        "application:text-changed": _("The text has changed since you opened the page. Please read it again."),
        "application:not-referred": _(
            "This application does not wait for a decision any more: somebody decided meanwhile, or it has ended."
        ),
        "application:no-counter-offer": _("There are no other terms here to be answered, or not any more."),
        "underwriting:decided-meanwhile": _(
            "Somebody decided about this application since you opened the page. Nothing of yours was entered."
        ),
        "underwriting:inquiry-open": _("A question to the applicant is open. Please wait for the answer."),
        "underwriting:no-inquiry": _("This question was answered already."),
        "application:no-health-consent": _("There is no consent here that could be withdrawn."),
        "application:sex-differs": _("The price was calculated for a person of the other sex. Please compare again."),
        "application:applicant-not-adult": _("Only a person of 18 years or more can apply."),
        "application:minor-not-insurable": _("Only parents can insure a minor with cover that pays on death."),
        "application:identity-not-proven": _("Who the applicant is has not been proven, so nothing can be paid."),
        "application:insured-not-consenting": _("The person to be insured has not agreed, so nothing can be paid."),
        "application:consent-link-ended": _(
            "This link does not work any more: it was answered, a newer one was sent, or what it asked has changed."
        ),
        "application:not-the-insured": _(
            "You are signed in as the applicant. The person to be insured opens this link in a browser of their own."
        ),
        "quoting:start-day-passed": _("The day on which cover should begin has passed. Please compare again."),
        "application:no-new-offer": _("The insurer does not offer this product for the changed details."),
        "accounts:already-suspended": _("The sales of this insurer are stopped already."),
        "accounts:not-selling": _("This insurer does not sell yet."),
        "accounts:not-suspended": _("The sales of this insurer are not stopped."),
        "accounts:lifting-asked": _("Somebody has asked to let it sell already. Another person has to agree."),
        "accounts:second-person-needed": _("Another person than the first one has to agree to this."),
        "accounts:administrator-missing": _("Nobody has come in at the desk of this insurer yet."),
        "accounts:term-exists": _("There are terms of this line from that day already."),
        "accounts:term-too-late": _("The day of these terms has passed. Please ask for new ones."),
        "accounts:terms-missing": _("No commission terms of this insurer are in force yet."),
        "accounts:last-administrator": _("This is the only administrator. Invite another one first."),
        "accounts:certificate-missing": _(
            "Only staff with a valid practising certificate for this line of business may answer customers. Your "
            "administrator enters certificates under Practitioners, and the marketplace checks them."
        ),
        "accounts:certificate-taken": _("There is an entry with this number in the register already."),
        "accounts:already-checked": _("This entry was checked already, or has ended."),
        "consultation:nothing-to-answer": _("This question was answered, or erased, in the meantime."),
        "consultation:no-consent": _("Whoever asked did not agree to a public answer, or not any more."),
        "consultation:not-answered-yet": _("There is no answer yet that could be made public."),
        "consultation:already-public": _("There is a public answer of this question already."),
        "consultation:second-person-needed": _("Whoever wrote a public answer cannot publish it."),
        "consultation:not-a-customer": _("Accounts of staff cannot ask. Please use a customer’s mail address."),
        "consultation:text-changed": _("The text has changed since you opened the page. Please read it again."),
        "screening:case-closed": _("Somebody decided about this case since you opened the page. Nothing was entered."),
        "screening:second-person-needed": _("Whoever proposed it cannot agree to it. Another person has to."),
        "oversight:sample-not-finished": _("Not every contract of this sample is checked yet."),
        "oversight:sample-read-already": _("Somebody has read this report and said what follows."),
        "oversight:bordereau-not-ready": _("This day, or this month, is not over yet."),
        "accounts:payee-missing": _("The account of this insurer at Stripe is not ready yet."),
        "accounts:not-waiting": _("This application cannot be decided now."),
        "accounts:account-exists": _("There is an account with this address already."),
        "accounts:too-many-keys": _("There are at most twenty keys that work. Please revoke one first."),
        "accounts:api-key-refused": _("This key is unknown, has expired or was revoked."),
        "accounts:sales-stopped": _("The sales of this insurer are stopped, so nothing is taken from its machines."),
        "accounts:scope-missing": _("This key was not made for that."),
        "accounts:codes-used-up": _(
            "Very many codes were asked for this address today, perhaps not by you. Please set a password by mail "
            "instead, then sign in with it."
        ),
        "accounts:links-on-their-way": _(
            "We have written to this address several times within the last half hour. Please look for the newest link "
            "in your mail; it works in any browser."
        ),
        "accounts:link-refused": _("This link was used already or is too old. Please ask for a new one."),
        "application:age-differs": _("The age of the person insured no longer fits the price. Please compare again."),
        "privacy:restricted": _(
            "The customer closed the account. These records are kept as the law asks, and only compliance opens them."
        ),
        "privacy:sale-under-way": _(
            "A purchase of yours is still under way. You can close the account once you have its policy or your money "
            "back; if you did not pay, about an hour after you opened the payment page."
        ),
        "privacy:contract-held": _(
            "There is an open complaint or lawsuit about a contract. Its records, and the account they belong to, are "
            "kept until three years after it has ended at least. Nothing was erased."
        ),
        "privacy:hold-closed": _("This dispute is closed already."),
        "privacy:hold-too-late": _("The records of this contract are erased. Nothing is left that could be held."),
        "privacy:export-not-found": _("This copy is no longer kept. Please ask for a new one."),
        "privacy:request-answered": _("This request has been answered already."),
        "application:not-a-customer": _("Accounts of staff cannot buy. Please use a customer’s mail address."),
        "application:nothing-to-pay": _("There is nothing to pay for this application now."),
        "underwriting:answers-incomplete": _("Please answer every question of the insurer first."),
        "checkout:already-ordered": _("This has been paid already."),
        "checkout:order-closed": _("This order is closed. Nothing more can be paid for it."),
        "checkout:offer-replaced": _("Something this price rests on has changed. Please compare again."),
        "payment:page-closed": _("The payment page was closed. Please start the payment again."),
        "payment:call-refused": _("The payment provider did not accept this. Nothing was charged."),
        "payment:session-mismatch": _("This payment does not belong to this order. Please start the payment again."),
        "payment:already-paid": _("This has been paid already."),
        "payment:card-kept-already": _("A card is kept for this contract already. Stop that one first."),
        "servicing:premium-not-payable": _("There is nothing to be paid for this premium."),
        "payment:nothing-to-refund": _("More would go back than is left of this payment."),
        "payment:not-concluded": _(
            "No contract stands on this payment. Where its money is to go back, it does so by itself."
        ),
        "payment:second-person-needed": _(
            "Whoever asked for a refund cannot agree to it or refuse it. Another person has to."
        ),
        "payment:wish-decided": _("This was decided on already."),
        "payment:disputed": _(
            "The bank of the customer has not decided on this payment yet. Until then nothing is sent back."
        ),
        "payment:refund-not-failed": _("This refund has not failed; it is not asked for again."),
        "payment:in-progress": _("A payment for this is on its way. Please wait a moment."),
        "disclosure:announcement-decided": _("This announcement was released, dropped or taken back already."),
        "disclosure:report-answered": _("This report was answered already."),
        "disclosure:releaser-needed": _("Whoever wrote an announcement cannot release it. Another person has to."),
        "traceability:pages-not-released": _(
            "No insurance is sold here at the moment: the pages as they are now have not been released for sale. "
            "Everything else works, and contracts go on."
        ),
        "web:form-not-current": _("This form is not the page you were shown, or it was altered. Please read it again."),
    }.get(error.code, "")


def page(status: int, message: str = "", *, resume: str | None = None, again: str | None = None) -> tuple[str, int]:
    """The error page of `status`, with what happened in words when we know it and where to go on or compare again."""
    title, advice = _words(status)
    body = render_template(
        "errors/error.html",
        title=title, advice=advice, message=message, resume=resume, again=again,
        request_id=g.get("request_id"),
    )  # fmt: skip
    return body, status


def answer(status: int, message: str = "", code: str = "", fields: Mapping[str, str] = MappingProxyType({})) -> Answer:
    """The error page; for a machine instead problem details (RFC 9457) with our stable code."""
    if not request.path.startswith("/api/"):
        return *page(status, message), {}
    title, _advice = _words(status)
    told = {"type": "about:blank", "title": title, "status": status, "detail": message, "code": code, "fields": fields}
    body = json.dumps({name: value for name, value in told.items() if value})
    return body, status, {"Content-Type": "application/problem+json"}


def when_to_try_again(error: TooManyTries) -> str:
    """When the limit that was reached begins anew, in words."""
    minutes = max(1, ceil((error.retry_at - clock.now()).total_seconds() / 60))
    if minutes <= MOST_MINUTES:
        return ngettext("Please try again in %(num)d minute.", "Please try again in %(num)d minutes.", minutes)
    return ngettext("Please try again in %(num)d hour.", "Please try again in %(num)d hours.", ceil(minutes / 60))


def show_errors(app: Flask) -> None:
    @app.errorhandler(errors.MarketplaceError)
    def known(error: errors.MarketplaceError) -> Answer:
        status = status_of(error)
        log.info("refused %s: %s", error.code, request.endpoint)
        fields = error.fields if isinstance(error, errors.Invalid) else {}
        return answer(status, words_of(error), error.code, fields)

    @app.errorhandler(TooManyTries)
    def wait(error: TooManyTries) -> Answer:
        """Too many tries: when to come back, in words and for machines (RFC 9110, 10.2.3)."""
        audit.reach_limit(error.retry_at)
        return answer(429, words_of(error) or when_to_try_again(error), error.code)

    @app.errorhandler(SalesInterrupted)
    def interrupted(error: SalesInterrupted) -> Answer:
        """Nothing is sold at present: why, and what is done about it (O13-42)."""
        log.info("refused %s: %s", error.code, request.endpoint)
        return render_template("errors/interrupted.html", announcement=announced.stopping()), status_of(error), {}

    @app.errorhandler(CSRFError)
    def forged(_error: CSRFError) -> tuple[str, int]:
        """Why the token does not fit helps attackers only."""
        audit.refuse("csrf")
        return page(400, _("The form had expired or did not come from this site."))

    @app.errorhandler(SecurityError)
    def other_host(_error: SecurityError) -> tuple[str, int, dict[str, str]]:
        """Asked for under a name that is not ours: no address of a page can be made, so there is no page."""
        audit.refuse("other_host")
        return "This site is not known by that name.\n", 400, {"Content-Type": "text/plain; charset=utf-8"}

    @app.errorhandler(MethodNotAllowed)
    def other_method(error: MethodNotAllowed) -> Answer:
        body, status, headers = answer(405)
        return body, status, headers | {"Allow": ", ".join(sorted(set(error.valid_methods or ()) - {"OPTIONS"}))}

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Answer:
        return answer(error.code or 500)

    @app.errorhandler(Exception)
    def unknown(error: Exception) -> Answer:
        log.error("unhandled error", exc_info=error)
        try:
            return answer(500)
        except Exception:  # what broke may be what a page is made with
            log.exception("no page for the error either")
            return "Something went wrong on our side.\n", 500, {"Content-Type": "text/plain; charset=utf-8"}
