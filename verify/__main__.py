"""`python -m verify COMMAND …`: end with 0 where it is proven, with 1 where it is not."""

import argparse
import sys
from collections.abc import Mapping, Sequence

from verify.commands import Command, bundle, premium, receipt

COMMANDS: Mapping[str, Command] = {"premium": premium, "receipt": receipt, "bundle": bundle}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m verify", description="Check what the marketplace says, offline.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, command in COMMANDS.items():
        command.options(commands.add_parser(name, help=command.HELP))
    chosen = parser.parse_args(arguments)
    return COMMANDS[chosen.command].run(chosen)


if __name__ == "__main__":
    sys.exit(main())
