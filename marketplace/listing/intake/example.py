"""The worked example of the format: the template shows it, and whoever opens files reads it first, to be ready."""

from pathlib import Path

from marketplace.listing.values import Files

INSURER = "your-code"
_FOLDER = Path(__file__).parents[1] / "example"


def example_files() -> Files:
    """A catalog of term life without findings, for the insurer `INSURER`."""
    paths = sorted(path for path in _FOLDER.rglob("*") if path.is_file())
    return {path.relative_to(_FOLDER).as_posix(): path.read_bytes() for path in paths}
