"""create_app: the application from its settings. Makes no connection; a request or a job makes the first one."""

import gc
from email.utils import parseaddr
from pathlib import Path

from flask import Flask
from sqlalchemy.engine import make_url

from config import Settings
from marketplace import wiring
from marketplace.infra import formatting, jobs, logs, metrics, pools, present
from marketplace.infra.db import READER, bind_scope, db, refuse_demonstration_data, refuse_unbound_roles
from marketplace.web import access, error_pages, metering, pages, released, scopes, security, tracing, transaction
from marketplace.web.api import log as evidence_log
from marketplace.web.api import v1
from marketplace.web.backoffice import applicants as applicant_desk
from marketplace.web.backoffice import (
    books,
    compliance,
    page_versions,
    replay,
    replay_desk,
    sales_log,
    samples,
    security_log,
)
from marketplace.web.backoffice import consultation as question_desk
from marketplace.web.backoffice import evidence as evidence_desk
from marketplace.web.backoffice import insurers as party_desk
from marketplace.web.backoffice import listing as listing_review
from marketplace.web.backoffice import mails as mail_desk
from marketplace.web.backoffice import notices as notice_desk
from marketplace.web.backoffice import practitioners as practitioner_desk
from marketplace.web.backoffice import privacy as data_desk
from marketplace.web.backoffice import refunds as refund_desk
from marketplace.web.backoffice import reports as report_desk
from marketplace.web.backoffice import screening as screening_desk
from marketplace.web.customer import (
    account,
    application,
    basket,
    checkout,
    consenting,
    factor,
    identity,
    interactions,
    joining,
    policy,
    premiums,
    privacy,
    referral,
    suitability,
    surrender,
    withdrawal,
)
from marketplace.web.customer import consultation as asking
from marketplace.web.customer import evidence as policy_evidence
from marketplace.web.customer import security as account_security
from marketplace.web.days import DayConverter
from marketplace.web.hooks import health, inbox, stripe
from marketplace.web.insurer import account as insurer_account
from marketplace.web.insurer import consultation as insurer_questions
from marketplace.web.insurer import evidence as insurer_evidence
from marketplace.web.insurer import keys as insurer_keys
from marketplace.web.insurer import payee as insurer_payee
from marketplace.web.insurer import practitioners as insurer_practitioners
from marketplace.web.insurer import products as insurer_products
from marketplace.web.insurer import rate_cards as insurer_cards
from marketplace.web.insurer import sales as insurer_sales
from marketplace.web.insurer import staff as insurer_staff
from marketplace.web.insurer import terms as insurer_terms
from marketplace.web.insurer import underwriting as insurer_underwriting
from marketplace.web.insurer import uploads as insurer_uploads
from marketplace.web.insurer import workbooks as insurer_workbooks
from marketplace.web.site import Site
from marketplace.web.storefront import (
    beside,
    compare,
    home,
    insurers,
    leaving,
    legal,
    needs,
    notices,
    product,
    register,
    reporting,
    taking,
    verify,
)
from marketplace.web.storefront import consultation as answers

SUBJECTS = (
    *(home, compare, needs, beside, taking, product, insurers, leaving, verify, legal, notices, register),
    *(reporting, report_desk),
    *(application, suitability, identity, consenting, interactions, checkout, basket),
    *(account, account_security, factor, joining),
    *(policy, premiums, surrender, withdrawal, policy_evidence, privacy, referral),
    *(answers, asking, insurer_questions, insurer_practitioners, question_desk, practitioner_desk),
    *(insurer_sales, insurer_products, insurer_uploads, insurer_workbooks, insurer_cards, insurer_keys, insurer_terms),
    *(insurer_underwriting, insurer_payee, insurer_staff, insurer_evidence, insurer_account),
    *(listing_review, data_desk, applicant_desk, party_desk, books, refund_desk, sales_log, evidence_desk),
    *(mail_desk, notice_desk, compliance, samples, screening_desk),
    *(page_versions, security_log, replay, replay_desk),
    *(health, stripe, v1, evidence_log),
)
ROOT = Path(__file__).parent.parent


def create_app(settings: Settings, *, connections: int = 4) -> Flask:
    """The site, the worker and the commands all start here. So many `connections` of each kind to the database stay
    open; more are opened and closed again as they are needed.
    """
    logs.configure()
    metrics.gather_dead()
    app = Site("marketplace", root_path=str(ROOT), template_folder="templates", static_folder="static")
    app.config.update(
        DEBUG=False,  # whatever FLASK_DEBUG says
        SECRET_KEY=settings.secret_key.get_secret_value(),
        SQLALCHEMY_DATABASE_URI=make_url(settings.database_url.get_secret_value()),
        SQLALCHEMY_ENGINE_OPTIONS={"pool_size": connections},
        SQLALCHEMY_BINDS={
            READER: make_url(settings.database_reader_url.get_secret_value()),
            pools.ALONE: pools.single_statements(make_url(settings.database_url.get_secret_value())),
        },
        DATABASE_OWNER_URL=settings.database_owner_url and settings.database_owner_url.get_secret_value(),
        DEMONSTRATION=settings.demonstration,
        PUBLIC_URL=settings.public_url,
        LOG_ORIGIN=settings.origin_of_log,
        REPLAY_ORIGIN=settings.replay_origin,
        COMPLIANCE_REPORT=settings.compliance_report,
        SECURITY_CONTACT=settings.security_contact or f"mailto:{parseaddr(settings.mail_from)[1]}",
    )
    db.init_app(app)
    if settings.database_owner_url:
        from flask_migrate import Migrate  # noqa: PLC0415  heavy, and only the migrations are told the owner

        Migrate(app, db, directory=str(ROOT / "migrations"))
    with app.app_context():
        _guard_connections(settings)
    wiring.connect(settings)
    jobs.subscribe(wiring.SUBSCRIBERS)
    _furnish(app, settings)
    scopes.scope_requests(app)
    return app


def before_forking() -> None:
    """For whoever starts the site, last of all: read now what each of its processes would read for itself, and have the
    collector leave alone what they share.
    """
    formatting.read_all()
    gc.freeze()


def _guard_connections(settings: Settings) -> None:
    """Each connection is scoped, bound by grants, and alive when it is used."""
    present.forget_with_commits()
    pools.tell_terms(db.engines[pools.ALONE])
    for name, engine in db.engines.items():
        pools.ping_after_idle(engine)
        if name != pools.ALONE:  # its scope never changes
            bind_scope(engine)
        refuse_unbound_roles(engine)
        if not settings.demonstration and name != READER:  # may not look, and shares its database with the others
            refuse_demonstration_data(engine)


def _furnish(app: Flask, settings: Settings) -> None:
    """The web's own rules and its audiences."""
    shows_inbox = settings.mail_transport == "demonstration"
    app.url_map.converters["day"] = DayConverter
    metering.meter(app)
    released.keep_pages(app)
    pages.furnish(app, demonstration=settings.demonstration, inbox=shows_inbox, licence_number=settings.licence_number)
    security.protect(
        app,
        hosts=[host for host in (settings.public_host, settings.replay_host) if host],
        secure=settings.secure,
        payment_origins=settings.payment_origins,
        proxies=settings.trusted_proxies,
    )
    replay.keep_apart(app)
    tracing.record_views(app)
    transaction.own_transactions(app)
    access.guard(app)
    tracing.show_present_pages(app)
    error_pages.show_errors(app)
    for subject in SUBJECTS:
        app.register_blueprint(subject.blueprint)
    if shows_inbox:
        app.register_blueprint(inbox.blueprint)
