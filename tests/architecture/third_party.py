"""What the product stands on and under which licence: writes THIRD_PARTY.md (`make third-party`), and checks it."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
VENDOR = ROOT / "static/js/vendor"
PERMISSIVE = re.compile(
    r"MIT|BSD|Apache|ISC|PSF|MPL.2\.0|Unlicense|OFL|LGPL|Zlib|HPND|CC0|Python Software Foundation", re.IGNORECASE
)
STRONG_COPYLEFT = re.compile(r"(?<![L])(A?GPL)", re.IGNORECASE)
# Packages whose metadata carry the licence's text instead of its name; read by hand.
READ_BY_HAND = {"flask-wtf": "BSD-3-Clause", "wtforms": "BSD-3-Clause"}
HEAD = """# Third-party packages

Made from the metadata of the pinned packages by `make third-party`; `make check` holds it to `requirements.txt`.
Everything is used unmodified. The LGPL ones (the PostgreSQL driver, the numbers of documents) and the MPL one (root
certificates) are separate, replaceable packages.

| package | version | licence |
|---|---|---|
"""

VENDORED = """
## Files of others in `static/js/vendor`

As they were published in the npm packages named, unmodified; the licence's text lies beside them.

| file | package | version | file in the package | licence | SHA-256 |
|---|---|---|---|---|---|
"""


def pinned() -> list[str]:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return [match[1] for line in lines if (match := re.match(r"^([a-z0-9][a-z0-9.-]*)==", line))]


def licence_of(name: str) -> str:
    info = metadata.metadata(name)
    if name in READ_BY_HAND:
        return READ_BY_HAND[name]
    classified = [line.split("::")[-1].strip() for line in info.get_all("Classifier") or [] if line.startswith("Licen")]
    return info.get("License-Expression") or "; ".join(classified) or (info.get("License") or "").strip()


def installed(name: str) -> bool:
    """Whether this platform uses the package at all (some are pinned for others)."""
    try:
        metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def vendored() -> dict[str, dict[str, str]]:
    """File in `static/js/vendor` -> where it is from, its licence and its hash."""
    files: dict[str, dict[str, str]] = tomllib.loads((VENDOR / "vendored.toml").read_text(encoding="utf-8"))
    return files


def page() -> str:
    rows = [f"| {name} | {metadata.version(name)} | {licence_of(name)} |" for name in pinned() if installed(name)]
    files = [
        f"| {name} | {of['package']} | {of['version']} | {of['file']} | {of['licence']} | `{of['sha256']}` |"
        for name, of in vendored().items()
    ]
    return HEAD + "\n".join(rows) + "\n" + VENDORED + "\n".join(files) + "\n"


if __name__ == "__main__":
    (ROOT / "THIRD_PARTY.md").write_text(page())
