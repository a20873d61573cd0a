"""Where the parts come from, what the tracked files may not hold, and the few ways in that are written down."""

import ast
import math
import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from marketplace.accounts.values import SecurityEventType
from marketplace.listing.intake import container

ROOT = Path(__file__).parents[2]
LISTS = ("requirements.txt", "requirements-dev.txt")
PINNED = re.compile(r"^[a-z0-9][a-z0-9._-]*(\[[a-z0-9,_-]+\])?==[^\s;]+( ; .+)?( \\)?$", re.IGNORECASE)


def unsafe_lines(text: str) -> list[str]:
    """Lines of a list of requirements that name another place, no version, or no hash."""
    entries = re.split(r"\n(?=[^\s#])", "\n" + re.sub(r"^ *#.*\n?", "", text, flags=re.MULTILINE))
    return [
        entry.split("\n")[0]
        for entry in filter(str.strip, entries)
        if not PINNED.match(entry.strip().split("\n")[0]) or "--hash=sha256:" not in entry
    ]


@pytest.mark.asvs("15.2.4", "15.1.2")
@pytest.mark.parametrize("name", LISTS)
def test_every_part_is_pinned_by_its_hash_and_from_no_other_place(name: str) -> None:
    text = (ROOT / name).read_text()
    assert text.count("--hash=sha256:") > 50
    assert unsafe_lines(text) == []


@pytest.mark.asvs("15.2.4")
@pytest.mark.parametrize(
    "line",
    ["flask", "flask>=3 \\\n    --hash=sha256:00", "flask==3.1.0", "--index-url https://parts.example/simple",
     "--extra-index-url https://parts.example", "flask @ https://parts.example/flask.whl --hash=sha256:00",
     "git+https://parts.example/flask"],
)  # fmt: skip
def test_a_part_from_elsewhere_or_without_its_hash_is_seen(line: str) -> None:
    assert unsafe_lines(f"{line}\nrequests==1.0 \\\n    --hash=sha256:00\n") == [line.split("\n", maxsplit=1)[0]]


@pytest.mark.asvs("15.2.4")
def test_only_what_is_pinned_is_installed() -> None:
    assert "--require-hashes --only-binary :all:" in (ROOT / "Makefile").read_text().replace("\\\n\t\t\t", "")


# --- secrets ----------------------------------------------------------------------------------------------------------

SECRETS = {
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s+[A-Za-z0-9+/=]{20}"),
    "a key of the payment service": re.compile(r"\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}|\bwhsec_[A-Za-z0-9]{24,}"),
    "a key of a cloud or a code host": re.compile(r"\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}"),
    "a password in an address": re.compile(r"\b[a-z+]+://[\w-]+:(?!x@|…@|PASSWORD@|s%40cret@|\{)[^\s@/:'\"{}$]{6,}@"),
    "something that is set to chance": re.compile(
        r"(?i)\b[\w.]*(?:secret|passw(?:or)?d|token|api_?key)[\w]*\"?\s*[:=]\s*[rb]?[\"']([A-Za-z0-9+/_=-]{20,})[\"']"
    ),
}
BITS = 3.7  # of a character; words of a language have less, chance has more


def secrets_in(text: str) -> Iterator[str]:
    for name, pattern in SECRETS.items():
        for found in pattern.finditer(text):
            if not found.groups() or _by_chance(found[1]):
                yield f"{name}: {found[0][:40]}"


def _by_chance(text: str) -> bool:
    """Capitals, small letters and digits mixed, and more of them different (Shannon's entropy) than in words."""
    bits = -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())
    words = re.search("[a-z]{5}", text)
    return not words and bits > BITS and all(re.search(kind, text) for kind in ("[a-z]", "[A-Z]", "[0-9]"))


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False, text=True)
    if listed.returncode:
        pytest.skip("no git, or no repository: which files are tracked is not known")
    return [ROOT / name for name in listed.stdout.split("\0") if name]


@pytest.mark.asvs("13.3.1")
def test_no_secret_is_in_the_tracked_files() -> None:
    files = [path for path in tracked() if path.is_file() and path != Path(__file__)]
    assert len(files) > 500
    texts = ((path, path.read_bytes()) for path in files)
    found = [
        f"{path.relative_to(ROOT)}: {secret}"
        for path, data in texts
        if b"\0" not in data[:1024]
        for secret in secrets_in(data.decode("utf-8", "replace"))
    ]
    assert found == []


@pytest.mark.asvs("13.3.1")
@pytest.mark.parametrize(
    "planted",
    [
        "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIBkg4LVWM9nuwNSk3yByxZpYRTBnVJk5",
        'stripe_secret_key = "sk_live_' + "4eC39HqLyjWDarjtT1zdp7dc" + '"',
        "DATABASE_URL=postgresql+psycopg://marketplace_app:hunter2hunter2@db.example/marketplace",
        'SECRET_KEY = "' + "Zk3vQ9xT1mB7rL5cW8yN2pD6sH4" + '"',
        "aws = AKIA" + "IOSFODNN7EXAMPLE",
    ],
)
def test_a_planted_secret_is_seen(planted: str) -> None:
    assert len(list(secrets_in(f"x = 1\n{planted}\n"))) >= 1


# --- what is written down ---------------------------------------------------------------------------------------------

WAYS_IN = {
    "account.sign_in": "`/sign-in`", "account.confirm": "`/confirm/…`", "account.find_code": "`/find/code`",
    "application.code": "`/application/…/code`", "factor.sign_in_passkey": "`/sign-in/passkey`",
    "account.reset": "`/reset/…`", "joining.join": "`/join/…`", "consultation.code": "`/ask/code`",
}  # fmt: skip


def functions_that_call(paths: Iterable[Path], *names: str) -> set[str]:
    """`module.function` of each function with a call of one of `names`."""
    return {
        f"{path.stem}.{function.name}"
        for path in paths
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef)
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and ast.unparse(call.func) in names
    }


PAGES = sorted((ROOT / "marketplace" / "web").rglob("*.py"))


@pytest.mark.asvs("6.1.3")
def test_every_way_in_is_written_down() -> None:
    written = (ROOT / "docs/decisions/0005-sessions-are-rows-and-staff-prove-two-things.md").read_text()
    ways = functions_that_call(PAGES, "entry.enter", "welcome", "access.sign_in", "sessions.begin")
    assert ways - {"account.welcome", "entry.enter", "access.sign_in"} == set(WAYS_IN)
    assert [way for way in WAYS_IN.values() if way not in written] == []


@pytest.mark.asvs("6.4.6")
def test_only_the_person_sets_the_password() -> None:
    """With the old one, or by a link to the own address; the command that makes staff is run on the server."""
    setters = functions_that_call(
        PAGES, *(f"{room}.{name}" for room in ("accounts", "services") for name in (
            "change_password", "reset_password", "register_customer", "confirm_address", "create_staff",
            "accept_invitation"))
    )  # fmt: skip
    assert setters == {"account.register", "account.confirm", "account.reset", "security.password", "joining.join"}


@pytest.mark.asvs("16.1.1")
def test_what_is_kept_of_the_doors_is_written_down() -> None:
    written = (ROOT / "docs/running.md").read_text()
    assert [each.value for each in SecurityEventType if f"`{each.value}`" not in written] == []


@pytest.mark.asvs("5.1.1")
def test_what_an_upload_may_be_is_written_down_as_it_is_held() -> None:
    written = (ROOT / "docs/catalog-format.md").read_text()
    sizes = {"unpacked": container.MAX_TOTAL, "a file": container.MAX_FILE, "packed": container.MAX_CONTAINER}
    assert f"{container.MAX_ENTRIES:,} files" in written
    assert [what for what, size in sizes.items() if f"{size >> 20} MB {what}" not in written] == []
    assert [suffix for suffix in container.SUFFIXES if f"`{suffix}`" not in written] == []
