"""Later work on contracts."""

from uuid import UUID

from marketplace.infra.db import db
from marketplace.infra.jobs import task
from marketplace.policy import services
from marketplace.policy.values import PolicyIssued

UNTIL_DONE = 100_000
"""A paper waits for its seal however long that takes."""


@task("policy.make_document", attempts=UNTIL_DONE)
def make_document(fact: PolicyIssued) -> None:
    services.make_document(fact.policy_id)


@task("policy.seal_document", attempts=UNTIL_DONE)
def seal_document(policy_id: UUID) -> None:
    services.seal_document(policy_id)


@task("policy.make_paper", attempts=UNTIL_DONE)
def make_paper(paper_id: UUID) -> None:
    services.make_paper(paper_id)


@task("policy.seal_paper", attempts=UNTIL_DONE)
def seal_paper(paper_id: UUID) -> None:
    services.seal_paper(paper_id)


@task("policy.watch_papers", every="*/10 * * * *", attempts=1)
def watch_papers() -> None:
    services.watch_papers()


@task("policy.end_expired", every="10 * * * *")
def end_expired() -> None:
    """Once an hour, because days end at another hour in each time zone. A transaction for each batch."""
    for _ in services.end_expired():
        db.session.commit()


@task("policy.note_seal_roots", every="25 * * * *")
def note_seal_roots() -> None:
    """Also before anything is sealed with a new root."""
    services.note_seal_roots()
