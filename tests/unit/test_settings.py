"""Settings refuse what is unsafe, each with a line that names it."""

from pathlib import Path
from typing import Any

import pytest

from config import Settings, UnsafeSettingsError
from marketplace.infra import seals
from marketplace.kernel.addresses import Mailbox, mailbox
from marketplace.kernel.errors import Unavailable

PRODUCTION: dict[str, str] = {
    "PUBLIC_URL": "https://insurance.example",
    "SECRET_KEY": "a-long-random-secret-of-no-importance",
    "LICENCE_NUMBER": "L-1",
    "AGENCY_ADDRESS": "1 Example Road, Shanghai",
    "SECURITY_CONTACT": "mailto:security@insurance.example",
    "DATABASE_URL": "postgresql+psycopg://marketplace_app:x@db.example/marketplace?sslmode=verify-full",
    "DATABASE_READER_URL": "postgresql+psycopg://marketplace_reader:x@db.example/marketplace?sslmode=verify-full",
    "STORAGE_FOLDER": "/var/lib/marketplace/files",
    "SEALS_FOLDER": "/etc/marketplace/seals",
    "KEEPER_SOCKET": "/run/marketplace-keeper/socket",
    "TIMESTAMP_URL": "https://timestamp.example",
    "STRIPE_SECRET_KEY": "sk_live_of_nobody",
    "STRIPE_WEBHOOK_SECRET": "whsec_of_nobody",
}
DEMONSTRATION = PRODUCTION | {
    "DEMONSTRATION": "1",
    "PUBLIC_URL": "http://localhost:8000",
    "STRIPE_SECRET_KEY": "sk_test_of_nobody",
    "STRIPE_API_BASE": "http://127.0.0.1:8001",
    "MAIL_TRANSPORT": "demonstration",
    "TIMESTAMP_URL": "",
    "LICENCE_NUMBER": "",
    "AGENCY_ADDRESS": "",
    "SECURITY_CONTACT": "",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Any:
    def of(values: dict[str, str]) -> Settings:
        for name in Settings.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        return Settings.from_env()

    return of


def test_a_complete_production_starts(environment: Any) -> None:
    settings = environment(PRODUCTION)
    assert (settings.demonstration, settings.secure, settings.payment_origins) == (
        False, True, "https://checkout.stripe.com https://connect.stripe.com https://verify.stripe.com",
    )  # fmt: skip


def test_a_demonstration_on_loopback_starts(environment: Any) -> None:
    settings = environment(DEMONSTRATION)
    assert (settings.demonstration, settings.secure, settings.payment_origins) == (True, False, "http://127.0.0.1:8001")


@pytest.mark.asvs("12.3.1", "13.2.3", "15.2.3")
@pytest.mark.requirement("O13-01", "EU-01")
@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("LICENCE_NUMBER", "", "LICENCE_NUMBER is missing"),
        ("AGENCY_ADDRESS", "", "AGENCY_ADDRESS is missing"),
        ("SECURITY_CONTACT", "", "SECURITY_CONTACT is missing"),
        ("SECURITY_CONTACT", "security@insurance.example", "mailto: or https://"),
        ("STRIPE_API_BASE", "http://127.0.0.1:8001", "the simulator"),
        ("REFUND_LIMITS", "CNY:2000,JPY:0.5", "REFUND_LIMITS must be like"),
        ("STRIPE_SECRET_KEY", "sk_test_of_nobody", "test key"),
        ("MAIL_TRANSPORT", "demonstration", "sends nothing"),
        ("IDENTITY_VERIFIER", "demonstration", "asks no register"),
        ("IDENTITY_VERIFIER", "stripe", "needs STRIPE_IDENTITY_KEY"),
        ("TIMESTAMP_URL", "", "TIMESTAMP_URL is missing"),
        ("TIMESTAMP_URL", "http://timestamp.example", "must begin with https://"),
        ("TIMESTAMP_URL", "local,https://timestamp.example", "must begin with https://"),
        ("TIMESTAMP_URL", "https://timestamp.example,http://other.example", "must begin with https://"),
        ("TIMESTAMP_URL", "https://timestamp.example/a,https://timestamp.example/b", "names one host twice"),
        ("TIMESTAMP_URL", "https://timestamp.example,", "names one host twice, or something that is no address"),
        ("PUBLIC_URL", "http://insurance.example", "https://"),
        ("PUBLIC_URL", "https://insurance.example/path", "nothing more"),
        ("REPLAY_ORIGIN", "https://insurance.example:8443", "another host"),
        ("REPLAY_ORIGIN", "http://replay.insurance.example", "REPLAY_ORIGIN must be"),
        ("REPLAY_ORIGIN", "https://replay.insurance.example/path", "REPLAY_ORIGIN must be"),
        ("SECRET_KEY", "short", "at least 32"),
        ("SECRET_KEY", "x" * 32, "SECRET_KEY repeats a few characters"),
        ("SECRET_KEY", "changeme" * 8, "SECRET_KEY repeats a few characters"),
        ("DATABASE_URL", "", "DATABASE_URL"),
    ],
)
def test_production_refuses(environment: Any, name: str, value: str, said: str) -> None:
    with pytest.raises(UnsafeSettingsError, match=said):
        environment(PRODUCTION | {name: value})


@pytest.mark.requirement("T26-27")
def test_production_proves_identities_at_stripe_with_a_key_for_that_alone(environment: Any) -> None:
    identity = {"IDENTITY_VERIFIER": "stripe", "STRIPE_IDENTITY_KEY": "rk_live_of_nobody"}
    assert environment(PRODUCTION | identity).identity_verifier == "stripe"
    with pytest.raises(UnsafeSettingsError, match="restricted key"):
        environment(PRODUCTION | identity | {"STRIPE_IDENTITY_KEY": "sk_live_of_nobody"})


@pytest.mark.asvs("12.3.1", "12.3.2")
@pytest.mark.parametrize("name", ["DATABASE_URL", "DATABASE_READER_URL", "DATABASE_OWNER_URL"])
@pytest.mark.parametrize(
    ("where", "safe"),
    [
        ("@db.example/marketplace", False),
        ("@db.example/marketplace?sslmode=require", False),
        ("@db.example/marketplace?sslmode=verify-full&sslmode=disable", False),
        ("@/marketplace?host=db.example", False),
        ("@127.0.0.1/marketplace?host=db.example", False),
        ("@db.example/marketplace?sslmode=verify-full", True),
        ("@127.0.0.1/marketplace", True),
        ("@/marketplace?host=/run/postgresql", True),
    ],
)
def test_a_database_elsewhere_is_spoken_to_under_a_verified_certificate(
    environment: Any, name: str, where: str, *, safe: bool
) -> None:
    values = PRODUCTION | {name: f"postgresql+psycopg://role:x{where}"}
    if safe:
        assert not environment(values).demonstration
        return
    with pytest.raises(UnsafeSettingsError, match="sslmode=verify-full"):
        environment(values)


IN_A_BUCKET = {
    "STORAGE_FOLDER": "",
    "STORAGE_URL": "s3://insurance-files/marketplace",
    "STORAGE_ENDPOINT": "https://s3.store.example",
    "STORAGE_KEY_ID": "house",
    "STORAGE_SECRET_KEY": "key-of-the-bucket",
}


def test_files_may_lie_in_a_bucket(environment: Any) -> None:
    settings = environment(PRODUCTION | IN_A_BUCKET)
    assert (settings.storage_folder, settings.storage_region) == (None, "us-east-1")
    assert "key-of-the-bucket" not in repr(settings)
    for other in ({"STORAGE_ENDPOINT": ""}, {"STORAGE_ENDPOINT": "http://127.0.0.1:9000"}, {"STORAGE_URL": "s3://abc"}):
        assert environment(PRODUCTION | IN_A_BUCKET | other).storage_folder is None


@pytest.mark.asvs("12.3.1")
@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("STORAGE_URL", "", "Set STORAGE_FOLDER, or STORAGE_URL for a bucket"),
        ("STORAGE_FOLDER", "/srv/files", "STORAGE_FOLDER and STORAGE_URL are both set"),
        ("STORAGE_URL", "https://s3.store.example/insurance-files", "STORAGE_URL must be s3://"),
        ("STORAGE_URL", "s3://insurance-files/", "STORAGE_URL must be s3://"),
        ("STORAGE_URL", "s3://key:secret@insurance-files", "STORAGE_URL must be s3://"),
        ("STORAGE_KEY_ID", "", "STORAGE_KEY_ID and STORAGE_SECRET_KEY are missing"),
        ("STORAGE_SECRET_KEY", "", "STORAGE_KEY_ID and STORAGE_SECRET_KEY are missing"),
        ("STORAGE_ENDPOINT", "s3.store.example", r"STORAGE_ENDPOINT must be http\(s\)://"),
        ("STORAGE_ENDPOINT", "https://s3.store.example/insurance-files", r"STORAGE_ENDPOINT must be http\(s\)://"),
        ("STORAGE_ENDPOINT", "http://s3.store.example", "STORAGE_ENDPOINT must begin with https://"),
    ],
)
def test_a_bucket_that_is_not_wholly_told_of_or_spoken_to_in_clear_stops_the_start(
    environment: Any, name: str, value: str, said: str
) -> None:
    with pytest.raises(UnsafeSettingsError, match=said) as refusal:
        environment(PRODUCTION | IN_A_BUCKET | {name: value})
    assert "key-of-the-bucket" not in str(refusal.value)


@pytest.mark.asvs("13.3.2")
def test_who_does_not_seal_is_told_of_no_seals_and_no_time_stamps(environment: Any) -> None:
    site = {name: value for name, value in PRODUCTION.items() if name not in {"SEALS_FOLDER", "TIMESTAMP_URL"}}
    settings = environment(site)
    assert (settings.seals_folder, settings.timestamp_url) == (None, "")
    with pytest.raises(UnsafeSettingsError, match="TIMESTAMP_URL is missing"):
        environment(site | {"SEALS_FOLDER": "/etc/marketplace/seals"})


def test_a_seal_that_is_needed_and_was_not_given_says_so() -> None:
    before = seals._cabinet
    try:
        seals.configure(None, "")
        for needing in (lambda: seals.sealer_of("harbour"), seals.trust_roots):
            with pytest.raises(Unavailable, match="SEALS_FOLDER is not set: this process was given no seals"):
                needing()
        assert seals.problems() == ["SEALS_FOLDER is not set: this process was given no seals"]
    finally:
        seals._cabinet = before


def test_a_folder_of_seals_without_a_root_says_so(tmp_path: Path) -> None:
    before = seals._cabinet
    try:
        seals.configure(tmp_path, "")
        assert seals.problems() == ["SEALS_FOLDER: root.pem cannot be read (No such file or directory)"]
        (tmp_path / "root.pem").write_text("certificates")
        assert seals.problems() == []
    finally:
        seals._cabinet = before


def test_a_folder_of_figures_that_is_not_there_stops_the_start(environment: Any, tmp_path: Path) -> None:
    """Else each request would fail at its end, when it is counted."""
    assert environment(PRODUCTION | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}).prometheus_multiproc_dir == tmp_path
    with pytest.raises(UnsafeSettingsError, match="PROMETHEUS_MULTIPROC_DIR is no folder"):
        environment(PRODUCTION | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "away")})


@pytest.mark.asvs("13.2.3")
def test_production_refuses_the_seals_of_a_demonstration(environment: Any, tmp_path: Path) -> None:
    (tmp_path / "SPECIMEN").write_text("not to be trusted")
    with pytest.raises(UnsafeSettingsError, match="demonstration's seals"):
        environment(PRODUCTION | {"SEALS_FOLDER": str(tmp_path)})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PUBLIC_URL", "http://shop.example:8000"),
        ("BIND_ADDRESS", "0.0.0.0"),  # noqa: S104  the test that it is refused
        ("BIND_ADDRESS", "192.0.2.7"),
        ("STRIPE_SECRET_KEY", "sk_live_of_somebody"),
        ("STORAGE_URL", "s3://insurance-files"),
    ],
)
def test_a_demonstration_stays_on_this_machine(environment: Any, name: str, value: str) -> None:
    with pytest.raises(UnsafeSettingsError, match="DEMONSTRATION=1"):
        environment(DEMONSTRATION | {name: value})


def test_secrets_are_not_shown(environment: Any) -> None:
    assert "sk_live" not in repr(environment(PRODUCTION))


@pytest.mark.asvs("12.3.1")
def test_mail_without_encryption_only_on_loopback(environment: Any) -> None:
    with pytest.raises(UnsafeSettingsError, match="SMTP_TLS=none"):
        environment(PRODUCTION | {"SMTP_TLS": "none", "SMTP_HOST": "mail.example"})
    assert environment(PRODUCTION | {"SMTP_TLS": "none", "SMTP_HOST": "127.0.0.1"}).smtp_tls == "none"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAIL_RETURN_PATH", "Returns <returns@insurance.example>"),
        ("MAIL_RETURN_PATH", "nobody"),
        ("DKIM_SELECTOR", "autumn"),
        ("DKIM_KEY", "/etc/marketplace/dkim.key"),
        ("MAIL_RETURNS_URL", "imap://returns@mail.example/INBOX"),
        ("MAIL_RETURNS_URL", "imaps://mail.example/INBOX"),
        ("MAIL_RETURNS_URL", "imaps://returns:x@mail.example/INBOX"),
        ("MAIL_RETURNS_URL", "imaps://returns@mail.example:imap/INBOX"),
        ("MAIL_RETURNS_URL", "imaps://returns@mail.example/a%22b"),
        ("MAIL_RETURNS_URL", "imaps://returns@mail.example/a%0D%0Ab"),
    ],
)
def test_where_mail_comes_back_is_an_address_and_a_mailbox_under_tls(environment: Any, name: str, value: str) -> None:
    with pytest.raises(UnsafeSettingsError, match=name):
        environment(PRODUCTION | {name: value})


def test_a_key_for_mails_has_a_name_in_the_dns(environment: Any) -> None:
    signing = {"DKIM_KEY": "/etc/marketplace/dkim.key", "DKIM_SELECTOR": "autumn-2026"}
    assert environment(PRODUCTION | signing).dkim_selector == "autumn-2026"
    with pytest.raises(UnsafeSettingsError, match="DKIM_KEY"):
        environment(PRODUCTION | signing | {"DKIM_SELECTOR": "autumn.2026; s=x"})


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("imaps://returns@mail.example", Mailbox("mail.example", 993, "returns", "INBOX")),
        (
            "imaps://returns%40insurance.example@mail.example:1993/Returns",
            Mailbox("mail.example", 1993, "returns@insurance.example", "Returns"),
        ),
    ],
)
def test_the_mailbox_of_returns_is_read_from_its_address(environment: Any, url: str, read: Mailbox) -> None:
    assert mailbox(environment(PRODUCTION | {"MAIL_RETURNS_URL": url}).mail_returns_url) == read


def test_what_is_missing_is_said_in_one_line(environment: Any) -> None:
    with pytest.raises(UnsafeSettingsError) as refusal:
        environment({"PUBLIC_URL": "https://insurance.example"})
    first, *others = str(refusal.value).splitlines()
    assert first.startswith("Not set: SECRET_KEY, DATABASE_URL, DATABASE_READER_URL,")
    assert others == []


def test_an_entry_point_ends_with_what_to_set(environment: Any) -> None:
    with pytest.raises(UnsafeSettingsError):
        environment({})
    with pytest.raises(SystemExit, match="Not set: PUBLIC_URL"):
        Settings.or_exit()


def test_the_log_has_its_name_of_the_site_unless_it_is_given_another(environment: Any) -> None:
    assert environment(PRODUCTION).origin_of_log == "insurance.example/log"
    assert environment(DEMONSTRATION).origin_of_log == "localhost/log"
    assert (
        environment(PRODUCTION | {"LOG_ORIGIN": "insurance.example/log-2"}).origin_of_log == "insurance.example/log-2"
    )


@pytest.mark.parametrize("name", ["two words", "a+b", "line\nline", "zero\u200bwidth"])
def test_what_cannot_be_the_name_of_a_key_names_no_log(environment: Any, name: str) -> None:
    with pytest.raises(UnsafeSettingsError, match="LOG_ORIGIN is a name without blanks"):
        environment(PRODUCTION | {"LOG_ORIGIN": name})
