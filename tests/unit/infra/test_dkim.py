"""Our domain's signature on a mail holds at a receiver that knows nothing of the signer."""

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as elliptic
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_public_key,
)

from marketplace.infra.dkim import KeyUnfit, Signer, relaxed_body, relaxed_field
from tests.fakes.dkim_receiver import verified

# RFC 8463, appendix A: the message with its RSA signature, and the key of `test._domainkey.football.example.com`.
PUBLISHED_KEY = (
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91"
    "y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
)
PUBLISHED = """\
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
""".replace("\n", "\r\n").encode()
EML = (
    b"From: Evenfold <service@evenfold.example>\r\nTo: li.na@customer.example\r\n"
    b"Subject: =?utf-8?b?5oKo55qE5L+d5Y2V?=\r\n =?utf-8?b?MQ==?=\r\nDate: Mon, 23 Nov 2026 04:00:00 +0000\r\n"
    b"Message-ID: <1@evenfold.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain;\r\n\tcharset=utf-8\r\n\r\n"
    b"Your  policy \t \r\n\r\n.dots\r\n\r\n\r\n"
)


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


def written(path: Path, key, *, password: bytes | None = None, mode: int = 0o600) -> Path:
    how = BestAvailableEncryption(password) if password else NoEncryption()
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how))
    path.chmod(mode)
    return path


@pytest.fixture
def signer(tmp_path: Path, key: RSAPrivateKey) -> Signer:
    return Signer("evenfold.example", "autumn", written(tmp_path / "dkim.key", key))


def test_the_receiver_is_right_about_the_published_example() -> None:
    published = load_der_public_key(base64.b64decode(PUBLISHED_KEY))
    assert isinstance(published, RSAPublicKey)
    assert verified(PUBLISHED, published, "test") is not None
    assert verified(PUBLISHED.replace(b"hungry", b"thirsty"), published, "test") is None
    assert verified(PUBLISHED.replace(b"dinner", b"supper"), published, "test") is None


def test_a_mail_of_ours_is_signed_for_our_domain(signer: Signer, key: RSAPrivateKey) -> None:
    signed = signer.sign(EML)
    assert signed.endswith(b"\r\n" + EML)
    tags = verified(signed, key.public_key(), "autumn")
    assert tags is not None
    assert tags["d"] == "evenfold.example"
    names = [name.strip().lower() for name in tags["h"].split(":")]
    assert {"from", "to", "subject", "date", "message-id", "content-type"} <= set(names)
    assert names.count("from") == names.count("subject") == 2
    assert max(map(len, signed.split(b"\r\n"))) <= 998
    assert signer.sign(EML) == signed, "the same message, the same signature"


@pytest.mark.parametrize(
    "change",
    [
        (b"Your  policy", b"Another policy"),
        (b"li.na@", b"li.no@"),
        (b"<1@", b"<2@"),
        (b"charset=utf-8", b"charset=gbk"),
        (b"\r\nTo:", b"\r\nFrom: Stranger <a@b.example>\r\nTo:"),
        (b"\r\nTo:", b"\r\nSubject: another\r\nTo:"),
        (b"d=evenfold.example", b"d=stranger.example"),
        (b"\r\n\r\n.dots", b"\r\n\r\n\r\n.dots"),
    ],
)
def test_what_is_changed_on_its_way_does_not_hold(
    signer: Signer, key: RSAPrivateKey, change: tuple[bytes, bytes]
) -> None:
    signed = signer.sign(EML)
    assert change[0] in signed
    assert verified(signed.replace(*change, 1), key.public_key(), "autumn") is None


@pytest.mark.parametrize(
    "change",
    [
        (b"Subject: ", b"SUBJECT:  "),
        (b"\r\n =?utf-8", b"\r\n\t=?utf-8"),
        (b"policy \t \r\n", b"policy\r\n"),
        (b"dots\r\n\r\n\r\n", b"dots\r\n"),
        (b"Your  policy", b"Your policy"),
    ],
)
def test_what_relays_may_do_to_blanks_still_holds(
    signer: Signer, key: RSAPrivateKey, change: tuple[bytes, bytes]
) -> None:
    signed = signer.sign(EML)
    assert change[0] in signed
    assert verified(signed.replace(*change, 1), key.public_key(), "autumn") is not None


def test_the_forms_are_those_of_the_standard() -> None:
    assert relaxed_field(b"A: X\r\n") == b"a:X\r\n"  # RFC 6376, 3.4.5
    assert relaxed_field(b"B : Y\t\r\n\tZ  \r\n") == b"b:Y Z\r\n"
    assert relaxed_body(b" C \r\nD \t E\r\n\r\n\r\n") == b" C\r\nD E\r\n"
    assert relaxed_body(b"\r\n\r\n") == b""
    assert relaxed_body(b"no end") == b"no end\r\n"


def test_a_key_that_is_unfit_signs_nothing_and_says_why(tmp_path: Path, key: RSAPrivateKey) -> None:
    noise = tmp_path / "noise"
    noise.write_bytes(b"noise")
    noise.chmod(0o600)
    unfit = {
        "cannot be read": tmp_path / "nowhere",
        "others than its owner may read": written(tmp_path / "shown", key, mode=0o640),
        "no RSA key of 2048 bits": written(tmp_path / "short", generate_private_key(65537, 1024)),  # noqa: S505  refused for it
        "no RSA key": written(tmp_path / "elliptic", elliptic(SECP256R1())),
        "without a password": written(tmp_path / "locked", key, password=b"secret"),
        "no private key": noise,
    }
    for said, path in unfit.items():
        signer = Signer("evenfold.example", "autumn", path)
        assert said in str(signer.problem())
        with pytest.raises(KeyUnfit, match="DKIM_KEY"):
            signer.sign(EML)


def test_a_fit_key_has_no_problem(signer: Signer) -> None:
    assert signer.problem() is None
