"""Later work on contracts."""

from uuid import UUID

from marketplace.infra.db import db
from marketplace.infra.jobs import task
from marketplace.policy import services
from marketplace.policy.values import PolicyIssued


@task("policy.make_document")
def make_document(fact: PolicyIssued) -> None:
    services.make_document(fact.policy_id)


@task("policy.seal_document")
def seal_document(policy_id: UUID) -> None:
    services.seal_document(policy_id)


@task("policy.make_paper")
def make_paper(paper_id: UUID) -> None:
    services.make_paper(paper_id)


@task("policy.seal_paper")
def seal_paper(paper_id: UUID) -> None:
    services.seal_paper(paper_id)


@task("policy.end_expired", every="10 * * * *")
def end_expired() -> None:
    """Once an hour, because days end at another hour in each time zone. A transaction for each batch."""
    for _ in services.end_expired():
        db.session.commit()


@task("policy.note_seal_roots", every="25 * * * *")
def note_seal_roots() -> None:
    """Also before anything is sealed with a new root."""
    services.note_seal_roots()
