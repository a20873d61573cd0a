"""The commands of `python -m verify`: each module adds its options and runs."""

import argparse
from typing import Protocol


class Command(Protocol):
    """What such a module has."""

    HELP: str

    def options(self, parser: argparse.ArgumentParser, /) -> None: ...

    def run(self, chosen: argparse.Namespace, /) -> int: ...
