"""A demonstration's certificates and a small document, made once for the tests of this folder."""

import json
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest

from marketplace.infra import signing, timestamping
from sandbox import demo_pki

SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture(scope="session")
def pki(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("keys") / "pki"
    demo_pki.make_pki(folder, {"harbour": "Harbour Mutual Insurance Ltd", "lantern": "灯塔人寿保险有限公司"})
    return folder


@pytest.fixture(scope="session")
def roots(pki) -> bytes:
    return (pki / "root.pem").read_bytes()


@pytest.fixture(scope="session")
def authority(pki) -> timestamping.TimeAuthority:
    return timestamping.load_authority(signing.SealSettings.in_folder(pki, timestamping.SEAL_CODE))


@pytest.fixture(scope="session")
def sealer(pki, authority) -> signing.Sealer:
    return signing.load_sealer(signing.SealSettings.in_folder(pki, "harbour"), authority)


@pytest.fixture(scope="session")
def plain_pdf() -> bytes:
    document = pikepdf.new()
    document.add_blank_page()
    out = BytesIO()
    document.save(out, deterministic_id=True)
    return out.getvalue()


@pytest.fixture(params=["en", "zh_Hans_CN"])
def policy_data(request) -> dict:
    return json.loads((SAMPLES / f"policy.{request.param}.json").read_text())
