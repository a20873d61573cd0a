"""Pictures and papers of pages that were sent, made of the kept bytes alone by Chromium (notice 2020-26, article 20:
material is restored as something a person can look at).

Chromium is a program of the machine, not a part of ours; where it is missing, `NoBrowser` says so and whoever wanted a
picture says so in its place.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from marketplace.kernel.errors import Unavailable

_ROOT = Path(__file__).parents[2]
_PHOTOGRAPHER = "marketplace.infra.photographer"
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_SECONDS_TO_START, _SECONDS_A_PAGE = 60.0, 25.0


class NoBrowser(Unavailable):
    """There is no Chromium on this machine, so no pictures can be made."""

    code = "pictures:no-browser"


class PicturesFailed(Unavailable):
    """Chromium ended without pictures. Trying again later may help."""

    code = "pictures:failed"


@dataclass(frozen=True, slots=True)
class File:
    """What a page asks for beside itself."""

    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Picture:
    """A page as it looks on a screen, whole, and on paper (A4)."""

    png: bytes
    pdf: bytes


@dataclass(frozen=True, slots=True)
class Taken:
    """The pictures of some pages in their order, and which browser made them."""

    pictures: tuple[Picture, ...]
    browser: str


def take(pages: Sequence[bytes], files: Mapping[str, File]) -> Taken:
    """`files` by the path at which pages ask for them (`/static/css/…`); nothing else is answered.

    Raises NoBrowser, PicturesFailed.
    """
    chromium = next(filter(None, map(shutil.which, _NAMES)), None)
    if chromium is None:
        raise NoBrowser
    asked = {
        "pages": [b64encode(page).decode() for page in pages],
        "files": {path: [file.media_type, b64encode(file.data).decode()] for path, file in files.items()},
    }
    try:
        done = subprocess.run(  # noqa: S603  our own program and the machine's browser
            [sys.executable, "-m", _PHOTOGRAPHER, chromium],
            input=json.dumps(asked).encode(),
            capture_output=True,
            cwd=_ROOT,
            env={"LANG": "C.UTF-8", "HOME": tempfile.gettempdir(), "PATH": os.defpath},
            timeout=_SECONDS_TO_START + _SECONDS_A_PAGE * len(pages),
            check=True,
        )
        told = json.loads(done.stdout)
    except (subprocess.SubprocessError, ValueError) as error:
        raise PicturesFailed from error
    made = (Picture(b64decode(each["png"]), b64decode(each["pdf"])) for each in told["pictures"])
    return Taken(tuple(made), told["browser"])
