"""The walk leaves out no page: it is compared with the routes of the site, so a page added later fails until seen."""

from collections.abc import Iterable

from flask import Flask

from tests.journeys.kept import LOCALES, NOWHERE, Seen, endpoint_of

# What answers a GET without a page that a person reads, and why.
NOT_PAGES = {
    "sales_log.download": "a table",
    "product.premium": "a file", "product.tariff": "a file",
    "insurer_cards.table": "a table", "taking.table": "a table",
    "insurer_account.bordereau": "a table", "insurer_account.statement": "a table",
    "insurer_workbooks.template": "a workbook", "insurer_workbooks.marked": "a workbook or a zip",
    "insurer_workbooks.catalog": "a workbook or a zip",
    "static": "files",
    "product.document_bytes": "a file", "checkout.policy_document": "a file", "policy.document": "a file",
    "insurer_uploads.document": "a file", "listing_review.document": "a file",
    "insurer_sales.policy_document": "a file", "sales_log.policy_document": "a file",
    "applicant_desk.paper": "a file", "inbox.attachment": "a file", "inbox.source": "a file",
    "privacy.download": "a file", "evidence_desk.download": "a file", "insurer_evidence.download": "a file",
    "policy_evidence.download": "a file", "legal.security_txt": "a file",
    "notices.feed": "for machines",
    "api_v1.description": "for machines", "api_v1.catalog": "for machines",
    "api_v1.bordereau": "for machines",
    "evidence_log.checkpoint": "for machines", "evidence_log.tile": "for machines",
    "evidence_log.entries": "for machines", "evidence_log.trust_policy": "for machines",
    "evidence_log.authorities": "for machines",
    "replay.play": "in a frame, under an origin of its own",
    "health.live": "for machines", "health.ready": "for machines",
    "health.compliance": "for machines",
    "application.resume": "leads to the step that may be done", "checkout.returned": "leads to the end of the purchase",
    "premiums.returned": "leads to the contract", "premiums.kept": "leads to the contract",
    "insurer_payee.returned": "leads to how the account at Stripe stands",
}  # fmt: skip

# Forms of one button, or of nothing that could be filled in wrongly.
NOTHING_TO_MISTAKE = {
    "application.consent": "one button",
    "checkout.pay": "one button",
    "basket.pay": "one button",
    "insured.ask": "one button",
    "privacy.export": "one button",
    "policy_evidence.ask": "one button",
    "joining.confirm": "one button",
    "surrender.surrender": "a statement to confirm, and nothing to fill in",
    "withdrawal.withdraw": "a statement to confirm, and nothing to fill in",
}


def unseen(app: Flask, pages: Iterable[Seen], locale: str) -> set[str]:
    """The endpoints whose page was not shown in a language."""
    shown = {seen.endpoint for seen in pages if seen.locale == locale and seen.status == 200}
    return (
        {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())} - NOT_PAGES.keys() - shown
    )


def unrefused(app: Flask, pages: Iterable[Seen], locale: str) -> set[str]:
    """The endpoints with a form whose page was not shown with what is wrong in it."""
    forms = {rule.endpoint for rule in app.url_map.iter_rules() if {"GET", "POST"} <= (rule.methods or set())}
    refused = {seen.endpoint for seen in pages if seen.locale == locale and 'class="summary-of-errors"' in seen.text}
    return forms - NOTHING_TO_MISTAKE.keys() - refused


def test_every_page_was_seen_in_every_language(migrated_app: Flask, walked: tuple[Seen, ...]) -> None:
    assert [(locale, each) for locale in LOCALES for each in unseen(migrated_app, walked, locale)] == []


def test_every_form_was_seen_refused_in_every_language(migrated_app: Flask, walked: tuple[Seen, ...]) -> None:
    assert {locale: unrefused(migrated_app, walked, locale) for locale in LOCALES} == {
        locale: set() for locale in LOCALES
    }


def test_what_is_left_out_is_no_page(migrated_app: Flask, walked: tuple[Seen, ...]) -> None:
    known = {rule.endpoint for rule in migrated_app.url_map.iter_rules()}
    assert NOT_PAGES.keys() <= known
    assert NOTHING_TO_MISTAKE.keys() <= known
    assert {seen.endpoint for seen in walked if seen.status == 200} & NOT_PAGES.keys() == set()


def test_pages_and_errors_speak_the_language_asked_for(walked: tuple[Seen, ...]) -> None:
    said = {"en": '<html lang="en">', "zh_Hans_CN": '<html lang="zh-Hans-CN">'}
    stored = {"inbox.body", "sales_log.stored_page"}
    assert [seen.name for seen in walked if seen.endpoint not in stored and said[seen.locale] not in seen.text] == []
    assert [seen.name for seen in walked if seen.status == 500 and seen.endpoint != NOWHERE] == []
    assert {seen.status for seen in walked if seen.endpoint == NOWHERE} >= {400, 403, 404, 409, 429, 500, 503}


def test_a_page_left_out_is_noticed(migrated_app: Flask, walked: tuple[Seen, ...]) -> None:
    """Control: without the visits to one page, and without its refusals, it is missed."""
    others = [seen for seen in walked if seen.endpoint != "verify.check"]
    assert unseen(migrated_app, others, "en") == {"verify.check"}
    assert unrefused(migrated_app, others, "zh_Hans_CN") == {"verify.check"}
    assert endpoint_of(migrated_app, "/verify") == "verify.check"
