"""A log line is one JSON object with the request's id, and no mail address reaches it."""

import json
import logging

import pytest

from marketplace.infra import logs


@pytest.mark.asvs("16.2.4", "16.2.5")
def test_one_json_line_without_addresses(capsys: pytest.CaptureFixture[str]) -> None:
    before = logging.getLogger().handlers[:]
    try:
        logs.configure()
        logs.bind(request_id="abc", endpoint="home.home")
        logging.getLogger("marketplace.web").info("sent to li.na@example.com", extra={"status": 200})
    finally:
        logging.getLogger().handlers = before
        logs.bind()
    line = json.loads(capsys.readouterr().err)
    assert (line["request_id"], line["endpoint"], line["status"], line["level"]) == ("abc", "home.home", 200, "info")
    assert line["event"] == "sent to <address>"
