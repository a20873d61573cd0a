"""The shipped units: systemd takes them, they start our own entry points, and nothing runs with more than it needs."""

import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "deployment"
SERVICES = sorted(FOLDER.glob("*.service"))
INSTALLED = "/srv/marketplace/.venv/bin/"
KEEPER = "marketplace-keeper"  # a user of its own: the site may ask it, and cannot read its keys
ANALYZE = shutil.which("systemd-analyze")
CONFINED = {
    "User": "marketplace", "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes",
    "PrivateTmp": "yes", "PrivateDevices": "yes", "CapabilityBoundingSet": "", "UMask": "0077",
    "RestrictNamespaces": "yes", "SystemCallFilter": "@system-service",
}  # fmt: skip


def _service(unit: Path) -> dict[str, str]:
    parser = ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # the documented way to keep capitals
    parser.read(unit)
    return dict(parser["Service"])


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.stem)
def test_each_service_is_confined(unit: Path) -> None:
    service = _service(unit)
    alone = {"User": "marketplace-keeper"} if unit.stem == KEEPER else {}
    assert {name: service.get(name) for name in CONFINED} == CONFINED | alone


@pytest.mark.asvs("13.2.1", "13.3.2")
@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.stem)
def test_each_service_starts_something_of_ours_with_an_environment_file_of_its_own(unit: Path) -> None:
    service = _service(unit)
    program, *words = service["ExecStart"].removeprefix(INSTALLED).split()
    assert (program, words[0]) == ("gunicorn", "wsgi:app") or (program, words[0]) == ("python", "-m")
    if program == "python":
        assert (FOLDER.parents[1] / (words[1].replace(".", "/") + ".py")).exists()
    own = f"/etc/marketplace/{unit.stem.removeprefix('marketplace-')}.env"
    assert service.get("EnvironmentFile") == (None if unit.stem == KEEPER else own), "the keeper is told no secret"


@pytest.mark.skipif(ANALYZE is None, reason="no systemd-analyze in PATH: the units are not shown to systemd")
@pytest.mark.parametrize(
    "unit", sorted(FOLDER.glob("*.service")) + sorted(FOLDER.glob("*.timer")), ids=lambda unit: unit.name
)
def test_systemd_takes_each_unit(unit: Path, tmp_path: Path) -> None:
    for each in FOLDER.glob("marketplace-*"):
        here = (
            each.read_text()
            .replace(f"{INSTALLED}gunicorn", sys.executable)
            .replace(f"{INSTALLED}python", sys.executable)
        )
        (tmp_path / each.name).write_text(here)
    said = subprocess.run(
        [str(ANALYZE), "verify", "--recursive-errors=no", str(tmp_path / unit.name)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (said.returncode, said.stderr) == (0, "")
