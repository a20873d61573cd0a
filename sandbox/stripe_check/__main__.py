"""`python -m sandbox.stripe_check` (`make stripe-check`).

Without more it holds the simulator against what the scenario says the documentation promises. With STRIPE_CHECK_KEY,
a key of Stripe's test mode, the same requests go to Stripe as well, and every difference is printed. The requests make
test objects in that account; no money moves in test mode. Ends with 1 when there are differences.
"""

import os
import secrets
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from werkzeug.serving import make_server

from sandbox.stripe_check.comparison import broken_promises, differences, shape
from sandbox.stripe_check.run import Outcome, run, scenario
from sandbox.stripe_simulator import SimulatorSettings, create_simulator
from sandbox.stripe_simulator.__main__ import HOST, QuietHandler
from sandbox.stripe_simulator.settings import TEST_KEY_PREFIX

STRIPE = "https://api.stripe.com"
SIMULATORS_KEY = f"{TEST_KEY_PREFIX}stripe_check"


@contextmanager
def simulator() -> Iterator[str]:
    """A simulator of its own, gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        server = make_server(HOST, 0, lambda *_: [], threaded=True, request_handler=QuietHandler)
        address = f"http://{HOST}:{server.server_port}"
        server.app = app = create_simulator(SimulatorSettings(Path(folder) / "check.sqlite3", address))
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield address
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
            app.close()


def faults(outcome: Outcome) -> list[str]:
    """Where an answer is not what is documented."""
    found = list(broken_promises(outcome.promised, outcome.body))
    if outcome.status != outcome.step.status:
        found.insert(0, f"status: documented {outcome.step.status}, found {outcome.status}")
    return found


def report(title: str, by_step: Mapping[str, list[str]], dependent: set[str]) -> int:
    """Print what was found; gives how many places count, those that hang on the account not among them."""
    counted = 0
    for name, found in by_step.items():
        for line in found:
            counted += name not in dependent
            print(f"{title} · {name} · {line}{' (may depend on the account)' if name in dependent else ''}")
    return counted


def check(key: str | None, stripe: str = STRIPE) -> int:
    """How many differences there are."""
    steps, word = scenario(), f"check-{secrets.token_hex(6)}"
    dependent = {step.name for step in steps if step.account}
    with simulator() as address:
        ours = run(address, SIMULATORS_KEY, word, steps)
    counted = report("simulator against the documentation", {o.step.name: faults(o) for o in ours}, set())
    print(f"{len(steps)} requests to the simulator, {counted} departures from what is documented.")
    if key is None:
        print("Not compared with Stripe: set STRIPE_CHECK_KEY to a test key (sk_test_…) for that.")
        return counted
    theirs = run(stripe, key, word, steps)
    counted += report("Stripe against the documentation", {o.step.name: faults(o) for o in theirs}, dependent)
    apart = {
        one.step.name: list(differences(shape(one.body), shape(other.body)))
        for one, other in zip(ours, theirs, strict=True)
    }
    places = report("simulator against Stripe", apart, dependent)
    print(f"{len(steps)} requests to Stripe, {places} places where the simulator's answers differ.")
    return counted + places


def main() -> int:
    key = os.environ.get("STRIPE_CHECK_KEY") or None
    if key is not None and not key.startswith(TEST_KEY_PREFIX):
        print("stripe-check: STRIPE_CHECK_KEY must be a key of Stripe's test mode, sk_test_…", file=sys.stderr)
        return 2
    return 1 if check(key) else 0


if __name__ == "__main__":
    sys.exit(main())
