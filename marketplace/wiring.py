"""The one place that knows everyone: which jobs each fact defers, and which adapter stands behind each port."""

from config import Settings
from marketplace.infra import storage

# Fact type -> names of the jobs that it defers. A fact without a subscriber carries its reason.
SUBSCRIBERS: dict[type, tuple[str, ...]] = {}


def connect(settings: Settings) -> None:
    """Hand each neighbour what the settings say. Called once at start by `app.create_app`."""
    storage.configure(settings.storage_folder)
