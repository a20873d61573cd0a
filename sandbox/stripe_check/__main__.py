"""`python -m sandbox.stripe_check` (`make stripe-check`).

Without more it holds the simulator against what the scenario says the documentation promises. With STRIPE_CHECK_KEY,
a key of Stripe's test mode, the same requests go to Stripe as well, and every difference is printed. The requests make
test objects in that account; no money moves in test mode. STRIPE_CHECK_ACCOUNT names a connected account of it that can
receive transfers; without one, what needs such an account is not asked. Ends with 1 when there are differences.
"""

import os
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from werkzeug.serving import make_server

from sandbox.stripe_check.comparison import broken_promises, differences, lies_in, shape, shape_of_headers
from sandbox.stripe_check.run import PAUSE_SECONDS, TRIES, Outcome, Step, given, run, scenario
from sandbox.stripe_simulator import SimulatorSettings, create_simulator
from sandbox.stripe_simulator.__main__ import HOST, QuietHandler
from sandbox.stripe_simulator.settings import TEST_KEY_PREFIX

STRIPE = "https://api.stripe.com"
SIMULATORS_KEY = f"{TEST_KEY_PREFIX}stripe_check"
SECONDS = 10


@contextmanager
def simulator() -> Iterator[str]:
    """A simulator of its own, gone afterwards. What takes a while elsewhere comes with the next request."""
    with tempfile.TemporaryDirectory() as folder:
        server = make_server(HOST, 0, lambda *_: [], threaded=True, request_handler=QuietHandler)
        address = f"http://{HOST}:{server.server_port}"
        server.app = app = create_simulator(SimulatorSettings(Path(folder) / "check.sqlite3", address, later_seconds=0))
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield address
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
            app.close()


def an_account(simulator: str) -> str:
    """A connected account at the simulator that can receive transfers."""
    asked = {"type": "express", "country": "US", "capabilities[transfers][requested]": "true"}
    made = requests.post(f"{simulator}/v1/accounts", data=asked, auth=(SIMULATORS_KEY, ""), timeout=SECONDS)
    account: str = made.json()["id"]
    door = f"{simulator}/_simulator/accounts/{account}"
    requests.post(door, json={"state": "in_good_standing"}, timeout=SECONDS).raise_for_status()
    return account


def faults(outcome: Outcome) -> list[str]:
    """Where an answer is not what is documented."""
    step = outcome.step
    if outcome.missing is not None:
        return [f"not asked: {outcome.missing}"]
    headers = {name.lower(): value for name, value in outcome.headers.items()}
    found = [
        f"{name}: documented {promised}, found {headers.get(name.lower(), 'none')}"
        for name, promised in outcome.promised_headers.items()
        if headers.get(name.lower()) != promised
    ]
    found += broken_promises(outcome.promised, outcome.body)
    if not step.is_there(outcome.body):
        found.insert(0, f"{step.until}: did not come in {TRIES} tries, {PAUSE_SECONDS:g} s apart")
    if outcome.status != step.status:
        found.insert(0, f"HTTP status: documented {step.status}, found {outcome.status}")
    return found


def apart(ours: Outcome, theirs: Outcome) -> list[str]:
    """Where the answers of both differ; what was not asked of one of them is not compared."""
    if ours.missing is not None or theirs.missing is not None:
        return []
    one, other = ({"headers": shape_of_headers(each.headers), **shape(each.body)} for each in (ours, theirs))
    return list(differences(one, other))


def allowance(step: Step, line: str) -> str:
    """Why a difference is only mentioned and does not count; empty when it does."""
    place = line.split(":", 1)[0].split("=", 1)[0]
    if step.account is True or (step.account and lies_in(place, step.account)):
        return " (may depend on the account)"
    return " (may come later)" if lies_in(place, step.later) else ""


def report(title: str, found: Iterable[tuple[Step, list[str]]], *, allowing: bool) -> int:
    """Print what was found; gives how many places count."""
    counted = 0
    for step, lines in found:
        for line in lines:
            excuse = allowance(step, line) if allowing else ""
            counted += not excuse
            print(f"{title} · {step.name} · {line}{excuse}")
    return counted


def check(key: str | None, stripe: str = STRIPE, account: str | None = None) -> int:
    """How many differences there are. `account` is a connected account of the key's that can receive transfers."""
    steps, word, now = scenario(), f"check-{secrets.token_hex(6)}", time.time()
    with simulator() as address:
        ours = run(address, SIMULATORS_KEY, given(word, an_account(address), now), steps)
    counted = report("simulator against the documentation", [(o.step, faults(o)) for o in ours], allowing=False)
    print(f"{len(steps)} requests to the simulator, {counted} departures from what is documented.")
    if key is None:
        print("Not compared with Stripe: set STRIPE_CHECK_KEY to a test key (sk_test_…) for that.")
        return counted
    theirs = run(stripe, key, given(word, account, now), steps)
    counted += report("Stripe against the documentation", [(o.step, faults(o)) for o in theirs], allowing=True)
    compared = [(one.step, apart(one, other)) for one, other in zip(ours, theirs, strict=True)]
    places = report("simulator against Stripe", compared, allowing=True)
    asked = sum(outcome.missing is None for outcome in theirs)
    print(f"{asked} requests to Stripe, {places} places where the simulator's answers differ.")
    return counted + places


def main() -> int:
    key = os.environ.get("STRIPE_CHECK_KEY") or None
    if key is not None and not key.startswith(TEST_KEY_PREFIX):
        print("stripe-check: STRIPE_CHECK_KEY must be a key of Stripe's test mode, sk_test_…", file=sys.stderr)
        return 2
    return 1 if check(key, account=os.environ.get("STRIPE_CHECK_ACCOUNT") or None) else 0


if __name__ == "__main__":
    sys.exit(main())
