"""Files by content: the name of a file is the SHA-256 of its bytes, so nothing is ever overwritten by anything else.

What is about a person lies sealed (`infra.vault`) in a file `<SHA-256 of the plain bytes>.sealed`: the id of the
subject whose key opens it, 16 bytes, and the sealed bytes. The same bytes of a second subject lie beside it, in a file
`<SHA-256>.<subject>.sealed`: two people may have been shown pages that look alike, and what is erased of one stays the
other's.

Where the bytes lie is a setting: in a folder, or in a bucket (`objects`, decision 24).
"""

from contextlib import suppress
from uuid import UUID

from marketplace.infra import vault
from marketplace.infra.storage.objects import Objects
from marketplace.kernel.canonical import sha256_hex
from marketplace.kernel.errors import NotFound, Unavailable

_SUBJECT_BYTES = 16
_MAY_BE_ON_ITS_WAY = 3600.0  # seconds, by the clock of the files; no request takes as long


class FileAltered(Unavailable):
    """A stored file is not what was stored. It is handed to nobody until somebody has looked."""

    code = "storage:file-altered"


class Storage:
    """Content-addressed files, two levels deep (`ab/cd/abcd…`)."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def put(self, data: bytes) -> str:
        """Keep `data`, durably before returning its SHA-256 (hex). Putting it again only says when."""
        sha256 = sha256_hex(data)
        self._objects.put(_name(sha256), data)
        return sha256

    def remove(self, sha256: str) -> bool:
        """Remove what no row refers to any more; False where it stays. What was put within the last hour does: the row
        that is to refer to it may not be committed yet. Whoever puts it in the very moment of its removal is not told.
        """
        return self._objects.remove(_name(sha256), _MAY_BE_ON_ITS_WAY)

    def put_sealed(self, data: bytes, subject_id: UUID) -> str:
        """As `put`, for what is about a person. Raises DataDestroyed, VaultUnavailable."""
        sha256 = sha256_hex(data)
        for name in (_sealed_name(sha256), _sealed_name(sha256, subject_id)):
            if not self._objects.exists(name):
                self._objects.create(name, subject_id.bytes + vault.seal(subject_id, _place(sha256), data))
            if self._objects.get(name).startswith(subject_id.bytes):  # the first of those who come at once stays
                return sha256
        raise FileAltered(f"the stored file {sha256[:12]}… is of somebody else")

    def get(self, sha256: str, subject_id: UUID | None = None) -> bytes:
        """The bytes, checked against their name; what is sealed is opened. `subject_id` says whose, where several
        subjects may have the same.

        NotFound if unknown or erased (DataDestroyed), Unavailable if the file was changed, or no key or no answer of
        the store is to be had.
        """
        data = self._plain(sha256, subject_id)
        if sha256_hex(data) != sha256:
            raise FileAltered(f"the stored file {sha256[:12]}… was altered")
        return data

    def problems(self) -> list[str]:
        """Why files cannot be kept and had as the settings say, in words for whoever runs it; empty when they can."""
        return self._objects.problems()

    def _plain(self, sha256: str, subject_id: UUID | None) -> bytes:
        with suppress(FileNotFoundError):
            return self._objects.get(_name(sha256))
        try:
            kept = self._objects.get(_sealed_name(sha256))
            if subject_id and not kept.startswith(subject_id.bytes):
                kept = self._objects.get(_sealed_name(sha256, subject_id))
        except FileNotFoundError:
            raise NotFound(f"no file {sha256[:12]}…") from None
        return _opened(kept, sha256)


def _name(sha256: str) -> str:
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):  # noqa: PLR2004  hex digits of SHA-256
        raise NotFound("not a SHA-256")
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def _sealed_name(sha256: str, subject_id: UUID | None = None) -> str:
    return f"{_name(sha256)}.{subject_id.hex}.sealed" if subject_id else f"{_name(sha256)}.sealed"


def _opened(kept: bytes, sha256: str) -> bytes:
    subject, sealed = kept[:_SUBJECT_BYTES], kept[_SUBJECT_BYTES:]
    if len(subject) < _SUBJECT_BYTES:
        raise FileAltered(f"the stored file {sha256[:12]}… was altered")
    return vault.open(UUID(bytes=subject), _place(sha256), sealed)


def _place(sha256: str) -> str:
    return f"storage/{sha256}"


_storage: Storage | None = None


def configure(objects: Objects) -> None:
    """For `create_app`: where files live."""
    global _storage  # noqa: PLW0603  one store for each process, set at start
    _storage = Storage(objects)


def _configured() -> Storage:
    if _storage is None:
        raise Unavailable("the store of files is not configured")
    return _storage


def put(data: bytes) -> str:
    return _configured().put(data)


def put_sealed(data: bytes, subject_id: UUID) -> str:
    return _configured().put_sealed(data, subject_id)


def remove(sha256: str) -> bool:
    return _configured().remove(sha256)


def get(sha256: str, subject_id: UUID | None = None) -> bytes:
    return _configured().get(sha256, subject_id)


def problems() -> list[str]:
    return _configured().problems()
