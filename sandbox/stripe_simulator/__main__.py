"""`python -m sandbox.stripe_simulator`: the simulator on 127.0.0.1, told everything by the environment.

SIMULATOR_PORT (8001), SIMULATOR_DATABASE (instance/stripe_simulator.sqlite3), SIMULATOR_PUBLIC_URL,
SIMULATOR_WEBHOOK_URL with SIMULATOR_WEBHOOK_SECRET, SIMULATOR_SECRET_KEY.
"""

import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from werkzeug.serving import WSGIRequestHandler, make_server

from sandbox.stripe_simulator import SimulatorSettings, create_simulator

HOST = "127.0.0.1"
DEFAULT_PORT = 8001
LARGEST_PORT = 65_535


class QuietHandler(WSGIRequestHandler):
    """No line for each request: addresses of sessions do not belong in a log."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def settings_from(environment: Mapping[str, str], port: int) -> SimulatorSettings:
    """:raises ValueError: in words for a person, naming the variable or the rule."""
    return SimulatorSettings(
        database=Path(environment.get("SIMULATOR_DATABASE") or "instance/stripe_simulator.sqlite3"),
        public_url=environment.get("SIMULATOR_PUBLIC_URL") or f"http://{HOST}:{port}",
        webhook_url=environment.get("SIMULATOR_WEBHOOK_URL") or None,
        webhook_secret=environment.get("SIMULATOR_WEBHOOK_SECRET") or None,
        secret_key=environment.get("SIMULATOR_SECRET_KEY") or None,
    )


def port_from(environment: Mapping[str, str]) -> int:
    """:raises ValueError: not a port; 0 means any free one."""
    given = environment.get("SIMULATOR_PORT") or str(DEFAULT_PORT)
    if not given.isdigit() or int(given) > LARGEST_PORT:
        raise ValueError(f"SIMULATOR_PORT must be a port number, not {given!r}.")
    return int(given)


def main() -> int:
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    try:
        port = port_from(os.environ)
        with socket.create_server((HOST, port)) as listener:
            serve(listener, settings_from(os.environ, listener.getsockname()[1]))
    except ValueError as error:
        print(f"stripe simulator: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        print(f"stripe simulator: cannot start on {HOST}:{port}: {reason}", file=sys.stderr)
        return 1
    return 0


def serve(listener: socket.socket, settings: SimulatorSettings) -> None:
    """Answer on the listener until SIGTERM or SIGINT."""
    simulator = create_simulator(settings)
    port = listener.getsockname()[1]
    server = make_server(HOST, port, simulator, threaded=True, request_handler=QuietHandler, fd=listener.fileno())
    for number in (signal.SIGTERM, signal.SIGINT):
        # shutdown() waits for serve_forever(), which runs in the very thread that handles signals
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    simulator.start_deliveries()
    print(f"stripe simulator ready on http://{HOST}:{port}", flush=True)
    server.serve_forever()
    server.server_close()
    simulator.close()


if __name__ == "__main__":
    sys.exit(main())
