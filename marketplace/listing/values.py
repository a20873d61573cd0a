"""The public words of listing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import ConfigDict

from marketplace.catalog.values import DocumentRef, Line, ProductContent
from marketplace.kernel.errors import Conflict, NotFound, Refused
from marketplace.rating.values import Tariff

Files = Mapping[str, bytes]
"""A catalog as files: path with forward slashes, relative to the catalog, and the bytes."""


class UploadState(StrEnum):
    REFUSED = "refused"
    DRAFT = "draft"
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of an upload.

    `row` counts lines of the file from 1 (None: the file as a whole). `column` is a column's heading, or the path of a
    field in a TOML file. `code` says what is wrong; `right` carries what would be right, as far as it is known. In a
    workbook `file` is the sheet and `cell` the cell, as `C7`.
    """

    file: str
    code: str
    row: int | None = None
    column: str = ""
    value: str = ""
    right: str = ""
    cell: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "file": self.file,
            "code": self.code,
            "row": self.row,
            "column": self.column,
            "value": self.value,
            "right": self.right,
            "cell": self.cell,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Finding":
        cell = data.get("cell", "")  # findings of before workbooks were read have none
        return cls(data["file"], data["code"], data["row"], data["column"], data["value"], data["right"], cell)


@dataclass(frozen=True, slots=True)
class DraftProduct:
    """One product version as it would be published: on sale from `effective_from` until before `effective_to`."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    folder: str
    content: ProductContent
    tariff: Tariff
    documents: tuple[tuple[DocumentRef, bytes], ...]
    effective_from: date
    effective_to: date | None


@dataclass(frozen=True, slots=True)
class Draft:
    """A catalog without findings."""

    insurer: str
    label: str
    products: tuple[DraftProduct, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of reading a container: a draft, or the findings that stand in its way."""

    findings: tuple[Finding, ...]
    draft: Draft | None = field(default=None)


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload and what came of it. `products` are the codes of a draft, `version_ids` what was published from it."""

    id: UUID
    insurer_id: UUID
    sha256: str
    state: UploadState
    label: str
    products: tuple[str, ...]
    findings: tuple[Finding, ...]
    received_at: datetime
    published_at: datetime | None
    version_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A finding in the reader's language: what is wrong and what would be right."""

    wrong: str
    right: str


@dataclass(frozen=True, slots=True)
class Grid:
    """A rate card as it was received: its cells as text, and what is wrong with them as such."""

    rows: tuple[tuple[str, ...], ...]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class CardPlan:
    """How a wide rate card is read.

    `titles` rows at the top are passed over, `headings` rows follow, then the numbers, with `label_columns` columns of
    labels on their left. `columns` and `lines` name the factor of each column of labels and each row of headings; where
    they name none, `meanings` says what each label means: `sex = male; smoker = no`.
    """

    titles: int
    headings: int
    label_columns: int
    table: str
    value: Literal["rate", "amount"]
    columns: tuple[str, ...]
    lines: tuple[str, ...]
    meanings: Mapping[str, str]

    @property
    def numbers(self) -> int:
        """The row (from 0) in which the numbers begin."""
        return self.titles + self.headings


@dataclass(frozen=True, slots=True)
class RateCard:
    """A named way of reading rate cards of an insurer, with the newest card read by it."""

    id: UUID
    insurer_id: UUID
    name: str
    line: Line
    grid: Grid
    plan: CardPlan
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class MarkedCopy:
    """What was uploaded, with every finding where it stands; `name` is that of the file."""

    name: str
    media_type: str
    data: bytes


class UploadNotFound(NotFound):
    """There is no such upload."""

    code = "listing:upload-not-found"


class RateCardNotFound(NotFound):
    """There is no such rate card."""

    code = "listing:rate-card-not-found"


class RateCardHasFindings(Refused):
    """This rate card has findings. Mend them, or say what its labels mean, and try again."""

    code = "listing:rate-card-has-findings"


class RateCardNameTaken(Conflict):
    """You have a rate card of this name already."""

    code = "listing:rate-card-name-taken"


class UploadHasFindings(Refused):
    """This upload has findings. Mend them and upload it again."""

    code = "listing:upload-has-findings"
