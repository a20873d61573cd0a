"""Settings, typed and refusing. Everything comes from the environment; nothing is guessed in production.

Production is the default. `DEMONSTRATION=1` is set by `make run` and the tests only; with it the marketplace may be
bound to and known by loopback addresses alone, and without it the simulator, test keys, demonstration inbox and
demonstration certificates are refused.
"""

import re
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from marketplace.kernel import money
from marketplace.kernel.addresses import (
    NO_ORIGIN,
    UNGUARDED,
    are_time_authorities,
    is_guarded,
    is_loopback,
    is_origin_of_log,
    mailbox,
    origin_of_log,
    time_authorities,
)

_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\]+", re.ASCII)
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._-]+)*")
MINIMUM_SECRET = 32
FEWEST_DIFFERENT = 8
"""Characters of a secret: 32 random hex digits have fewer once in some million times."""


class UnsafeSettingsError(Exception):
    """The environment does not make a safe set-up. The text names each setting and what to do."""


class _FromEnvironment(BaseSettings):
    """Each field is one environment variable of the same name in capitals (README, "Settings")."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    demonstration: bool = Field(
        default=False, description="Set by `make run` and tests only: fictional insurers, no money moves."
    )

    @classmethod
    def from_env(cls) -> Self:
        """The settings of this process, or UnsafeSettingsError with one line per setting that is missing or unsafe."""
        try:
            return cls()
        except ValidationError as error:
            raise UnsafeSettingsError("\n".join(_complaints(error))) from None

    @classmethod
    def or_exit(cls) -> Self:
        """For entry points: the settings, or the end of the process with what to set on standard error."""
        try:
            return cls.from_env()
        except UnsafeSettingsError as error:
            raise SystemExit(str(error)) from None

    @model_validator(mode="after")
    def _refuse_unsafe(self) -> Self:
        problems = self._problems()
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _problems(self) -> list[str]:
        raise NotImplementedError


class StorageSettings(_FromEnvironment):
    """Where documents and signed policies are kept by their SHA-256: in a folder, or in a bucket of S3's kind."""

    storage_folder: Path | None = Field(default=None, description="A folder that all hosts share.")
    storage_url: str = Field(default="", description="`s3://bucket` or `s3://bucket/prefix`, in a folder's stead.")
    storage_endpoint: str = Field(default="", description="Address of the store; empty: Amazon's in that region.")
    storage_region: str = Field(default="us-east-1", description="Region of the bucket, as the store names it.")
    storage_key_id: str = Field(default="", description="Name of the key that opens the bucket.")
    storage_secret_key: SecretStr = Field(default=SecretStr(""), description="That key.")

    def _problems_of_storage(self) -> list[str]:
        if not self.storage_url:
            return [] if self.storage_folder is not None else ["Set STORAGE_FOLDER, or STORAGE_URL for a bucket"]
        checks = {
            "STORAGE_FOLDER and STORAGE_URL are both set; files lie in one of them": self.storage_folder is not None,
            "STORAGE_URL must be s3://bucket or s3://bucket/prefix": not _BUCKET.fullmatch(self.storage_url),
            "STORAGE_KEY_ID and STORAGE_SECRET_KEY are missing; STORAGE_URL needs both": not self.storage_key_id
            or not self.storage_secret_key.get_secret_value(),
            "STORAGE_ENDPOINT must be http(s)://host[:port] and nothing more": bool(self.storage_endpoint)
            and not _is_origin(self.storage_endpoint),
            "STORAGE_ENDPOINT must begin with https:// unless it is on loopback": self.storage_endpoint.startswith(
                "http://"
            )
            and not self._stores_here,
            "DEMONSTRATION=1 allows STORAGE_ENDPOINT on loopback only": self.demonstration and not self._stores_here,
        }
        return [text for text, wrong in checks.items() if wrong]

    @property
    def _stores_here(self) -> bool:
        return is_loopback(urlsplit(self.storage_endpoint).hostname or "")


class BackupSettings(StorageSettings):
    """All that backing up and restoring read: where the data lie. They are told no secret of the site."""

    database_owner_url: SecretStr = Field(description="As `marketplace_owner`, who alone sees every row.")

    def _problems(self) -> list[str]:
        safe = self.demonstration or is_guarded(self.database_owner_url.get_secret_value())
        return [*self._problems_of_storage(), *([] if safe else [UNGUARDED])]


class Settings(StorageSettings):
    """What site, worker and their commands read."""

    bind_address: str = Field(default="127.0.0.1", description="Where the site listens; loopback in a demonstration.")
    public_url: str = Field(description="Address of the site as customers see it; decides cookies, hosts, links.")
    replay_origin: str = Field(
        default="", description="Origin of its own under which recordings are played; empty: none are."
    )
    trusted_proxies: int = Field(
        default=0, ge=0, le=3, description="Proxies of yours in front that set X-Forwarded-For; 0 believes none."
    )
    secret_key: SecretStr = Field(description="At least 32 random characters; signs cookies, tokens and codes.")
    licence_number: str = Field(default="", description="Licence of the insurance agency; production needs one.")

    agency_address: str = Field(
        default="", description="Where the insurance agency has its seat, as customers read it; production needs it."
    )
    support_phone: str = Field(default="", description="Telephone of the agency for customers; empty: not shown.")
    support_hours: str = Field(
        default="",
        pattern=r"^(?:[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9])?$",
        description="When it is answered, every day and in Beijing time, such as 08:00-20:00.",
    )

    security_contact: str = Field(
        default="", description="Where weaknesses are reported, `mailto:…` or `https://…`; production needs one."
    )

    database_url: SecretStr = Field(description="PostgreSQL as role `marketplace_app`.")
    database_owner_url: SecretStr | None = Field(default=None, description="As `marketplace_owner`; migrations only.")
    database_reader_url: SecretStr = Field(description="As `marketplace_reader`; reading evidence.")

    log_origin: str = Field(
        default="", description="Name of the evidence log; empty: host of the public address and `/log`."
    )
    seals_folder: Path | None = Field(
        default=None,
        description="Seals of the insurers and the root they chain to; for the worker, which seals, alone.",
    )
    compliance_report: Path | None = Field(
        default=None,
        description="What `make compliance` wrote of this version, shown to admins; empty: nothing is shown as kept.",
    )
    keeper_socket: Path = Field(description="Socket of the keeper, the process that holds the keys of personal data.")
    timestamp_url: str = Field(
        default="",
        description="Time-stamp authorities (RFC 3161), a comma between: the first stamps seals, all stamp the log. "
        "`local` is the one in the folder of seals; empty: that one alone.",
    )

    stripe_secret_key: SecretStr = Field(description="Stripe's secret key; `sk_test_…` in a demonstration only.")
    stripe_webhook_secret: SecretStr = Field(
        description="Secret of the webhook endpoint, `whsec_…`; of several all, a comma between."
    )
    stripe_api_base: str = Field(default="", description="Address of the Stripe simulator; demonstration only.")

    identity_verifier: Literal["", "demonstration", "stripe"] = Field(
        default="",
        description="Who proves the identity of applicants: `stripe` is Stripe Identity on pages of its own, "
        "`demonstration` asks no register; empty: nobody, and what needs a proof cannot be bought.",
    )
    stripe_identity_key: SecretStr = Field(
        default=SecretStr(""),
        description="Stripe's restricted key `rk_…` that may read results of Stripe Identity; empty, in a "
        "demonstration: the secret key.",
    )

    screening_list: Path | None = Field(
        default=None, description="List (TOML) of people with whom nothing is concluded before somebody has looked."
    )

    refund_limits: str = Field(
        default="CNY:2000,EUR:250,GBP:250,USD:300,HKD:2000,JPY:40000",
        description="Up to how much of a payment one person alone sends back, by currency, in its units; else nothing.",
    )

    mail_transport: Literal["smtp", "demonstration"] = Field(
        default="smtp", description="`demonstration` keeps mails for the page /inbox and sends nothing."
    )
    mail_from: str = Field(default="Evenfold <service@evenfold.example>", description="Sender of every mail.")
    mail_return_path: str = Field(
        default="", description="Address to which undeliverable mails come back; empty: that of the sender."
    )
    mail_returns_url: str = Field(
        default="", description="Its mailbox, `imaps://user@host/INBOX`, for the worker; empty: nobody reads it."
    )
    mail_returns_password: SecretStr = Field(default=SecretStr(""), description="Password of that mailbox.")
    dkim_key: Path | None = Field(
        default=None, description="Key (PEM, RSA, 0600) that signs mails, for the worker where no relay does it."
    )
    dkim_selector: str = Field(default="", description="Name of that key in the DNS, before `._domainkey.`.")
    smtp_host: str = Field(default="localhost", description="Mail server.")
    smtp_port: int = Field(default=587, description="Port of the mail server.")
    smtp_username: str = Field(default="", description="Account at the mail server, if it asks for one.")
    smtp_password: SecretStr = Field(default=SecretStr(""), description="Password at the mail server.")
    smtp_tls: Literal["starttls", "implicit", "none"] = Field(
        default="starttls", description="Encryption to the mail server; `none` on loopback only."
    )

    metrics_address: str = Field(default="127.0.0.1", description="Where the worker answers Prometheus.")
    metrics_port: int = Field(default=0, ge=0, le=65_535, description="Port of the worker's figures; 0 shows none.")
    prometheus_multiproc_dir: Path | None = Field(
        default=None, description="Folder in which the processes of a host add up their figures; emptied at boot."
    )

    def _problems(self) -> list[str]:
        where = self._in_demonstration() if self.demonstration else self._in_production()
        return [*self._problems_of_storage(), *self._always(), *where]

    def _always(self) -> list[str]:
        checks = {
            "SECRET_KEY needs at least 32 random characters": len(self.secret_key.get_secret_value()) < MINIMUM_SECRET,
            "SECRET_KEY repeats a few characters; let `secrets.token_urlsafe(48)` of Python make one": len(
                set(self.secret_key.get_secret_value())
            )
            < FEWEST_DIFFERENT,
            "PUBLIC_URL must be http(s)://host[:port] and nothing more": not _is_origin(self.public_url),
            "REPLAY_ORIGIN must be http(s)://host[:port] like PUBLIC_URL, and another host": bool(self.replay_origin)
            and not self._may_replay,
            "SECURITY_CONTACT must begin with mailto: or https://": bool(self.security_contact)
            and not self.security_contact.startswith(("mailto:", "https://")),
            NO_ORIGIN: not is_origin_of_log(self.origin_of_log),
            "TIMESTAMP_URL names one host twice, or something that is no address": not are_time_authorities(
                self.timestamp_url
            ),
            "REFUND_LIMITS must be like CNY:2000,JPY:40000": not _are_amounts(self.refund_limits),
            "PROMETHEUS_MULTIPROC_DIR is no folder": self.prometheus_multiproc_dir is not None
            and not self.prometheus_multiproc_dir.is_dir(),
            "MAIL_RETURN_PATH is no address": bool(self.mail_return_path)
            and not _ADDRESS.fullmatch(self.mail_return_path),
            "MAIL_RETURNS_URL must be imaps://user@host[:port][/folder]": bool(self.mail_returns_url)
            and mailbox(self.mail_returns_url) is None,
            "DKIM_KEY and DKIM_SELECTOR, letters, digits and hyphens, belong together": (self.dkim_key is not None)
            != bool(_LABEL.fullmatch(self.dkim_selector)),
            "SMTP_TLS=none is for a mail server on loopback only": self.mail_transport == "smtp"
            and self.smtp_tls == "none"
            and not is_loopback(self.smtp_host),
        }
        return [text for text, wrong in checks.items() if wrong]

    def _in_demonstration(self) -> list[str]:
        checks = {
            "DEMONSTRATION=1 allows PUBLIC_URL on loopback only": not is_loopback(self.public_host),
            "DEMONSTRATION=1 allows REPLAY_ORIGIN on loopback only": bool(self.replay_origin)
            and not is_loopback(self.replay_host),
            "DEMONSTRATION=1 allows BIND_ADDRESS on loopback only": not is_loopback(self.bind_address),
            "DEMONSTRATION=1 takes a key sk_test_… only": not self._test_key,
        }
        return [text for text, wrong in checks.items() if wrong]

    def _in_production(self) -> list[str]:
        checks = {
            "PUBLIC_URL must begin with https://": not self.public_url.startswith("https://"),
            "STRIPE_API_BASE (the simulator) is for demonstrations only": bool(self.stripe_api_base),
            "STRIPE_SECRET_KEY is a test key; production takes a live one": self._test_key,
            "MAIL_TRANSPORT=demonstration sends nothing; production takes smtp": self.mail_transport != "smtp",
            "IDENTITY_VERIFIER=demonstration asks no register; production takes another": self.identity_verifier
            == "demonstration",
            "IDENTITY_VERIFIER=stripe needs STRIPE_IDENTITY_KEY, a restricted key rk_live_…": self._lacks_identity_key,
            "TIMESTAMP_URL is missing; the demonstration's authority is refused": self.seals_folder is not None
            and not self.timestamp_url,
            "TIMESTAMP_URL must begin with https://": bool(self.timestamp_url) and not self._asks_safe_authorities,
            UNGUARDED: not all(map(is_guarded, self._databases)),
            "LICENCE_NUMBER is missing; selling insurance needs a licence": not self.licence_number,
            "AGENCY_ADDRESS is missing; customers are told where we are": not self.agency_address,
            "SECURITY_CONTACT is missing; say where weaknesses are reported": not self.security_contact,
            "SEALS_FOLDER holds the demonstration's seals": self.seals_folder is not None
            and _holds(self.seals_folder, "SPECIMEN"),
        }
        return [text for text, wrong in checks.items() if wrong]

    @property
    def _databases(self) -> list[str]:
        known = (self.database_url, self.database_owner_url, self.database_reader_url)
        return [each.get_secret_value() for each in known if each is not None]

    @property
    def _asks_safe_authorities(self) -> bool:
        """Another one than our own stamps the seals, and all that are asked over a network by TLS."""
        first, *others = time_authorities(self.timestamp_url).values()
        return all(url.startswith("https://") for url in (first, *filter(None, others)))

    @property
    def _lacks_identity_key(self) -> bool:
        """Dates of birth are told to a restricted key alone (docs.stripe.com/identity/access-verification-results)."""
        restricted = self.stripe_identity_key.get_secret_value().startswith("rk_live_")
        return self.identity_verifier == "stripe" and not restricted

    @property
    def _test_key(self) -> bool:
        return self.stripe_secret_key.get_secret_value().startswith("sk_test_")

    @property
    def _may_replay(self) -> bool:
        """Hosts, not ports: cookies know no ports."""
        same_kind = urlsplit(self.replay_origin).scheme == urlsplit(self.public_url).scheme
        return _is_origin(self.replay_origin) and same_kind and self.replay_host != self.public_host

    @property
    def replay_host(self) -> str:
        return urlsplit(self.replay_origin).hostname or ""

    @property
    def public_host(self) -> str:
        return urlsplit(self.public_url).hostname or ""

    @property
    def origin_of_log(self) -> str:
        """The name under which the evidence log is signed."""
        return origin_of_log(self.log_origin, self.public_url)

    @property
    def secure(self) -> bool:
        """Whether customers reach the site over TLS."""
        return self.public_url.startswith("https://")

    @property
    def payment_origins(self) -> str:
        """Where Stripe's pages for payers, payees and whoever shows a document live; part of the content security
        policy's form-action.
        """
        pages = "https://checkout.stripe.com https://connect.stripe.com https://verify.stripe.com"
        return self.stripe_api_base.rstrip("/") or pages


def _holds(folder: Path, name: str) -> bool:
    """Whether that file lies there; what this user may not look into holds nothing for it."""
    try:
        return (folder / name).exists()
    except PermissionError:
        return False


def _are_amounts(text: str) -> bool:
    try:
        money.amounts(text)
    except ValueError:
        return False
    return True


def _is_origin(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and url == f"{parts.scheme}://{parts.netloc}"


def _complaints(error: ValidationError) -> list[str]:
    """What is missing in one line; what is unsafe in a line each."""
    missing = [str(detail["loc"][0]).upper() for detail in error.errors() if detail["type"] == "missing"]
    lines = [
        ": ".join([*(str(part).upper() for part in detail["loc"]), detail["msg"].removeprefix("Value error, ")])
        for detail in error.errors()
        if detail["type"] != "missing"
    ]
    if missing:
        lines.insert(0, f"Not set: {', '.join(missing)} (README, Settings; `make run` sets all of them).")
    return lines
