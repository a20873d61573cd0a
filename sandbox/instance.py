"""What one demonstration keeps under `instance/`: a lock, random secrets, and the passwords of its accounts.

instance/lock             held by the supervisor that runs; holds its process id
instance/demo.env         keys made at first start, as NAME=value lines (0600)
instance/accounts.json    the demonstration's accounts with their passwords and second steps (0600)
instance/database/        the embedded PostgreSQL      instance/logs/    one file per program
instance/storage/         documents by their SHA-256   instance/seals/   the demonstration's certificates
instance/keeper/          the keys of personal data (0600) and the socket of the process that holds them
instance/log/             the key of the evidence log (0600) and its newest checkpoint
instance/compliance.json  what `make compliance` wrote last
"""

import fcntl
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

from marketplace.infra.keeper import Keys
from marketplace.infra.private_files import write_private
from marketplace.traceability.jobs.key_folder import SPECIMEN, KeyFolder

_LONGEST_SOCKET_PATH = 100  # 107 bytes on Linux, 103 on macOS
MARK = "MARKETPLACE_INSTANCE"
"""The environment variable by which every program of a demonstration knows its folder, and is known by it."""


class AlreadyRunningError(Exception):
    """Another supervisor runs this demonstration. The message is one line for the terminal."""


@dataclass(frozen=True, slots=True)
class DemonstrationAccount:
    """Somebody who can sign in to the demonstration; `who` says in a few words what for.

    `one_time_secret` is what the authenticator app of a member of staff would hold.
    """

    who: str
    email: str
    password: str
    one_time_secret: str = ""


@dataclass(frozen=True, slots=True)
class Instance:
    """The folder of one demonstration."""

    folder: Path

    @classmethod
    def of_this_process(cls) -> Self:
        """The folder named by the supervisor that started this process."""
        return cls(Path(os.environ[MARK]))

    @property
    def database(self) -> Path:
        return self.folder / "database"

    @property
    def storage(self) -> Path:
        return self.folder / "storage"

    @property
    def seals(self) -> Path:
        return self.folder / "seals"

    @property
    def compliance_report(self) -> Path:
        return self.folder / "compliance.json"

    @property
    def keeper_keys(self) -> Path:
        """Read by the keeper alone."""
        return self.folder / "keeper" / "keys.json"

    @property
    def keeper_socket(self) -> Path:
        """Beside the keys, or in a temporary folder of ours where that path is too long for a socket."""
        near = self.folder / "keeper" / "socket"
        if len(os.fsencode(near)) <= _LONGEST_SOCKET_PATH:
            return near
        noted = self.folder / "keeper" / "socket-folder"
        if not noted.exists() or not Path(noted.read_text()).is_dir():
            noted.write_text(tempfile.mkdtemp(prefix="marketplace-keeper-"))
        return Path(noted.read_text()) / "socket"

    @property
    def log(self) -> Path:
        """Read by the sequencer alone."""
        return self.folder / "log"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    def make(self) -> None:
        """Make the folders that are missing, closed to other users."""
        for folder in (self.folder, self.storage, self.seals, self.logs, self.log, self.keeper_keys.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def make_keys(self) -> bool:
        """Make the keys of personal data and of the log where there are none. True when there was data already: nobody
        can read what is sealed without its keys, and no other key continues a log, so that data is gone.
        """
        if self.keeper_keys.exists() and (self.log / SPECIMEN).exists():
            return False
        begun = self.database.exists()
        for folder in (self.database, self.storage):
            shutil.rmtree(folder, ignore_errors=True)
        for file in self.folder.glob("simulator.sqlite3*"):
            file.unlink()
        self.make()
        if not self.keeper_keys.exists():
            Keys.made().write(self.keeper_keys)
        self.begin_log()
        return begun

    def begin_log(self) -> None:
        """A log with another key, for a database that holds none: what was signed before is not to be had any more."""
        shutil.rmtree(self.log, ignore_errors=True)
        self.log.mkdir(mode=0o700)
        KeyFolder(self.log, "").make()
        (self.log / SPECIMEN).touch()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock that only one supervisor can; it falls when the holder dies, however it dies."""
        with (self.folder / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                raise AlreadyRunningError(
                    f"This demonstration already runs (process {lock.read().strip() or 'unknown'}); "
                    "stop it there with Ctrl-C first."
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    def secrets(self) -> dict[str, str]:
        """The keys of this demonstration, random and made once. `sk_test_sim…` is known to our simulator alone."""
        path = self.folder / "demo.env"
        made = {
            "SECRET_KEY": secrets.token_urlsafe(48),
            "STRIPE_SECRET_KEY": f"sk_test_sim{secrets.token_hex(24)}",
            "STRIPE_WEBHOOK_SECRET": f"whsec_{secrets.token_hex(24)}",
        }
        kept = dict(line.split("=", 1) for line in _read(path).splitlines() if "=" in line)
        if not made.keys() <= kept.keys():
            kept = made | kept
            write_private(path, "".join(f"{name}={value}\n" for name, value in kept.items()).encode())
        return kept

    def accounts(self) -> tuple[DemonstrationAccount, ...]:
        """The accounts in the order in which they were first asked for."""
        rows = json.loads(_read(self.folder / "accounts.json") or "[]")
        return tuple(DemonstrationAccount(**row) for row in rows)

    def account(self, email: str, who: str) -> DemonstrationAccount:
        """The account of that address, with a random password made when it is first asked for."""
        known = self.accounts()
        for account in known:
            if account.email == email:
                return account
        made = DemonstrationAccount(who=who, email=email, password=secrets.token_urlsafe(12))
        self._keep((*known, made))
        return made

    def keep_one_time_secret(self, email: str, secret: str) -> None:
        """Remember what the authenticator app of this account would hold."""
        self._keep(replace(each, one_time_secret=secret) if each.email == email else each for each in self.accounts())

    def _keep(self, accounts: Iterable[DemonstrationAccount]) -> None:
        rows = [asdict(account) for account in accounts]
        write_private(self.folder / "accounts.json", f"{json.dumps(rows, indent=1, ensure_ascii=False)}\n".encode())


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""
