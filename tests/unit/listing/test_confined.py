"""Files are opened in a child process: that is what a hostile one ends, and whoever asked is told in a line."""

import io
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from structlog.testing import capture_logs

from marketplace.infra import confinement
from marketplace.infra.confinement import Limits, NoAnswer, NoAnswerError, nursery
from marketplace.kernel.text import LocalizedText
from marketplace.listing.intake import child, confined, pack, read_container
from marketplace.listing.intake.confined import measure_confined, read_confined
from marketplace.listing.intake.measuring import measured
from marketplace.listing.values import Finding, Measure, Measured, Priced
from marketplace.rating.values import Fee
from tests.factories.catalog import (
    HARBOUR_TERM,
    PREMIUM_MINOR,
    RISK,
    a_draft_product,
    catalog_files,
    changed,
    zipped,
)
from tests.factories.workbooks import harbour_workbook, with_shared_strings

SHEET = b'<worksheet xmlns="x"><sheetData>%s</sheetData></worksheet>'
CORNERS = b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
XXE = b'<!DOCTYPE sst [<!ENTITY a SYSTEM "file:///etc/passwd">]><sst><si><t>&a;</t></si></sst>'
LAUGHS = (
    b'<!DOCTYPE sst [<!ENTITY a0 "ha">'
    + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10))
    + b"]><sst><si><t>&a9;</t></si></sst>"
)
WORKBOOK = b'<workbook xmlns:r="r"><sheets><sheet name="Catalog" sheetId="1" r:id="r1"/></sheets></workbook>'
RELATIONS = (
    b'<Relationships><Relationship Id="r1" Type="x/worksheet" Target="worksheets/sheet1.xml"/>'
    b'<Relationship Id="r2" Type="x/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
)


def a_workbook(**parts: bytes) -> bytes:
    """The least workbook there is, with `sheet`, `strings` or further parts as given."""
    given = {
        "[Content_Types].xml": b"<Types/>",
        "xl/workbook.xml": WORKBOOK,
        "xl/_rels/workbook.xml.rels": RELATIONS,
        "xl/worksheets/sheet1.xml": SHEET % parts.get("sheet", b""),
        "xl/sharedStrings.xml": parts.get("strings", b"<sst/>"),
    }
    return zipped(given | ({"xl/vbaProject.bin": b"x"} if "macros" in parts else {}))


def path_tricks() -> bytes:
    name = "../../../../etc/cron.d/catalog.toml"
    entry = zipfile.ZipInfo("x" * len(name))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(entry, b"a")
    return buffer.getvalue().replace(entry.filename.encode(), name.encode())


GOOD = pack(catalog_files())
HOSTILE = {
    "two corners": (a_workbook(sheet=CORNERS), "cell_out_of_reach"),
    "bomb": (zipped({"bomb.csv": b"0" * (15 * 2**20)}), "bursting"),
    "external entity": (a_workbook(strings=XXE), "document_type"),
    "billion laughs": (a_workbook(strings=LAUGHS), "document_type"),
    "path": (path_tricks(), "path"),
    "encoding": (pack(catalog_files() | {"catalog.toml": "label = “né”".encode("utf-16")}), "not_utf8"),
    "cut off": (pack(catalog_files())[:-200], "not_a_zip"),
    "one cell of 40 MB": (a_workbook(strings=b"<sst><si><t>%s</t></si></sst>" % (b"x" * 40 * 2**20)), "bursting"),
    "nested elements": (a_workbook(sheet=b"<a>" * 300_000), "not_a_workbook"),
    "macros": (a_workbook(macros=b""), "macros"),
    "nested lists": (pack(changed("catalog.toml", "label =", f"x = {'[' * 10**6}\nlabel =")), "reading_failed"),
}


@pytest.mark.asvs("1.5.1", "5.2.1", "5.2.3", "5.2.5")
def test_ten_hostile_files_at_once_end_their_own_processes_only() -> None:
    assert len(HOSTILE["two corners"][0]) < 1_500
    files = [data for data, _ in HOSTILE.values()]
    with capture_logs() as logs, ThreadPoolExecutor(len(files) + 1) as pool:
        *readings, control = pool.map(lambda data: read_confined(data, "harbour"), [*files, GOOD])
    assert {
        name: {each.code for each in reading.findings} & {code}
        for (name, (_, code)), reading in zip(HOSTILE.items(), readings, strict=True)
    } == {name: {code} for name, (_, code) in HOSTILE.items()}
    assert all(reading.draft is None for reading in readings)
    assert control == read_container(GOOD, "harbour")
    assert [each["event"] for each in logs] == ["listing.reading_failed"]
    assert "RecursionError" in logs[0]["said"]


@pytest.mark.parametrize("data", [pack(catalog_files()), harbour_workbook(), with_shared_strings(harbour_workbook())])
def test_what_a_child_reads_is_what_we_would_have_read(data: bytes) -> None:
    reading = read_confined(data, "harbour")
    assert reading.draft is not None
    assert reading == read_container(data, "harbour")
    other = read_confined(data, "rival")
    assert other.findings == read_container(data, "rival").findings
    assert [each.code for each in other.findings] == ["other_insurer"]


def a_large_table() -> bytes:
    """Valid, and much work: 190,000 rows."""
    rows = "\n".join(f"{number},0.1" for number in range(190_000))
    table = f"{HARBOUR_TERM}tables/occupation.csv"
    return pack(catalog_files() | {table: f"occupation_class,rate\n{rows}".encode()})


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (Limits(memory=150 * 2**20), "reading_too_large"),
        (Limits(processor_seconds=1), "reading_too_long"),
        (Limits(wall_seconds=0.3), "reading_too_long"),
    ],
)
def test_too_much_memory_or_time_is_one_finding(limits: Limits, code: str) -> None:
    started = time.monotonic()
    reading = read_confined(a_large_table(), "harbour", limits)
    assert reading.findings == (Finding("", code),)
    assert time.monotonic() - started < 60


def measures(*, offers: int = 2) -> list[Measure]:
    """A draft beside what it follows, dearer by a fee, with offers to somebody it insures and to somebody too old."""
    product = a_draft_product()
    before = Priced.of(product.content, product.tariff)
    fee = Fee("card", "5000.00", LocalizedText("Card", "卡费"))
    dearer = replace(product.tariff, steps=(*product.tariff.steps, fee))
    risks = [RISK, {**RISK, "age": 99}] * offers
    return [
        Measure(Priced.of(product.content, dearer), before, tuple((risk, PREMIUM_MINOR) for risk in risks[:offers]))
    ]


def test_what_a_child_measures_is_what_we_would_have_measured() -> None:
    asked = measures()
    (found,) = measure_confined(asked)
    assert found == measured(asked[0])
    assert found.premiums is not None
    assert found.premiums.shift is not None
    assert found.premiums.shift.rising == found.premiums.shift.risks > 1_000
    assert (found.rising, found.refused) == (1, 1)


def test_where_nothing_is_compared_no_process_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(confined, "_ask")
    (asked,) = measures(offers=0)
    assert measure_confined([replace(asked, before=None)]) == (Measured(),)


@pytest.mark.parametrize(
    ("limits", "why"),
    [(Limits(memory=100 * 2**20), NoAnswer.TOO_LARGE), (Limits(wall_seconds=0.001), NoAnswer.TOO_LONG)],
)
def test_what_takes_too_much_to_measure_ends_its_own_process_only(limits: Limits, why: NoAnswer) -> None:
    asked = measures(offers=200_000)
    with pytest.raises(NoAnswerError) as none:
        measure_confined(asked, limits)
    assert none.value.why is why


@pytest.mark.parametrize("answer", [b"[]", b"[{}, {}]", b'[{"rising": "many"}]', b"what"])
def test_an_answer_of_another_shape_is_none(monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    monkeypatch.setattr(confined, "_ask", lambda *_: answer)
    with pytest.raises(NoAnswerError):
        measure_confined(measures())


def in_a_child(code: str) -> str:
    """What a process says that was confined as a reading one is."""
    shut = "from marketplace.infra.confinement.child import confine; import os, socket, sys; confine(files=0)\n"
    command = [sys.executable, "-E", "-s", "-c", shut + code]
    done = subprocess.run(command, cwd=confinement.ROOT, env=confinement.ENVIRONMENT, capture_output=True, check=False)
    return (done.stdout + done.stderr).decode()


@pytest.mark.parametrize(
    "code",
    [
        "socket.socket()",
        "socket.create_connection(('127.0.0.1', 9))",
        "open('/etc/passwd')",
        "open('/tmp/written', 'w')",
        "os.pipe()",
    ],
)
def test_a_confined_process_opens_no_socket_and_no_file(code: str) -> None:
    assert "[Errno 24] Too many open files" in in_a_child(code)


def test_a_confined_process_starts_no_other() -> None:
    assert "started" not in in_a_child("if os.fork() == 0: print('started')\nos.wait()")


def nursery_pid() -> int:
    process = confined._nursery._process
    assert process is not None
    return process.pid


@pytest.fixture
def new_nursery() -> Iterator[None]:
    confined._nursery.end()
    yield
    confined._nursery.end()


@pytest.mark.usefixtures("new_nursery")
def test_no_secret_of_ours_reaches_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "not to be told")
    assert read_confined(GOOD, "harbour").draft is not None
    told = Path(f"/proc/{nursery_pid()}/environ").read_bytes()  # a fork has the same
    assert b"LANG=C.UTF-8" in told
    assert b"SECRET_KEY" not in told


def test_an_answer_that_is_no_reading_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confined, "_ask", lambda *_: b'{"findings": [], "draft": {"insurer": 7}}')
    with capture_logs() as logs:
        assert read_confined(b"", "harbour").findings == (Finding("", "reading_failed"),)
    assert [each["event"] for each in logs] == ["listing.reading_not_understood"]


@pytest.mark.usefixtures("new_nursery")
def test_where_the_nursery_was_killed_another_reads() -> None:
    expected = read_container(GOOD, "harbour")
    assert read_confined(GOOD, "harbour") == expected
    killed = nursery_pid()
    os.kill(killed, signal.SIGKILL)
    assert read_confined(GOOD, "harbour") == expected
    assert nursery_pid() != killed


@pytest.mark.usefixtures("new_nursery")
def test_a_nursery_that_cannot_start_is_one_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = tmp_path / "python"
    told.write_text("#!/bin/sh\nexit 9\n")
    told.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(told))
    with capture_logs() as logs:
        assert read_confined(GOOD, "harbour").findings == (Finding("", "reading_failed"),)
    assert [each["event"] for each in logs] == ["listing.reading_failed"]


@pytest.mark.usefixtures("new_nursery")
def test_a_fork_of_the_asker_has_a_nursery_of_its_own() -> None:
    assert read_confined(GOOD, "harbour").draft is not None
    asker = os.fork()
    if asker == 0:
        mine = nursery_pid()
        with suppress(BaseException):
            read = read_confined(GOOD, "harbour")
            os._exit(0 if read.draft is not None and nursery_pid() != mine else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(asker, 0)[1]) == 0
    assert read_confined(GOOD, "harbour").draft is not None


def test_a_nursery_ends_with_the_one_who_asks() -> None:
    code = (
        "import os, sys; from marketplace.listing.intake import confined\n"
        "confined.read_confined(sys.stdin.buffer.read(), 'harbour')\n"
        "print(confined._nursery._process.pid, flush=True); os._exit(0)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=confinement.ROOT, input=GOOD, capture_output=True, check=True)
    gone, alive = psutil.wait_procs(
        [each for each in psutil.process_iter() if each.pid == int(done.stdout)], timeout=20
    )
    assert not alive, gone


def test_a_nursery_ends_when_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nursery, "IDLE_SECONDS", 0.01)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs, selectors.DefaultSelector() as selector:
        nursery._serve(child, theirs, selector)  # returns
