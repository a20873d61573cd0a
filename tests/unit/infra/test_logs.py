"""A log line is one JSON object with the request's id and its time in UTC, and no mail address reaches it."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest

from marketplace.infra import logs
from marketplace.kernel import clock

log = logging.getLogger("marketplace.web")


@contextmanager
def ours() -> Iterator[list[logging.Handler]]:
    """Logs as a process of ours writes them; the handlers of the root."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        logs.configure()
        yield root.handlers
    finally:
        root.handlers = before
        root.setLevel(level)
        logs.bind()


@pytest.mark.asvs("16.2.4", "16.2.5")
def test_one_json_line_without_addresses(capsys: pytest.CaptureFixture[str]) -> None:
    with ours():
        logs.bind(request_id="abc", endpoint="home.home")
        log.info("sent to li.na@example.com", extra={"status": 200})
    line = json.loads(capsys.readouterr().err)
    assert (line["request_id"], line["endpoint"], line["status"], line["level"]) == ("abc", "home.home", 200, "info")
    assert line["event"] == "sent to <address>"


@pytest.mark.asvs("16.2.5")
def test_an_error_of_the_database_does_not_bring_a_row_into_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    with ours():
        told = 'violates check "price"\nDETAIL:  Failing row contains (1, Zebulon, 34).\n[SQL: INSERT]'
        log.error("unhandled error", exc_info=ValueError(told))
    written = capsys.readouterr().err
    assert "Zebulon" not in written
    assert "violates check" in written
    assert "[SQL: INSERT]" in written


@pytest.mark.asvs("16.2.2")
def test_the_time_is_utc(capsys: pytest.CaptureFixture[str]) -> None:
    with ours():
        log.info("now")
    at = datetime.fromisoformat(json.loads(capsys.readouterr().err)["at"])
    assert at.utcoffset() == timedelta(0)
    assert abs(clock.now() - at) < timedelta(minutes=1)


@pytest.mark.asvs("16.4.1")
@pytest.mark.parametrize(
    "typed", ['x\n{"level": "error"}', "x\r\nforged", "\x1b[2Jx", "x\u2028forged", 'x", "level": "error']
)
def test_what_people_type_does_not_begin_a_line(capsys: pytest.CaptureFixture[str], typed: str) -> None:
    with ours():
        logs.bind(endpoint=typed)
        log.warning("refused %s", typed, extra={"given": typed})
    written = capsys.readouterr().err
    assert written.count("\n") == 1
    assert written.endswith("\n")
    assert not any(character in written for character in "\r\x1b")
    line = json.loads(written)
    assert (line["given"], line["endpoint"], line["level"]) == (typed, typed, "warning")
    assert line["event"] == f"refused {typed}"


@pytest.mark.asvs("16.2.3")
def test_everything_goes_to_standard_error_and_nowhere_else(capsys: pytest.CaptureFixture[str]) -> None:
    with ours() as handlers:
        assert [type(each) for each in handlers] == [logging.StreamHandler]
        assert handlers[0].stream is sys.stderr
        for library in ("gunicorn.error", "gunicorn.access", "procrastinate", "sqlalchemy", "werkzeug"):
            assert logging.getLogger(library).handlers == [], library
            assert logging.getLogger(library).propagate, library
        logging.getLogger("gunicorn.error").warning("from a library")
    assert json.loads(capsys.readouterr().err)["logger"] == "gunicorn.error"
