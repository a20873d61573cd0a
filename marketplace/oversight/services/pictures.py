"""Pictures and papers of the pages of a contract, made once, of the kept bytes and the files that lay beside them then
(T26-39, T26-42). They illustrate; what proves is the page.
"""

from collections.abc import Sequence
from mimetypes import guess_type
from pathlib import Path
from uuid import UUID

from sqlalchemy import select

from marketplace.infra import pictures, storage, vault
from marketplace.infra.db import db
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import use_locale
from marketplace.infra.jobs import defer
from marketplace.kernel import clock, ids
from marketplace.kernel.canonical import sha256_hex
from marketplace.kernel.errors import NotFound
from marketplace.oversight.models import PictureRow, lock_pictures
from marketplace.traceability import queries as trail
from marketplace.traceability.values import EvidenceIncomplete, Extract, Logged, NoEvidence

STATIC = Path(__file__).parents[3] / "static"
TASK = "oversight.take_pictures"
AGAIN_SECONDS = 60
ERASED = "pictures:erased"


def take_pictures(application_id: UUID) -> str | None:
    """Make what is missing; why some are missing all the same (a stable code), or None. Making them again makes none.

    Raises EvidenceIncomplete while entries wait for the log.
    """
    lock_pictures(application_id)
    found = trail.extract(application_id)
    known = set(db.session.scalars(select(PictureRow.log_index).where(PictureRow.application_id == application_id)))
    wanted = [each for each in found.entries if each.page is not None and each.index not in known]
    if not wanted:
        return None
    if vault.is_destroyed(application_id):
        return ERASED
    try:
        _take(application_id, found, wanted)
    except (pictures.NoBrowser, pictures.PicturesFailed) as error:
        return error.code
    return None


def take_pictures_later(application_id: UUID) -> None:
    """The same for the job after a sale: what is not in the log yet is waited for, without noise."""
    try:
        take_pictures(application_id)
    except EvidenceIncomplete:
        defer(TASK, in_seconds=AGAIN_SECONDS, lock=TASK, application_id=application_id)
    except NoEvidence:
        return


def words_of(lacking: str | None, locale: str) -> str:
    """What a bundle says of its pictures."""
    with use_locale(locale):
        if lacking is None:
            return _("Each page is also there as a picture and on paper (core/exhibits). The page itself is the proof.")
        if lacking == pictures.NoBrowser.code:
            return _("Pictures: none, because the machine that made this file has no browser. The pages are complete.")
        if lacking == ERASED:
            return _("Pictures: none, because the personal data were erased.")
        return _("Pictures: none, because the browser failed. The pages are complete; ask again for the pictures.")


def _take(application_id: UUID, found: Extract, wanted: Sequence[Logged]) -> None:
    taken = pictures.take([each.page for each in wanted if each.page is not None], _files(found, wanted))
    for entry, picture in zip(wanted, taken.pictures, strict=True):
        for kind, data in (("png", picture.png), ("pdf", picture.pdf)):
            db.session.add(
                PictureRow(
                    id=ids.new_id(),
                    application_id=application_id,
                    log_index=entry.index,
                    kind=kind,
                    sha256=storage.put_sealed(data, application_id),
                    browser=taken.browser,
                    made_at=clock.now(),
                )
            )
    db.session.flush()


def _files(found: Extract, wanted: Sequence[Logged]) -> dict[str, pictures.File]:
    """What the pages ask for beside themselves, as it was when they were sent. A file of today that is another is not
    put in its place: the page then lacks it, and the picture shows that.
    """
    versions = {each.page_version_id for each in wanted}
    assets = {path: sha256 for version in versions for path, sha256 in found.versions[str(version)]["assets"].items()}
    kept = ((path, kept_asset(path, sha256)) for path, sha256 in sorted(assets.items()))
    return {
        f"/static/{path}": pictures.File(guess_type(path)[0] or "application/octet-stream", data)
        for path, data in kept
        if data is not None
    }


def kept_asset(path: str, sha256: str) -> bytes | None:
    """A static file as it was when a page that names it was sent; None where it is not kept."""
    try:
        return storage.get(sha256)
    except NotFound:
        file = STATIC / path
        data = file.read_bytes() if file.is_relative_to(STATIC) and file.is_file() else b""
        return data if sha256_hex(data) == sha256 else None
