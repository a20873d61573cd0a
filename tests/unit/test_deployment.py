"""The shipped units: systemd takes them, they start our own entry points, and nothing runs with more than it needs."""

import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from configparser import ConfigParser
from dataclasses import dataclass
from pathlib import Path

import pytest
from dotenv import dotenv_values
from prometheus_client.mmap_dict import MmapedDict

from config import BackupSettings, Settings, UnsafeSettingsError
from marketplace.infra import metrics
from marketplace.infra.storage import Storage
from marketplace.infra.storage.folder import Folder
from marketplace.kernel.canonical import sha256_hex
from marketplace.sequencer import Terms

FOLDER = Path(__file__).parents[2] / "docs" / "deployment"
FAILED = FOLDER / "marketplace-failed@.service"
SERVICES = sorted(set(FOLDER.glob("*.service")) - {FAILED})
INSTALLED = "/srv/marketplace/.venv/bin/"
SITE, WORKER, BACKUP, KEEPER, SEQUENCER = (
    f"marketplace-{name}" for name in ("site", "worker", "backup", "keeper", "sequencer")
)
ANALYZE = shutil.which("systemd-analyze")
CONFINED = {
    "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes",
    "PrivateDevices": "yes", "CapabilityBoundingSet": "", "RestrictNamespaces": "yes",
    "SystemCallFilter": "@system-service",
}  # fmt: skip
USERS = {SITE: "marketplace", WORKER: WORKER, BACKUP: BACKUP, KEEPER: KEEPER, SEQUENCER: SEQUENCER}
SECRET_FOLDERS = {
    "/etc/marketplace": {SITE, BACKUP, KEEPER, SEQUENCER},  # the worker reads the seals in it
    "/etc/marketplace-keeper": {SITE, WORKER, BACKUP, SEQUENCER},
    "/etc/marketplace-log": {SITE, WORKER, BACKUP, KEEPER},
    "/srv/marketplace-backups": {SITE, WORKER, KEEPER, SEQUENCER},
}


def _sections(unit: Path) -> ConfigParser:
    parser = ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # the documented way to keep capitals
    parser.read(unit)
    return parser


def _service(unit: Path) -> dict[str, str]:
    return dict(_sections(unit)["Service"])


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.stem)
def test_each_service_is_confined_as_a_user_of_its_own(unit: Path) -> None:
    service = _service(unit)
    shares = unit.stem in {SITE, WORKER}  # the stored files, by the folder's group
    own = {"User": USERS[unit.stem], "UMask": "0007" if shares else "0077"}
    assert {name: service.get(name) for name in (*CONFINED, *own)} == CONFINED | own


@pytest.mark.asvs("13.2.2")
@pytest.mark.parametrize("folder", SECRET_FOLDERS)
def test_what_is_one_services_secret_is_not_there_for_the_others(folder: str) -> None:
    hidden = {unit.stem for unit in SERVICES if f"-{folder}" in _service(unit).get("InaccessiblePaths", "").split()}
    assert hidden == SECRET_FOLDERS[folder]


@pytest.mark.asvs("13.2.1", "13.3.2")
@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.stem)
def test_each_service_starts_something_of_ours_with_an_environment_file_of_its_own(unit: Path) -> None:
    service = _service(unit)
    program, *words = service["ExecStart"].removeprefix(INSTALLED).split()
    assert (program, words[0]) == ("gunicorn", "wsgi:app") or (program, words[0]) == ("python", "-m")
    if program == "python":
        assert (FOLDER.parents[1] / (words[1].replace(".", "/") + ".py")).exists()
    own = f"/etc/marketplace/{unit.stem.removeprefix('marketplace-')}.env"
    assert service.get("EnvironmentFile") == (None if unit.stem == KEEPER else own), "the keeper is told no secret"


def test_a_backup_that_fails_is_said_in_the_journal() -> None:
    failure = _sections(FOLDER / f"{BACKUP}.service")["Unit"]["OnFailure"]
    assert failure == FAILED.name.replace("@", "@%N")
    said = _service(FAILED)
    assert "ALARM %i" in said["ExecStart"]
    assert said["SyslogLevel"] == "crit"


@pytest.mark.skipif(ANALYZE is None, reason="no systemd-analyze in PATH: the units are not shown to systemd")
@pytest.mark.parametrize(
    "unit", sorted(FOLDER.glob("*.service")) + sorted(FOLDER.glob("*.timer")), ids=lambda unit: unit.name
)
def test_systemd_takes_each_unit(unit: Path, tmp_path: Path) -> None:
    for each in FOLDER.glob("marketplace-*.*"):
        here = (
            each.read_text()
            .replace(f"{INSTALLED}gunicorn", sys.executable)
            .replace(f"{INSTALLED}python", sys.executable)
        )
        (tmp_path / each.name).write_text(here)
    said = subprocess.run(
        [str(ANALYZE), "verify", "--recursive-errors=no", str(tmp_path / unit.name)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (said.returncode, said.stderr) == (0, "")


# --- environment files ------------------------------------------------------------------------------------------------

LIVE = {"SECRET_KEY": "a-long-random-secret-of-no-importance", "LICENCE_NUMBER": "L-1",
        "AGENCY_ADDRESS": "1 Example Road, Shanghai",
        "STRIPE_SECRET_KEY": "sk_live_of_nobody", "STRIPE_WEBHOOK_SECRET": "whsec_of_nobody",
        "STRIPE_IDENTITY_KEY": "rk_live_of_nobody"}  # fmt: skip
ACCOUNTS_AT_THE_MAIL_SERVER = {"SMTP_USERNAME", "SMTP_PASSWORD", "MAIL_RETURNS_PASSWORD"}


@pytest.fixture(params=["site", "worker", "backup"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _told(name: str) -> dict[str, str]:
    return {key: value or "" for key, value in dotenv_values(FOLDER / f"{name}.env", interpolate=False).items()}


def _clean(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> None:
    for field in Settings.model_fields:
        monkeypatch.delenv(field.upper(), raising=False)
    for key, value in values.items():
        monkeypatch.setenv(key, value)


def test_each_environment_file_is_enough_for_its_process(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = _told(name)
    assert {key for key, value in told.items() if not value} <= {*LIVE, *ACCOUNTS_AT_THE_MAIL_SERVER}
    filled = {key: LIVE.get(key, value) for key, value in told.items()}
    _clean(monkeypatch, filled | ({"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)} if name != "backup" else {}))
    read = (BackupSettings if name == "backup" else Settings).from_env()
    assert {key.lower() for key in told} <= type(read).model_fields.keys()


def test_the_environment_file_of_the_sequencer_is_enough_for_it_and_names_no_secret_of_the_site() -> None:
    told = _told("sequencer")
    assert set(told) == {"PUBLIC_URL", "DATABASE_SEQUENCER_URL", "LOG_KEY_FOLDER"}
    assert Terms.of(told).folder.name == "insurance.example/log"


@pytest.mark.asvs("13.3.2")
def test_no_environment_file_names_what_is_anothers() -> None:
    needed = {name: _told(name).keys() for name in ("site", "worker", "backup")}
    assert needed["site"] < needed["worker"] | {"TRUSTED_PROXIES", "COMPLIANCE_REPORT"}
    assert not {"SEALS_FOLDER", "DATABASE_OWNER_URL", "SMTP_PASSWORD"} & needed["site"]
    assert "DATABASE_OWNER_URL" not in needed["worker"]
    assert needed["backup"] == {"DATABASE_OWNER_URL", "STORAGE_FOLDER"}


def test_the_owner_of_the_tables_travels_under_a_verified_certificate_too(monkeypatch: pytest.MonkeyPatch) -> None:
    told = _told("backup")
    _clean(monkeypatch, told | {"DATABASE_OWNER_URL": told["DATABASE_OWNER_URL"].replace("verify-full", "require")})
    with pytest.raises(UnsafeSettingsError, match="sslmode=verify-full"):
        BackupSettings.from_env()


# --- one command as a service would run it ----------------------------------------------------------------------------


def _asked(tmp_path: Path, *words: str, **environment: str) -> tuple[int, list[str]]:
    """What the script hands to systemd-run."""
    fake = tmp_path / "systemd-run"
    fake.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    fake.chmod(0o755)
    told = {"PATH": f"{tmp_path}:/usr/bin:/bin", **environment}
    done = subprocess.run(
        [str(FOLDER / "marketplace-as"), *words], env=told, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout.splitlines()


@pytest.mark.parametrize(
    ("service", "user", "files"),
    [
        ("site", "marketplace", ["site"]),
        ("worker", WORKER, ["worker"]),
        ("backup", BACKUP, ["backup"]),
        ("sequencer", SEQUENCER, ["sequencer"]),
        ("migrations", "marketplace", ["backup", "site"]),
    ],
)
def test_a_command_runs_as_its_service_does(tmp_path: Path, service: str, user: str, files: list[str]) -> None:
    status, said = _asked(tmp_path, service, "python", "-m", "marketplace.cli", "add-admin", "a@b.example", "Anna Li")
    assert status == 0
    assert said[-6:] == [f"{INSTALLED}python", "-m", "marketplace.cli", "add-admin", "a@b.example", "Anna Li"]
    assert f"--uid={user}" in said
    assert "--property=UMask=0007" in said
    assert [word for word in said if "EnvironmentFile" in word] == [
        f"--property=EnvironmentFile=/etc/marketplace/{file}.env" for file in files
    ]
    credentials = [word for word in said if "backup.key" in word]
    if service != "backup":
        assert credentials == []
        return
    (unit,) = (word.removeprefix("--unit=") for word in said if word.startswith("--unit="))
    assert credentials == [
        "--property=LoadCredential=backup.key:/etc/marketplace/backup.key",
        f"--setenv=BACKUP_KEY_FILE=/run/credentials/{unit}.service/backup.key",
    ]


def test_a_drill_has_settings_of_its_own(tmp_path: Path) -> None:
    _, said = _asked(tmp_path, "worker", "python", MARKETPLACE_SETTINGS="/etc/marketplace-drill")
    assert "--property=EnvironmentFile=/etc/marketplace-drill/worker.env" in said
    assert not any("/etc/marketplace/" in word for word in said)


@pytest.mark.parametrize("words", [(), ("site",), ("root", "python")])
def test_nothing_runs_as_nobody_in_particular(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert _asked(tmp_path, *words) == (64, [])


# --- users and folders ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Host:
    """A machine's root in a folder, with our users and folders as systemd makes them of the shipped files."""

    root: Path

    def does(self, user: str, work: Callable[[], object]) -> bool:
        """Whether it succeeds as that user, in its groups and with the umask of its unit. In a copy of this process:
        the interpreter of the tests need not be another user's to start.
        """
        uid, gid, groups = self._ids(user)
        with warnings.catch_warnings(action="ignore"):  # of forking beside threads; this one only looks at files
            child = os.fork()
        if child == 0:
            try:
                os.setgroups(groups)
                os.setgid(gid)
                os.setuid(uid)
                os.umask(0o077 if user == BACKUP else 0o007)
                work()
            except BaseException:  # noqa: BLE001  the parent is told, and nothing of it runs here
                os._exit(1)
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

    def _ids(self, user: str) -> tuple[int, int, list[int]]:
        people = [line.split(":") for line in (self.root / "etc/passwd").read_text().splitlines()]
        groups = [line.split(":") for line in (self.root / "etc/group").read_text().splitlines()]
        uid, gid = next((int(each[2]), int(each[3])) for each in people if each[0] == user)
        return uid, gid, [gid, *(int(each[2]) for each in groups if user in each[3].split(","))]


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    programs = [shutil.which(name) for name in ("systemd-sysusers", "systemd-tmpfiles")]
    if os.geteuid() != 0 or None in programs:
        pytest.skip("not root, or no systemd here: users and folders are not made")
    with tempfile.TemporaryDirectory(prefix="host-") as folder:
        root = Path(folder)
        root.chmod(0o755)
        (root / "etc").mkdir()
        for program, file in zip(programs, ("sysusers.conf", "tmpfiles.conf"), strict=True):
            made = [str(program), *(["--create"] if "tmpfiles" in file else []), f"--root={root}", str(FOLDER / file)]
            said = subprocess.run(made, capture_output=True, text=True, check=False)
            assert said.returncode == 0, said.stderr
        for secret, owner in (("etc/marketplace/backup.key", "root"), ("etc/marketplace/site.env", "root"),
                              ("etc/marketplace/seals/harbour.key", WORKER),
                              ("etc/marketplace-keeper/keys.json", KEEPER),
                              ("etc/marketplace-log/log.key", SEQUENCER),
                              ("srv/marketplace-backups/2026-11-22", BACKUP)):  # fmt: skip
            file = root / secret
            file.write_text("secret")
            file.chmod(0o600)
            if owner != "root":
                shutil.chown(file, file.parent.stat().st_uid, file.parent.stat().st_gid)
        yield Host(root)


@pytest.mark.asvs("13.2.2")
@pytest.mark.parametrize("user", USERS.values())
@pytest.mark.parametrize(
    ("secret", "owner"),
    [
        ("etc/marketplace/backup.key", "root"),
        ("etc/marketplace/site.env", "root"),
        ("etc/marketplace/seals/harbour.key", WORKER),
        ("etc/marketplace-keeper/keys.json", KEEPER),
        ("etc/marketplace-log/log.key", SEQUENCER),
        ("srv/marketplace-backups/2026-11-22", BACKUP),
    ],
)
def test_a_secret_is_read_by_its_owner_alone(host: Host, user: str, secret: str, owner: str) -> None:
    assert host.does(user, (host.root / secret).read_text) == (user == owner)


def test_site_and_worker_store_together_what_the_backup_copies_and_the_keeper_does_not_see(host: Host) -> None:
    folder = host.root / "srv/marketplace-storage"
    stored = Storage(Folder(folder))
    texts = (b"an upload", b"a paper")
    for user, text in zip(("marketplace", WORKER), texts, strict=True):
        assert host.does(user, lambda text=text: stored.put(text))
    for user in ("marketplace", WORKER, BACKUP):
        for text in texts:
            assert host.does(user, lambda text=text: stored.get(sha256_hex(text)))
    for each in (path for path in folder.rglob("*") if path.is_dir()):
        for user in ("marketplace", WORKER):
            assert host.does(user, (each / f"of-{user}").touch), "whoever made the folder, the other adds to it"
    assert not host.does(KEEPER, lambda: stored.get(sha256_hex(texts[0])))


def test_the_figures_of_site_and_worker_lie_in_one_folder(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one leaves behind, the other gathers."""
    folder = host.root / "run/marketplace"
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(folder))

    def work() -> None:
        metrics.gather_dead()
        MmapedDict(str(folder / f"histogram_{os.getpid()}.db")).write_value("figure", 1.0, 0.0)

    for user in ("marketplace", WORKER, "marketplace"):
        assert host.does(user, work)
    assert len(list(folder.glob("*.db"))) == 2, "the sum of the dead, and the last of them"
    assert host.does(WORKER, metrics.gather_dead)
    (only,) = folder.glob("*.db")
    assert [each[:2] for each in MmapedDict.read_all_values_from_file(str(only))] == [("figure", 3.0)]
