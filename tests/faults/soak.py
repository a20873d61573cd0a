"""`python -m tests.faults.soak`: the fault tests at full length; the figures of the purchases as JSON in the last line.

PURCHASES, KILLS, FLOWS, EXAMPLES and SEED say how much of each, where they are set; the rest goes to pytest.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

FULL = {"PURCHASES": "1000", "KILLS": "100", "FLOWS": "200", "EXAMPLES": "100", "SEED": "7"}


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        figures = Path(folder) / "figures.json"
        told = FULL | os.environ | {"FIGURES": str(figures)}
        words = [sys.executable, "-m", "pytest", "tests/faults", *sys.argv[1:]]
        failed = subprocess.run(words, env=told, check=False).returncode
        sys.stdout.write(figures.read_text() if figures.exists() else "no purchases were made\n")
    return failed


if __name__ == "__main__":
    sys.exit(main())
