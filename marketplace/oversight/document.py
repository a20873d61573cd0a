"""`README.txt` of the evidence of a contract: what it is, and how to check it with programs that we did not write."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from marketplace.infra.formatting import format_instant, use_locale
from marketplace.infra.formatting import gettext as _

_OURS = (
    "python -m verify bundle evidence.zip --policy trust.policy --authorities authorities.pem --receipt mine.tlog-proof"
)
_OTHERS = (
    "sha256sum core/pages/*.html",
    'GO111MODULE=off GOPATH=/usr/share/gocode go run tests/verify/second_opinion/main.go "$VKEY" mine.tlog-proof',
)
_STAMP = "openssl ts -verify -data {data} -in {token} -token_in -CAfile authorities.pem"


@dataclass(frozen=True, slots=True)
class Told:
    """What the text is told. `pictures` says what there is of them, or why there are none; `pages_sha256` is the hash
    of the web archive, where there are pages; `stamps` are the files of the time-stamps with those of what was stamped.
    """

    contract: str
    core_sha256: str
    watermark: str
    pictures: str
    pages_sha256: str | None
    site: str
    stamps: Sequence[tuple[str, str]]


def readme(told: Told, locale: str) -> bytes:
    """The text, in the language of who reads it."""
    with use_locale(locale):
        parts = (
            _("Evidence of contract %(contract)s", contract=told.contract),
            told.watermark,
            _(
                "In core/ is what was recorded of the sale up to the contract's last act: every entry, every page as it was sent, the documents, the policy, mails and payment. It is the same whoever asks and whenever; its SHA-256 is that of core/core.json:"  # noqa: E501
            )
            + f"\n    {told.core_sha256}",
            told.pictures,
            *_archive(told),
            _(
                "In wrapper/ is who asked for this file and why, who released the pages (releases/), how the log's key changed (rotations/), and how the log went on since. Treat the file as confidential: it holds what the customer told."  # noqa: E501
            ),
            _(
                "To check it you need no account, no network and none of our machines. Take whom to trust from the policy or from %(address)s, never from this file. The folder verify/ of our source code is all the first command needs; the others are programs we did not write:",  # noqa: E501
                address=f"{told.site}/log/trust.policy",
            )
            + f"\n\n{_commands(told.stamps)}",
            _when(told),
            _("What each finding means: %(address)s", address=f"{told.site}/verify/evidence"),
        )
    return "\n\n".join(each.rstrip() for each in parts).encode() + b"\n"


def _commands(stamps: Sequence[tuple[str, str]]) -> str:
    lines = (_OURS, *(_STAMP.format(data=data, token=token) for token, data in stamps), *_OTHERS)
    return "\n".join(f"    {line}" for line in lines)


def _archive(told: Told) -> tuple[str, ...]:
    if told.pages_sha256 is None:
        return ()
    words = _(
        "wrapper/pages.wacz is the same pages with their style sheets and pictures as a web archive (WACZ 1.1.1), which programs of others open, such as replayweb.page. Its addresses are made up, because none were recorded. The SHA-256 of its datapackage.json is in the log, among the readings of this evidence:"  # noqa: E501
    )
    return (f"{words}\n    {told.pages_sha256}",)


def _when(told: Told) -> str:
    if not told.stamps:
        return _("No time-stamp covers these entries yet. Ask for the file again later to have one in it.")
    return _(
        "In wrapper/timestamps/ is who stamped the time of the log, and when: last before the first entry here, and first after the last one. Whom of them to trust is at %(address)s; the certificates beside the time-stamps only say who made them.",  # noqa: E501
        address=f"{told.site}/log/authorities.pem",
    )


def watermark_of(reader: str, reason: str, at: datetime, zone: str, locale: str) -> str:
    """The line that says for whom a file was made."""
    with use_locale(locale):
        return _(
            "Made for %(reader)s on %(at)s. Reason: %(reason)s",
            reader=reader,
            at=format_instant(at, zone).replace("\u202f", " "),
            reason=" ".join(reason.split()),
        )
