"""A small Stripe for one machine: its HTTP API, hosted payment page and webhooks. See README.md.

For tests and the demonstration; it never moves money and refuses every key that is not a test key.
"""

from sandbox.stripe_simulator.application import Simulator, create_simulator
from sandbox.stripe_simulator.settings import LiveKeyRefusedError, SimulatorSettings

__all__ = ["LiveKeyRefusedError", "Simulator", "SimulatorSettings", "create_simulator"]
