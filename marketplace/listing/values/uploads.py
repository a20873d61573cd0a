"""The public words of listing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from pydantic import ConfigDict, TypeAdapter

from marketplace.accounts.values import Role
from marketplace.catalog.values import DocumentRef, ProductContent, Risk
from marketplace.kernel.errors import Invalid, NotFound, Refused
from marketplace.rating.values import Breakdown, Scalar, Tariff

Files = Mapping[str, bytes]
"""A catalog as files: path with forward slashes, relative to the catalog, and the bytes."""


class UploadState(StrEnum):
    """Where an upload stands on its road. What is published may still wait for its first day."""

    RECEIVED = "received"
    REFUSED = "refused"
    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    PUBLISHED = "published"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class UploadEvent(StrEnum):
    """What happens to an upload: it is read; its insurer submits, approves, sends back or withdraws it; the marketplace
    accepts or refuses it.
    """

    READ = "read"
    FIND = "find"
    SUBMIT = "submit"
    APPROVE = "approve"
    SEND_BACK = "send_back"
    ACCEPT = "accept"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"


OPEN_STATES = (UploadState.RECEIVED, UploadState.DRAFT, UploadState.SUBMITTED, UploadState.APPROVED)
CATALOG_KEEPERS = frozenset({Role.INSURER_CATALOG, Role.INSURER_ADMIN})
"""Who of an insurer uploads, submits, approves and ends sales."""
CATALOG_REVIEWERS = frozenset({Role.ADMIN_REVIEWER})
"""Who of the marketplace accepts for sale (O13-45)."""


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
    file_name: str
    label: str
    products: tuple[str, ...]
    findings: tuple[Finding, ...]
    received_at: datetime
    received_by: UUID | None
    submitted_by: UUID | None
    approved_by: UUID | None
    published_at: datetime | None
    version_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A finding in the reader's language: what is wrong and what would be right."""

    wrong: str
    right: str


@dataclass(frozen=True, slots=True)
class FileCopy:
    """A file made from an upload, to be taken away; `name` is that of the file."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an upload's road: what happened, when, by whom (None: the marketplace's own work), and why."""

    event: UploadEvent
    at: datetime
    account_id: UUID | None
    actor: str
    reason: str


class Part(StrEnum):
    """Which part of a product a change lies in."""

    PRODUCT = "product"
    ELIGIBILITY = "eligibility"
    COVERS = "covers"
    EXCLUSIONS = "exclusions"
    KEY_FACTS = "key_facts"
    FACTS = "facts"
    QUESTIONS = "questions"
    SERVICES = "services"
    DOCUMENTS = "documents"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that a product says now and will not, or the other way round.

    `item` names the cover, exclusion, question or document (nothing elsewhere), `field` what of it as a path; both ends
    empty of a whole item mean that it goes (`new` is None) or comes (`old` is None).
    """

    part: Part
    item: str
    field: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class Shift:
    """How the premiums of some risks change, in millionths of the old premium."""

    risks: int
    rising: int
    falling: int
    average: int
    most: int
    least: int


@dataclass(frozen=True, slots=True)
class Band:
    """The shift of the risks whose `factor` is one value, or lies from `low` to `high`."""

    factor: str
    low: Scalar
    high: Scalar
    shift: Shift


@dataclass(frozen=True, slots=True)
class PremiumDifference:
    """`rated` risks of `possible` were rated under both tariffs; `comes` have a premium only now, `goes` only before.

    `shift` is None where no risk has a premium under both.
    """

    possible: int
    rated: int
    comes: int
    goes: int
    shift: Shift | None
    bands: tuple[Band, ...]

    @property
    def is_sample(self) -> bool:
        return self.rated < self.possible


@dataclass(frozen=True, slots=True)
class Priced:
    """A product with what it costs, both as JSON, as they are kept."""

    content: Mapping[str, Any]
    tariff: Mapping[str, Any]

    @classmethod
    def of(cls, content: ProductContent, tariff: Tariff) -> "Priced":
        return cls(content.to_json(), tariff.to_json())


@dataclass(frozen=True, slots=True)
class Measure:
    """What is asked of one draft: what it changes against `before`, and what its tariff would ask of open `offers`,
    each a risk and the premium in minor units that was promised.
    """

    draft: Priced
    before: Priced | None
    offers: tuple[tuple[Risk, int], ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """What a tariff changes, and for how many open offers the premium would rise much or be `refused`."""

    premiums: PremiumDifference | None = None
    rising: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """What a draft changes against the version `against` (None: the product is new)."""

    against: UUID | None
    number: int | None = None
    changes: tuple[Change, ...] = ()
    premiums: PremiumDifference | None = None

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = _DIFFERENCE.dump_python(self, mode="json")
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Difference":
        return _DIFFERENCE.validate_python(data)


@dataclass(frozen=True, slots=True)
class Impact:
    """Whom a draft touches, as counted `at` (business time).

    Of the `offers` that are open, `rated` were rated anew: `rising` by more than five per cent, `refused` have no
    premium any more. They stand all the same until they expire. `ending` contracts end until `until`.
    """

    at: datetime
    offers: int = 0
    rated: int = 0
    rising: int = 0
    refused: int = 0
    applications: int = 0
    in_force: int = 0
    ending: int = 0
    until: date | None = None

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = _IMPACT.dump_python(self, mode="json")
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Impact":
        return _IMPACT.validate_python(data)


_DIFFERENCE: TypeAdapter[Difference] = TypeAdapter(Difference)
_IMPACT: TypeAdapter[Impact] = TypeAdapter(Impact)


@dataclass(frozen=True, slots=True)
class StoredDraft:
    """One product of an upload as it was read: the `place`-th of the catalog, with what it changes and whom it touches.

    On sale from `effective_from` until before `effective_to`, as the insurer wrote it.
    """

    upload_id: UUID
    place: int
    content: ProductContent
    tariff: Tariff
    effective_from: date
    effective_to: date | None
    difference: Difference
    impact: Impact


@dataclass(frozen=True, slots=True)
class Tried:
    """The premiums of one risk: by the draft, and by the version it is compared with; None where there is none."""

    risk: Mapping[str, Scalar]
    new: Breakdown | None
    old: Breakdown | None


class UploadNotFound(NotFound):
    """There is no such upload."""

    code = "listing:upload-not-found"


class WorkbookNotFound(NotFound):
    """Only a catalog in which nothing is wrong can be had as a workbook."""

    code = "listing:workbook-not-found"


class UploadHasFindings(Refused):
    """This upload has findings. Mend them and upload it again."""

    code = "listing:upload-has-findings"


class ReviewNotYours(Refused):
    """Your role does not take this step for this upload."""

    code = "listing:review-not-yours"


class SecondPersonNeeded(Refused):
    """Whoever uploaded or submitted a catalog cannot approve it or send it back. Another person has to."""

    code = "listing:second-person-needed"


class SaleOver(Refused):
    """The last day on sale that this catalog names has passed. Upload it with new days."""

    code = "listing:sale-over"


class StillOnSale(Refused):
    """What was published from this upload is still on sale."""

    code = "listing:still-on-sale"


class ReasonMissing(Invalid):
    """A refusal needs its reason."""

    code = "listing:reason-missing"
