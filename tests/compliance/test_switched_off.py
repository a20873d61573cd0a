"""The control of the report: with a safeguard switched off, the test that carries its requirement fails."""

import os
import re
import subprocess
import sys

import pytest

from tests.compliance.switched_off import SAFEGUARDS, SETTING, Safeguard
from tests.environment import ROOT


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("safeguard", SAFEGUARDS, ids=lambda each: each.name)
def test_without_its_safeguard_a_requirement_is_red(safeguard: Safeguard) -> None:
    words = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "tests.compliance.switched_off", safeguard.test]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=ROOT, env=os.environ | {SETTING: safeguard.name}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == pytest.ExitCode.TESTS_FAILED, ended.stdout + ended.stderr
    assert re.search(r"\b[1-9]\d* failed", ended.stdout), ended.stdout
    assert " error" not in ended.stdout.splitlines()[-1]


def test_the_test_of_each_safeguard_carries_its_requirement() -> None:
    for each in SAFEGUARDS:
        file, _colon, name = each.test.partition("::")
        source = (ROOT / file).read_text()
        body = source.split(f"def {name}(")[0].rsplit("\n\n\n", 1)[-1] if name else source
        assert f'"{each.requirement}"' in body, each.test
