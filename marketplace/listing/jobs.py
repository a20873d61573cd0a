"""Later work of listing."""

from uuid import UUID

from marketplace.infra.jobs import task
from marketplace.listing import services


@task("listing.read_upload", attempts=12)
def read_upload(upload_id: UUID) -> None:
    services.read_upload(upload_id)


@task("listing.measure_impact", attempts=12)
def measure_impact(upload_id: UUID) -> None:
    services.measure_impact(upload_id)
