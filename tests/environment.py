"""The settings of the tests as a process of its own reads them."""

import os
from pathlib import Path

from config import Settings

ROOT = Path(__file__).parents[1]


def environment_of(settings: Settings, **other: str) -> dict[str, str]:
    """Everything that process is told: these settings, changed by `other`, and nothing that the tests were told."""
    told = settings.model_dump(exclude_none=True) | {name.lower(): value for name, value in other.items()}
    plain = {name.upper(): _plain(value) for name, value in told.items()} | {"DEMONSTRATION": "1"}
    return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "PYTHONPATH": str(ROOT)} | plain


def _plain(value: object) -> str:
    return str(value.get_secret_value() if hasattr(value, "get_secret_value") else value)
