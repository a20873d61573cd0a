"""The demonstration's certificates: private, marked, made once and added to."""

import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from marketplace.infra.signing import SealSettings
from marketplace.kernel import clock
from sandbox.demo_pki import make_pki

HARBOUR = {"harbour": "Harbour Life Insurance Co."}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def certificate(folder: Path, code: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / f"{code}.pem").read_bytes())


@pytest.fixture
def pki(tmp_path) -> Path:
    folder = tmp_path / "instance" / "seals"
    make_pki(folder, HARBOUR)
    return folder


def test_folder_and_files_are_their_owners_only_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        make_pki(tmp_path / "seals", HARBOUR)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "seals").iterdir()}
    assert stat.S_IMODE((tmp_path / "seals").stat().st_mode) == 0o700
    assert modes == dict.fromkeys(
        ["SPECIMEN", "root.pem", "root.key", "root.crl"]
        + [f"{code}.{kind}" for code in ("timestamp", "marketplace", "harbour") for kind in ("pem", "key")],
        0o600,
    )


def test_a_folder_that_was_open_is_closed(tmp_path):
    tmp_path.chmod(0o755)
    make_pki(tmp_path, HARBOUR)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_a_second_start_changes_nothing(pki):
    before = contents(pki)
    make_pki(pki, HARBOUR)
    assert contents(pki) == before


def test_a_revocation_list_that_is_about_to_run_out_is_made_anew(pki):
    before = contents(pki)
    with clock.frozen(clock.now() + timedelta(days=300)):
        make_pki(pki, HARBOUR)
    after = contents(pki)
    assert {name for name in before if before[name] != after[name]} == {"root.crl"}
    assert x509.load_pem_x509_crl(after["root.crl"]).next_update_utc > clock.now() + timedelta(days=600)


def test_a_new_insurer_gets_a_seal_under_the_same_root(pki):
    before = contents(pki)
    make_pki(pki, {**HARBOUR, "lantern": "灯塔财产保险有限公司"})
    after = contents(pki)
    assert {name: after[name] for name in before} == before
    assert after.keys() - before.keys() == {"lantern.pem", "lantern.key"}
    certificate(pki, "lantern").verify_directly_issued_by(certificate(pki, "root"))


def test_no_two_demonstrations_share_a_key(pki, tmp_path):
    make_pki(tmp_path / "other", HARBOUR)
    keys = {
        (folder / f"{name}.key").read_bytes() for folder in (pki, tmp_path / "other") for name in ("root", "harbour")
    }
    assert len(keys) == 4


def test_a_seal_of_a_lost_root_is_made_anew(pki):
    before = contents(pki)
    (pki / "root.key").unlink()
    make_pki(pki, HARBOUR)
    after = contents(pki)
    assert after["root.pem"] != before["root.pem"]
    for code in ("harbour", "marketplace", "timestamp"):
        assert after[f"{code}.pem"] != before[f"{code}.pem"]
        certificate(pki, code).verify_directly_issued_by(certificate(pki, "root"))


def test_a_seal_half_made_is_made_anew(pki):
    (pki / "harbour.pem").unlink()
    key = (pki / "harbour.key").read_bytes()
    make_pki(pki, HARBOUR)
    assert (pki / "harbour.key").read_bytes() != key


def test_every_name_says_specimen_and_fits_a_certificate(tmp_path):
    make_pki(tmp_path, {"long": "The Worshipful Company of Very Long Names, Underwriters and Sons, Limited"})
    for code in ("root", "timestamp", "marketplace", "long"):
        subject = certificate(tmp_path, code).subject
        for part in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME):
            [name] = subject.get_attributes_for_oid(part)
            assert name.value.startswith("SPECIMEN ")
            assert len(name.value) <= 64


def test_a_seal_lives_825_days_and_signs_documents_only(pki):
    seal = certificate(pki, "harbour")
    assert seal.not_valid_after_utc - seal.not_valid_before_utc == timedelta(days=825)
    usage = seal.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.content_commitment, usage.key_cert_sign) == (True, True, False)
    assert seal.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False


def test_the_authority_stamps_time_and_nothing_else(pki):
    purpose = certificate(pki, "timestamp").extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert purpose.critical is True
    assert list(purpose.value) == [ExtendedKeyUsageOID.TIME_STAMPING]


@pytest.mark.parametrize("code", ["../escape", "a/b", "", "Root", "root", "timestamp", ".hidden", "a b"])
def test_a_code_that_is_no_file_name_is_refused_before_anything_is_made(tmp_path, code):
    with pytest.raises(ValueError, match="not a usable code"):
        make_pki(tmp_path / "seals", {code: "Name"})
    assert list(tmp_path.iterdir()) == []


def test_the_layout_is_the_one_the_product_reads(pki):
    assert SealSettings.in_folder(pki, "harbour") == SealSettings(
        certificate=pki / "harbour.pem", key=pki / "harbour.key", chain=pki / "root.pem"
    )
    assert SealSettings.in_folder(pki, "harbour").key.exists()
