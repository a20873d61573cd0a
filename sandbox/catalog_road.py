"""A catalog on the road that every upload takes, walked at once by its four people: nothing is published past them."""

from dataclasses import dataclass

from marketplace.accounts.values import Account, Insurer
from marketplace.listing import queries, services
from marketplace.listing.values import Files, Upload, UploadState
from marketplace.traceability.values import Actor, ActorRole


@dataclass(frozen=True, slots=True)
class Reviewers:
    """Who of the insurer uploads and submits, who of it approves, and who of the marketplace accepts."""

    first: Account
    second: Account
    marketplace: Account


def put_on_sale(insurer: Insurer, files: Files, by: Reviewers) -> Upload:
    """The upload, published where nothing was found in it. One that is on sale already is returned as it is.

    Reads at once what the worker would read. Commits nothing.
    """
    first, second = (Actor(ActorRole.INSURER, each.id, each.role.value) for each in (by.first, by.second))
    upload = services.upload_catalog(insurer.id, files, first)
    if upload.state is UploadState.RECEIVED:
        services.read_upload(upload.id)
        upload = queries.upload(upload.id)
    if upload.state is UploadState.DRAFT:
        services.submit_upload(upload.id, first)
        services.approve_upload(upload.id, second)
        reviewer = by.marketplace
        services.accept_upload(upload.id, Actor(ActorRole.ADMIN, reviewer.id, reviewer.role.value))
    return queries.upload(upload.id)
