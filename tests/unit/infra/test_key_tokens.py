"""Keys in a token: SoftHSM stands for a hardware security module. The key of the seal is in no file."""

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from pkcs11.exceptions import DeviceRemoved

from marketplace.infra import signing, timestamping
from marketplace.infra.key_tokens import TokenUnavailable, _open
from marketplace.infra.signing import KeyExposed, KeyUnfit, Sealer, SealSettings

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN = "482913"
pytestmark = pytest.mark.skipif(not MODULE.exists(), reason="no SoftHSM (softhsm2)")


class Gone:
    """The key of a token that was pulled out."""

    def sign(self, *_: object, **__: object) -> bytes:
        raise DeviceRemoved


@pytest.fixture(scope="module")
def tokens(tmp_path_factory) -> Path:
    """A token for each seal of `pki`; the library reads where they are once in a process, from its environment."""
    folder = tmp_path_factory.mktemp("tokens")
    (folder / "objects").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder / 'objects'}\nlog.level = ERROR\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(folder / "softhsm2.conf"))
        yield folder


def keep(pki: Path, folder: Path, code: str, label: str) -> None:
    """A seal's key goes into a token of this label."""
    key = load_pem_private_key((pki / f"{code}.key").read_bytes(), password=None)
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    for words in (
        ["--init-token", "--free", "--so-pin", "736251"],
        ["--import", str(folder / "key.pem"), "--label", code, "--id", "A1"],
    ):
        which = ["--label", label] if "--init-token" in words else ["--token", label]
        subprocess.run(["softhsm2-util", *words, *which, "--pin", PIN], check=True, capture_output=True)
    (folder / "key.pem").unlink()


@pytest.fixture(scope="module", autouse=True)
def filled(pki, tokens) -> None:
    keep(pki, tokens, "harbour", "seals")
    keep(pki, tokens, timestamping.SEAL_CODE, "stamps")


@pytest.fixture
def cabinet(pki, tmp_path) -> Path:
    """Harbour's key is in the token alone."""
    folder = tmp_path / "seals"
    shutil.copytree(pki, folder)
    (folder / "harbour.key").unlink()
    say(folder)
    return folder


def say(folder: Path, *, pin: str = PIN, code: str = "harbour", **more: str) -> None:
    told = {"module": str(MODULE), "token": "seals", "key": "harbour", "pin_file": "seals.pin"} | more
    (folder / f"{code}.token").write_text("".join(f'{name} = "{value}"\n' for name, value in told.items()))
    (folder / "seals.pin").write_text(pin + "\n")
    (folder / "seals.pin").chmod(0o600)


def load(folder: Path, authority, code: str = "harbour") -> Sealer:
    return signing.load_sealer(SealSettings.in_folder(folder, code), authority)


def test_it_seals_with_a_key_that_is_in_no_file(cabinet, authority, plain_pdf, roots):
    report = signing.check(load(cabinet, authority).seal(plain_pdf, reason="Issue"), roots)
    assert (report.reason, report.signer) == ("sealed", "SPECIMEN Harbour Mutual Insurance Ltd")


def test_threads_seal_at_once(cabinet, authority, plain_pdf, roots):
    sealer = load(cabinet, authority)
    assert sealer._signer.certificate.subject._native, "read before threads share it: asn1crypto shows it half-read"
    with ThreadPoolExecutor(4) as pool:
        sealed = list(pool.map(lambda _: sealer.seal(plain_pdf, reason="Issue"), range(12)))
    assert {signing.check(each, roots).reason for each in sealed} == {"sealed"}


def test_a_token_that_was_away_is_opened_anew(cabinet, authority, plain_pdf, roots):
    sealer = load(cabinet, authority)
    _open(str(MODULE), "seals")._keys["harbour"] = Gone()
    with pytest.raises(TokenUnavailable):
        sealer.seal(plain_pdf, reason="Issue")
    assert signing.check(sealer.seal(plain_pdf, reason="Issue"), roots).valid


@pytest.mark.parametrize(
    "said", [{"pin": "000000"}, {"token": "unknown"}, {"key": "unknown"}, {"module": "/nowhere/module.so"}]
)
def test_without_the_token_nothing_is_sealed_and_it_is_said_why(cabinet, authority, said):
    say(cabinet, **said)
    _open(str(MODULE), "seals").leave()  # who is logged in already is not asked for the PIN
    with pytest.raises(TokenUnavailable, match=f"token {said.get('token', 'seals')}: "):
        load(cabinet, authority)


def test_a_pin_that_was_wrong_is_not_tried_again(cabinet, authority, plain_pdf, monkeypatch):
    """A few tries more, and a token locks itself."""
    say(cabinet, pin="111111")
    _open(str(MODULE), "seals").leave()
    for _ in range(2):
        with pytest.raises(TokenUnavailable, match="PinIncorrect"):
            load(cabinet, authority)
        monkeypatch.setattr("marketplace.infra.key_tokens.lib", lambda _: pytest.fail("it was tried again"))
    monkeypatch.undo()
    say(cabinet)
    load(cabinet, authority).seal(plain_pdf, reason="Issue")


def test_the_key_of_another_certificate_is_refused(cabinet, authority):
    say(cabinet, code="lantern")
    with pytest.raises(KeyUnfit, match="certificate names"):
        load(cabinet, authority, "lantern")


def test_a_pin_that_others_may_read_is_refused(cabinet, authority):
    (cabinet / "seals.pin").chmod(0o640)
    with pytest.raises(KeyExposed, match="readable by its owner only"):
        load(cabinet, authority)


@pytest.mark.parametrize(
    ("text", "named"),
    [('module = "x"\n', "token, key, pin_file"), ('extra = "x"\n', "extra"), ("not = toml = x", "Invalid value")],
)
def test_a_file_that_says_too_little_is_named(cabinet, authority, text, named):
    (cabinet / "harbour.token").write_text(text)
    with pytest.raises(KeyUnfit, match=named):
        load(cabinet, authority)


def test_the_authoritys_key_may_be_in_a_token_too(cabinet, plain_pdf, roots):
    say(cabinet, code=timestamping.SEAL_CODE, token="stamps", key=timestamping.SEAL_CODE)
    authority = timestamping.load_authority(SealSettings.in_folder(cabinet, timestamping.SEAL_CODE))
    assert signing.check(load(cabinet, authority).seal(plain_pdf, reason="Issue"), roots).valid
