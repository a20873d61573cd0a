"""Who may enter: roles, accounts, insurers; what is limited; what may be wrong with what they typed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from marketplace.kernel.text import LocalizedText


class Desk(StrEnum):
    """Which part of the site a role works at. A desk opens nothing by itself; the roles at it do."""

    CUSTOMER = "customer"
    INSURER = "insurer"
    PRACTITIONER = "practitioner"
    BACKOFFICE = "backoffice"


class Role(StrEnum):
    """What an account may be. Each account has one."""

    CUSTOMER = "customer"
    INSURER_CATALOG = "insurer_catalog"
    INSURER_UNDERWRITER = "insurer_underwriter"
    INSURER_CLAIMS = "insurer_claims"
    INSURER_FINANCE = "insurer_finance"
    INSURER_ADMIN = "insurer_admin"
    PRACTITIONER = "practitioner"
    ADMIN_SALES = "admin_sales"
    ADMIN_COMPLIANCE = "admin_compliance"
    ADMIN_REVIEWER = "admin_reviewer"
    ADMIN_FINANCE = "admin_finance"
    ADMIN_COMPLAINTS = "admin_complaints"
    ADMIN_OWNER = "admin_owner"

    @property
    def desk(self) -> Desk:
        first = self.value.partition("_")[0]
        return Desk.BACKOFFICE if first == "admin" else Desk(first)

    @property
    def is_staff(self) -> bool:
        """Whether the account is made by an administrator, never by registration or by a code."""
        return self is not Role.CUSTOMER


class CodePurpose(StrEnum):
    """What a code (typed in) or a link (followed) proves. Each proves one thing only."""

    APPLICATION_EMAIL = "application_email"
    FIND_PURCHASE = "find_purchase"
    CONFIRM_ADDRESS = "confirm_address"
    RESET_PASSWORD = "reset_password"  # noqa: S105  the name of a purpose
    CONFIRM_IDENTITY = "confirm_identity"
    CONFIRM_APPLICANT = "confirm_applicant"
    CONSULTATION_EMAIL = "consultation_email"


class Bucket(StrEnum):
    """What is counted and limited; the limits stand in `rules.LIMITS`."""

    MAIL_OF_SOURCE = "mail_of_source"
    MAIL_OF_PAIR = "mail_of_pair"
    MAIL_OF_PAIR_DAILY = "mail_of_pair_daily"
    MAIL_OF_BROWSER = "mail_of_browser"
    MAIL_OF_SESSION = "mail_of_session"
    CODE_OF_ADDRESS = "code_of_address"
    LINK_OF_ADDRESS = "link_of_address"
    TRY_OF_CODE = "try_of_code"
    TRY_OF_SOURCE = "try_of_source"
    SIGN_IN_OF_ADDRESS = "sign_in_of_address"
    SIGN_IN_OF_PAIR = "sign_in_of_pair"
    SIGN_IN_OF_SOURCE = "sign_in_of_source"
    FACTOR_OF_ACCOUNT = "factor_of_account"
    FACTOR_OF_ACCOUNT_HOURLY = "factor_of_account_hourly"
    FACTOR_OF_ACCOUNT_DAILY = "factor_of_account_daily"
    FACTOR_TOLD = "factor_told"
    CHECK_OF_SOURCE = "check_of_source"
    COMPARISON_OF_SOURCE = "comparison_of_source"
    SHARING_OF_SOURCE = "sharing_of_source"
    SHARING_OF_ADDRESS = "sharing_of_address"
    COPY_OF_POLICY = "copy_of_policy"
    IDENTITY_OF_APPLICATION = "identity_of_application"
    INSURED_ASKED_OF_APPLICATION = "insured_asked_of_application"
    PAYMENT_OF_SOURCE = "payment_of_source"
    RETURN_OF_SOURCE = "return_of_source"
    WAITING_OF_SOURCE = "waiting_of_source"
    LEAVING_OF_SOURCE = "leaving_of_source"
    RECORDING_OF_SOURCE = "recording_of_source"
    FORM_OF_SOURCE = "form_of_source"
    REFUSAL_OF_SOURCE = "refusal_of_source"
    API_OF_SOURCE = "api_of_source"
    UPLOAD_OF_KEY = "upload_of_key"
    APPLICATION_OF_SOURCE = "application_of_source"
    QUESTION_OF_SOURCE = "question_of_source"
    QUESTION_OF_ACCOUNT = "question_of_account"
    LOOKUP_OF_SOURCE = "lookup_of_source"
    REPORT_OF_SOURCE = "report_of_source"


class Fault(StrEnum):
    """What may be wrong with what somebody typed; the words for a person are in `services.checks`."""

    NO_ADDRESS = "no_address"
    NAME_MISSING = "name_missing"
    NAME_UNFIT = "name_unfit"
    PASSWORD_SHORT = "password_short"  # noqa: S105  the name of a fault
    PASSWORD_LONG = "password_long"  # noqa: S105  the name of a fault
    PASSWORD_REPEATS = "password_repeats"  # noqa: S105  the name of a fault
    PASSWORD_COMMON = "password_common"  # noqa: S105  the name of a fault
    PASSWORD_PERSONAL = "password_personal"  # noqa: S105  the name of a fault
    INSURER_CODE = "insurer_code"
    INSURER_COLOUR = "insurer_colour"
    INSURER_MARK = "insurer_mark"
    ROLE_OF_CUSTOMER = "role_of_customer"
    INSURER_OF_STAFF = "insurer_of_staff"
    FACT_FIGURE = "fact_figure"
    FACT_WORDS = "fact_words"
    FACT_SOURCE = "fact_source"
    FACT_AHEAD = "fact_ahead"
    REASON_MISSING = "reason_missing"
    KEY_NAME = "key_name"
    KEY_DAYS = "key_days"
    ROLE_OF_OTHERS = "role_of_others"
    PAPERS_MISSING = "papers_missing"
    PAPERS_UNFIT = "papers_unfit"
    CODE_TAKEN = "code_taken"
    TERM_SHARE = "term_share"
    TERM_PAST = "term_past"
    PAYEE_COUNTRY = "payee_country"
    CERTIFICATE_NUMBER = "certificate_number"
    CERTIFICATE_SCOPE = "certificate_scope"
    CERTIFICATE_DAYS = "certificate_days"


@dataclass(frozen=True, slots=True)
class NewInsurer:
    """An insurer to be entered. `colour` is `#rrggbb`, `mark` one letter or character for its sign."""

    code: str
    legal_name: LocalizedText
    short_name: LocalizedText
    licence_no: str
    phone: str
    email: str
    colour: str
    mark: str
    regions: tuple[str, ...] = ()
    fictional: bool = False
    active: bool = True


@dataclass(frozen=True, slots=True)
class Insurer:
    """An insurer whose products are sold. `regions` are codes of where it may sell; none means everywhere."""

    id: UUID
    code: str
    legal_name: LocalizedText
    short_name: LocalizedText
    licence_no: str
    phone: str
    email: str
    colour: str
    mark: str
    regions: tuple[str, ...]
    fictional: bool
    active: bool


@dataclass(frozen=True, slots=True)
class NewStaff:
    """A staff account to be made. Insurer roles need an insurer, the others have none."""

    email: str
    name: str
    role: Role
    password: str
    insurer_id: UUID | None = None
    locale: str = "en"


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who can enter, unless `disabled`."""

    id: UUID
    email: str
    name: str
    role: Role
    insurer_id: UUID | None
    locale: str
    confirmed: bool
    has_password: bool
    disabled: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class MessageRequest:
    """A mail that somebody above must queue in the same transaction (accounts may not know correspondence).

    `kind` names the message, `subject_key` makes it unique within its kind, `context` holds what its template fills in:
    a `code`, or the `token` of a link (the route makes the address), and `minutes`, how long it works.
    """

    kind: str
    subject_key: str
    recipient: str
    locale: str
    context: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CodeRequest:
    """A code was asked for: `mail` is to be queued, `challenge_id` stays with the browser that asked, where alone the
    code works. There is one whatever the address is, so it tells nothing.
    """

    challenge_id: UUID
    mail: MessageRequest
