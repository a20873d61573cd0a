"""Who may enter by which door. Every endpoint has a row; one without is refused, and a test compares both lists.

`PageClass` follows the notice on traceable sales (T26-04): sales pages lie behind the entry prompt and are recorded.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from marketplace.accounts.values import Bucket, Role, SecurityEventType
from marketplace.listing.values import CATALOG_KEEPERS, CATALOG_REVIEWERS


class PageClass(StrEnum):
    NON_SALES = "non_sales"
    SALES = "sales"
    SERVICE = "service"
    STAFF = "staff"
    MACHINE = "machine"


class Who(StrEnum):
    """`anyone` includes the signed in; a sales page asks the application itself whose it is.

    `signed_in` is every role; `second_step` is staff who gave their password, before and after the second factor.
    """

    ANYONE = "anyone"
    SIGNED_IN = "signed_in"
    SECOND_STEP = "second_step"
    CUSTOMER = "customer"
    INSURER = "insurer"
    BACKOFFICE = "backoffice"


@dataclass(frozen=True, slots=True)
class Door:
    """One endpoint's rule.

    `step_up`: the person must have proven who they are within the last minutes. `limit`: what each unsafe request is
    counted in by its source before anything is done; None only where something else proves who sends. `look_limit`:
    the same for each look, where looking asks a neighbour or a machine may ask without end.
    `audited`: what is kept of a look by which staff read what
    is a customer's; what staff do is always kept. `paper`: hands out somebody's document, not even to a link on another
    site. `roles`: who at the desk of insurers or of the marketplace; none given means nobody.
    """

    who: Who
    page_class: PageClass
    step_up: bool = False
    limit: Bucket | None = Bucket.FORM_OF_SOURCE
    look_limit: Bucket | None = None
    audited: SecurityEventType | None = None
    paper: bool = False
    roles: frozenset[Role] = frozenset()

    @property
    def personal(self) -> bool:
        """Whether what lies behind belongs to somebody."""
        return self.page_class in {PageClass.SALES, PageClass.SERVICE, PageClass.STAFF}


def _doors(who: Who, page_class: PageClass, *endpoints: str, **more: Any) -> dict[str, Door]:
    return {endpoint: Door(who, page_class, **more) for endpoint in endpoints}


# Who works on what. Nobody reads a customer's answers or papers whose work does not need them: finance and the owner
# have the list of sales, complaints the file without the pages as they were typed into. Practitioners have no desk yet.
KEEPS_THE_BOOKS = frozenset({Role.ADMIN_OWNER, Role.ADMIN_FINANCE, Role.ADMIN_COMPLIANCE})
ASKS_FOR_REFUNDS = frozenset({Role.ADMIN_FINANCE})
LOOKS_AFTER_SECURITY = frozenset({Role.ADMIN_OWNER, Role.ADMIN_COMPLIANCE})
PROTECTS_DATA = frozenset({Role.ADMIN_COMPLIANCE})
ADMITS_INSURERS = frozenset({Role.ADMIN_OWNER, Role.ADMIN_COMPLIANCE})
ANNOUNCES = frozenset({Role.ADMIN_OWNER, Role.ADMIN_COMPLIANCE, Role.ADMIN_SALES})
KEEPS_THE_RECORD = frozenset({Role.ADMIN_SALES, Role.ADMIN_COMPLIANCE})
ANSWERS_FOR_SALES = KEEPS_THE_RECORD | {Role.ADMIN_COMPLAINTS}
COUNTS_SALES = KEEPS_THE_RECORD | {Role.ADMIN_FINANCE, Role.ADMIN_OWNER}
UNDERWRITES = frozenset({Role.INSURER_UNDERWRITER, Role.INSURER_ADMIN})
INSURES = frozenset({Role.INSURER_UNDERWRITER, Role.INSURER_CLAIMS, Role.INSURER_ADMIN})
COUNTS_OWN_SALES = INSURES | {Role.INSURER_FINANCE}
KEEPS_THE_CATALOG = CATALOG_KEEPERS
REVIEWS_CATALOGS = CATALOG_REVIEWERS

RUNS_ITS_DESK = frozenset({Role.INSURER_ADMIN})
KEEPS_ITS_ACCOUNT = frozenset({Role.INSURER_FINANCE, Role.INSURER_ADMIN})

SALE, EVIDENCE = SecurityEventType.SALE_VIEWED, SecurityEventType.EVIDENCE_VIEWED
ASKED = SecurityEventType.CONSULTATION_VIEWED

ACCESS: dict[str, Door] = {
    **_doors(
        Who.ANYONE, PageClass.NON_SALES,
        "static", "home.home", "home.choose_language", "compare.comparison", "compare.ranking",
        "needs.scheme", "needs.rule", "basket.basket", "basket.take_out", "basket.put_back",
        "insurers.insurers", "insurers.insurer", "product.offer", "product.premium", "product.tariff",
        "product.document", "product.document_bytes",
        "legal.disclosure_page", "legal.recording", "legal.privacy", "legal.security_txt",
        "beside.side_by_side", "taking.table", "verify.evidence", "notices.notices", "notices.announcement",
        "account.sign_in", "account.sign_out", "account.register", "account.confirm", "account.reset_request",
        "account.reset", "account.find", "account.find_code",
    ),
    **_doors(
        Who.ANYONE, PageClass.NON_SALES,
        "compare.ask", "compare.change", "needs.ask", "needs.change_part", "needs.apply",
        limit=Bucket.COMPARISON_OF_SOURCE,
    ),
    **_doors(Who.ANYONE, PageClass.NON_SALES, "leaving.left", limit=Bucket.LEAVING_OF_SOURCE),
    **_doors(Who.ANYONE, PageClass.NON_SALES, "interactions.record", limit=Bucket.RECORDING_OF_SOURCE),
    **_doors(Who.ANYONE, PageClass.NON_SALES, "taking.send", limit=Bucket.SHARING_OF_SOURCE),
    **_doors(Who.ANYONE, PageClass.NON_SALES, "verify.check", limit=Bucket.CHECK_OF_SOURCE),
    **_doors(Who.ANYONE, PageClass.NON_SALES, "reporting.report", limit=Bucket.REPORT_OF_SOURCE),
    **_doors(Who.ANYONE, PageClass.NON_SALES, "answers.search", "answers.talk"),
    **_doors(Who.ANYONE, PageClass.NON_SALES, "answers.practitioners", look_limit=Bucket.LOOKUP_OF_SOURCE),
    **_doors(Who.ANYONE, PageClass.NON_SALES, "consultation.ask", limit=Bucket.QUESTION_OF_SOURCE),
    **_doors(Who.ANYONE, PageClass.NON_SALES, "consultation.code"),
    **_doors(Who.ANYONE, PageClass.SALES, "consultation.of_application", limit=Bucket.QUESTION_OF_SOURCE),
    **_doors(
        Who.CUSTOMER, PageClass.SERVICE,
        "consultation.questions", "consultation.thread", "consultation.consent", "consultation.withdraw",
    ),
    **_doors(Who.INSURER, PageClass.STAFF, "insurer_questions.questions", "insurer_questions.public", roles=INSURES),
    **_doors(
        Who.INSURER, PageClass.STAFF, "insurer_questions.question", "insurer_questions.write_public",
        roles=INSURES, audited=ASKED,
    ),
    **_doors(Who.INSURER, PageClass.STAFF, "insurer_questions.withdraw", roles=INSURES),
    **_doors(Who.INSURER, PageClass.STAFF, "insurer_practitioners.practitioners", roles=RUNS_ITS_DESK),
    **_doors(
        Who.INSURER, PageClass.STAFF, "insurer_practitioners.enter", "insurer_practitioners.end",
        step_up=True, roles=RUNS_ITS_DESK,
    ),
    **_doors(Who.BACKOFFICE, PageClass.STAFF, "question_desk.questions", roles=ANSWERS_FOR_SALES),
    **_doors(Who.BACKOFFICE, PageClass.STAFF, "question_desk.question", roles=ANSWERS_FOR_SALES, audited=ASKED),
    **_doors(Who.BACKOFFICE, PageClass.STAFF, "question_desk.answer", roles=KEEPS_THE_RECORD),
    **_doors(Who.BACKOFFICE, PageClass.STAFF, "screening_desk.cases", "screening_desk.case", roles=PROTECTS_DATA),
    **_doors(
        Who.BACKOFFICE, PageClass.STAFF, "screening_desk.decide", "screening_desk.answer",
        step_up=True, roles=PROTECTS_DATA,
    ),
    **_doors(
        Who.BACKOFFICE, PageClass.STAFF, "question_desk.publish", "question_desk.refuse", "question_desk.withdraw",
        step_up=True, roles=KEEPS_THE_RECORD,
    ),
    **_doors(Who.BACKOFFICE, PageClass.STAFF, "practitioner_desk.practitioners", roles=ADMITS_INSURERS),
    **_doors(
        Who.BACKOFFICE, PageClass.STAFF, "notice_desk.notices", "notice_desk.write", "notice_desk.notice",
        "notice_desk.drop", roles=ANNOUNCES,
    ),
    **_doors(Who.BACKOFFICE, PageClass.STAFF, "report_desk.reports", "report_desk.report", roles=ANSWERS_FOR_SALES),
    **_doors(Who.BACKOFFICE, PageClass.STAFF, "notice_desk.release", step_up=True, roles=ANNOUNCES),
    **_doors(
        Who.BACKOFFICE, PageClass.STAFF, "practitioner_desk.accept", "practitioner_desk.refuse",
        "practitioner_desk.end", step_up=True, roles=ADMITS_INSURERS,
    ),
    **_doors(
        Who.ANYONE, PageClass.SALES,
        "application.enter", "application.email", "application.code", "application.people", "application.questions",
        "suitability.tell", "identity.prove", "insured.ask", "insured.answer", "insured.returned",
        "application.consent", "application.document", "application.exclusions", "application.review",
        "application.ended", "application.resume", "referral.question", "referral.offer",
    ),
    # Both ask the payment service how it stands while it is not settled.
    **_doors(Who.ANYONE, PageClass.SALES, "checkout.returned", look_limit=Bucket.RETURN_OF_SOURCE),
    **_doors(Who.ANYONE, PageClass.SALES, "checkout.done", look_limit=Bucket.WAITING_OF_SOURCE),
    **_doors(Who.ANYONE, PageClass.SALES, "checkout.pay", "basket.pay", limit=Bucket.PAYMENT_OF_SOURCE),
    **_doors(Who.ANYONE, PageClass.SALES, "checkout.policy_document", paper=True),
    **_doors(Who.ANYONE, PageClass.NON_SALES, "factor.sign_in_options", "factor.sign_in_passkey"),
    **_doors(
        Who.SECOND_STEP, PageClass.STAFF,
        "factor.verify", "factor.verify_options", "factor.verify_passkey", "factor.setup", "factor.passkey_options",
        "factor.add_passkey", "factor.begin_authenticator", "factor.authenticator",
    ),
    **_doors(Who.SIGNED_IN, PageClass.SERVICE, "security.overview", "security.confirm", "security.send_code"),
    **_doors(
        Who.SIGNED_IN, PageClass.SERVICE,
        "security.end_session", "security.end_others", "security.password", "factor.remove", "factor.recovery_codes",
        step_up=True,
    ),
    **_doors(Who.CUSTOMER, PageClass.SERVICE, "policy.policies", "policy.policy", "policy.mail_again"),
    **_doors(
        Who.CUSTOMER, PageClass.SERVICE, "premiums.pay", "premiums.returned", "premiums.card", "premiums.kept",
        "premiums.stop", "withdrawal.withdraw",
    ),
    **_doors(Who.CUSTOMER, PageClass.SERVICE, "surrender.surrender", step_up=True),
    **_doors(Who.CUSTOMER, PageClass.SERVICE, "policy.document", paper=True),
    **_doors(Who.ANYONE, PageClass.NON_SALES, "register.data", "privacy.closed"),
    **_doors(Who.CUSTOMER, PageClass.SERVICE, "privacy.overview", "privacy.ask"),
    **_doors(Who.CUSTOMER, PageClass.SERVICE, "privacy.export", "privacy.close", step_up=True),
    **_doors(Who.CUSTOMER, PageClass.SERVICE, "privacy.download", step_up=True, paper=True),
    **_doors(Who.BACKOFFICE, PageClass.STAFF, "data_desk.desk", roles=PROTECTS_DATA),
    **_doors(
        Who.BACKOFFICE, PageClass.STAFF, "data_desk.contract", "data_desk.hold",
        roles=PROTECTS_DATA, audited=SecurityEventType.DISPUTE_VIEWED,
    ),
    **_doors(
        Who.BACKOFFICE, PageClass.STAFF, "data_desk.request",
        roles=PROTECTS_DATA, audited=SecurityEventType.DATA_REQUEST_VIEWED,
    ),
    **_doors(
        Who.INSURER, PageClass.STAFF,
        "insurer_products.products", "insurer_uploads.uploads", "insurer_uploads.upload", "insurer_uploads.product",
        "insurer_uploads.premiums", "insurer_uploads.difference", "insurer_uploads.submit", "insurer_uploads.send_back",
        "insurer_uploads.withdraw", "insurer_uploads.again",
        roles=KEEPS_THE_CATALOG,
    ),
    **_doors(
        Who.INSURER, PageClass.STAFF, "insurer_uploads.approve", "insurer_uploads.version",
        roles=KEEPS_THE_CATALOG, step_up=True,
    ),
    **_doors(Who.INSURER, PageClass.STAFF, "insurer_uploads.document", roles=KEEPS_THE_CATALOG, paper=True),
    **_doors(
        Who.BACKOFFICE, PageClass.STAFF,
        "listing_review.waiting", "listing_review.upload", "listing_review.product", "listing_review.premiums",
        "listing_review.difference", "listing_review.refuse",
        roles=REVIEWS_CATALOGS,
    ),
    **_doors(Who.BACKOFFICE, PageClass.STAFF, "listing_review.accept", roles=REVIEWS_CATALOGS, step_up=True),
    **_doors(Who.BACKOFFICE, PageClass.STAFF, "listing_review.document", roles=REVIEWS_CATALOGS, paper=True),
    **_doors(
        Who.INSURER, PageClass.STAFF,
        "insurer_workbooks.template", "insurer_workbooks.catalog", "insurer_workbooks.marked",
        roles=KEEPS_THE_CATALOG, paper=True,
    ),
    **_doors(
        Who.INSURER, PageClass.STAFF,
        "insurer_cards.cards", "insurer_cards.card", "insurer_cards.renew", "insurer_cards.put", "insurer_cards.table",
        roles=KEEPS_THE_CATALOG,
    ),
    **_doors(
        Who.BACKOFFICE, PageClass.STAFF, "party_desk.insurers", "party_desk.insurer", "party_desk.enter_fact",
        "applicant_desk.applicants", "applicant_desk.applicant", roles=ADMITS_INSURERS,
    ),
    **_doors(Who.BACKOFFICE, PageClass.STAFF, "applicant_desk.paper", roles=ADMITS_INSURERS, paper=True),
    **_doors(Who.ANYONE, PageClass.NON_SALES, "joining.apply", limit=Bucket.APPLICATION_OF_SOURCE),
    **_doors(Who.ANYONE, PageClass.NON_SALES, "joining.confirm", "joining.join"),
    **_doors(
        Who.BACKOFFICE, PageClass.STAFF,
        "applicant_desk.approve", "applicant_desk.reject", "party_desk.propose_terms",
        "party_desk.invite", "party_desk.suspend", "party_desk.ask_to_lift", "party_desk.lift",
        "party_desk.refuse_lifting", step_up=True, roles=ADMITS_INSURERS,
    ),
    **_doors(
        Who.INSURER, PageClass.STAFF, "insurer_keys.keys", "insurer_terms.terms", "insurer_payee.payee",
        "insurer_staff.staff",
        roles=RUNS_ITS_DESK,
    ),
    # Asks the payment service how the account stands.
    **_doors(
        Who.INSURER, PageClass.STAFF, "insurer_payee.returned", look_limit=Bucket.RETURN_OF_SOURCE, roles=RUNS_ITS_DESK,
    ),
    **_doors(
        Who.INSURER, PageClass.STAFF, "insurer_keys.make", "insurer_keys.revoke", "insurer_terms.accept",
        "insurer_payee.go", "insurer_staff.invite", "insurer_staff.withdraw", "insurer_staff.end",
        step_up=True, roles=RUNS_ITS_DESK,
    ),
    **_doors(Who.INSURER, PageClass.STAFF, "insurer_sales.sales", roles=COUNTS_OWN_SALES),
    **_doors(Who.INSURER, PageClass.STAFF, "insurer_sales.sale", roles=INSURES, audited=SALE),
    **_doors(
        Who.INSURER, PageClass.STAFF,
        "insurer_underwriting.cases", "insurer_underwriting.versions", "insurer_underwriting.trial", roles=UNDERWRITES,
    ),
    **_doors(
        Who.INSURER, PageClass.STAFF, "insurer_underwriting.case", "insurer_underwriting.ask",
        roles=UNDERWRITES, audited=SALE,
    ),
    **_doors(Who.INSURER, PageClass.STAFF, "insurer_sales.policy_document", roles=INSURES, audited=SALE, paper=True),
    **_doors(Who.BACKOFFICE, PageClass.STAFF, "sales_log.sales", roles=COUNTS_SALES | ANSWERS_FOR_SALES),
    **_doors(Who.BACKOFFICE, PageClass.STAFF, "sales_log.download", roles=COUNTS_SALES, paper=True),
    **_doors(Who.BACKOFFICE, PageClass.STAFF, "sales_log.sale", roles=ANSWERS_FOR_SALES, audited=SALE),
    **_doors(Who.BACKOFFICE, PageClass.STAFF, "sales_log.page", roles=KEEPS_THE_RECORD, audited=SALE),
    **_doors(Who.BACKOFFICE, PageClass.STAFF, "page_versions.versions", roles=KEEPS_THE_RECORD),
    **_doors(Who.BACKOFFICE, PageClass.STAFF, "page_versions.day", roles=KEEPS_THE_RECORD, audited=SALE),
    **_doors(
        Who.BACKOFFICE, PageClass.STAFF, "sales_log.stored_page", "sales_log.policy_document",
        roles=KEEPS_THE_RECORD, audited=SALE, paper=True,
    ),
    **_doors(Who.BACKOFFICE, PageClass.STAFF, "evidence_desk.search", "evidence_desk.ask", roles=KEEPS_THE_RECORD),
    **_doors(Who.BACKOFFICE, PageClass.STAFF, "evidence_desk.bundle", roles=KEEPS_THE_RECORD, audited=EVIDENCE),
    **_doors(
        Who.BACKOFFICE, PageClass.STAFF, "evidence_desk.download",
        roles=KEEPS_THE_RECORD, audited=EVIDENCE, paper=True,
    ),
    **_doors(Who.BACKOFFICE, PageClass.STAFF, "replay_desk.recording", roles=KEEPS_THE_RECORD, audited=EVIDENCE),
    # Under an origin without sessions: the desk lets in whoever gave a reason there.
    **_doors(Who.ANYONE, PageClass.MACHINE, "replay.play"),
    **_doors(Who.INSURER, PageClass.STAFF, "insurer_evidence.ask", roles=INSURES),
    **_doors(Who.INSURER, PageClass.STAFF, "insurer_evidence.bundle", roles=INSURES, audited=EVIDENCE),
    **_doors(Who.INSURER, PageClass.STAFF, "insurer_evidence.download", roles=INSURES, audited=EVIDENCE, paper=True),
    **_doors(Who.INSURER, PageClass.STAFF, "insurer_account.account", roles=KEEPS_ITS_ACCOUNT),
    **_doors(Who.INSURER, PageClass.STAFF, "insurer_account.statement", roles=KEEPS_ITS_ACCOUNT, paper=True),
    **_doors(
        Who.INSURER, PageClass.STAFF, "insurer_account.bordereau",
        roles=KEEPS_ITS_ACCOUNT, audited=SecurityEventType.BORDEREAU_TAKEN, paper=True,
    ),
    **_doors(Who.CUSTOMER, PageClass.SERVICE, "policy_evidence.ask", "policy_evidence.bundle", step_up=True),
    **_doors(Who.CUSTOMER, PageClass.SERVICE, "policy_evidence.download", step_up=True, paper=True),
    **_doors(Who.BACKOFFICE, PageClass.STAFF, "books.books", "books.compare", roles=KEEPS_THE_BOOKS),
    **_doors(Who.BACKOFFICE, PageClass.STAFF, "mail_desk.mails", "mail_desk.again", roles=ANSWERS_FOR_SALES),
    **_doors(Who.BACKOFFICE, PageClass.STAFF, "samples.samples", "samples.draw", roles=KEEPS_THE_RECORD),
    **_doors(Who.BACKOFFICE, PageClass.STAFF, "samples.read", roles=PROTECTS_DATA),
    **_doors(Who.BACKOFFICE, PageClass.STAFF, "compliance.requirements", roles=COUNTS_SALES | ANSWERS_FOR_SALES),
    **_doors(Who.BACKOFFICE, PageClass.STAFF, "refund_desk.desk", "refund_desk.payment", roles=KEEPS_THE_BOOKS),
    **_doors(
        Who.BACKOFFICE, PageClass.STAFF, "refund_desk.ask", "refund_desk.again", step_up=True, roles=ASKS_FOR_REFUNDS,
    ),
    **_doors(
        Who.BACKOFFICE, PageClass.STAFF, "refund_desk.approve", "refund_desk.refuse", "refund_desk.see_dispute",
        step_up=True, roles=KEEPS_THE_BOOKS,
    ),
    **_doors(Who.BACKOFFICE, PageClass.STAFF, "security_log.events", roles=LOOKS_AFTER_SECURITY),
    **_doors(
        Who.ANYONE, PageClass.MACHINE,
        "health.live", "health.ready", "health.compliance", "inbox.messages", "inbox.message", "inbox.body",
        "inbox.attachment", "inbox.source",
    ),
    # A key proves who sends; whoever has none is counted by where it comes from.
    **_doors(
        Who.ANYONE, PageClass.MACHINE, "api_v1.put_catalog", "api_v1.catalog", "api_v1.bordereau",
        limit=Bucket.API_OF_SOURCE, look_limit=Bucket.API_OF_SOURCE,
    ),
    **_doors(Who.ANYONE, PageClass.MACHINE, "api_v1.description"),
    # Public, without anything about anybody, and kept by whoever stands between.
    **_doors(
        Who.ANYONE, PageClass.MACHINE,
        "notices.feed",
        "evidence_log.checkpoint", "evidence_log.tile", "evidence_log.entries", "evidence_log.trust_policy",
        "evidence_log.authorities",
    ),
    # Each event is signed; what it may cost is bounded by whom we deal with.
    **_doors(Who.ANYONE, PageClass.MACHINE, "stripe.receive", limit=None),
}  # fmt: skip
