"""Where a request comes from is believed of our own proxies only."""

import pytest
from flask import Flask, request

from marketplace.web import security


def _seen(proxies: int, forwarded: str) -> str | None:
    app = Flask(__name__)
    app.secret_key = "of the test"
    security.protect(app, hosts=["shop.example"], secure=True, payment_origins="https://x.example", proxies=proxies)
    app.add_url_rule("/", "home", lambda: str(request.remote_addr))
    client = app.test_client()
    headers = {"X-Forwarded-For": forwarded, "X-Forwarded-Host": "evil.example", "Host": "shop.example"}
    return client.get("/", headers=headers, environ_base={"REMOTE_ADDR": "10.0.0.1"}).get_data(as_text=True)


@pytest.mark.asvs("15.3.4", "4.1.3")
@pytest.mark.parametrize(("proxies", "believed"), [(0, "10.0.0.1"), (1, "198.51.100.7"), (2, "203.0.113.9")])
def test_only_as_many_steps_are_believed_as_are_ours(proxies: int, believed: str) -> None:
    assert _seen(proxies, "192.0.2.66, 203.0.113.9, 198.51.100.7") == believed
