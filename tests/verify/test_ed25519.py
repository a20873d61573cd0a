"""Ed25519 in plain Python: the RFC's vectors, agreement with OpenSSL, and what strictness refuses."""

from time import process_time

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from verify.ed25519 import verify

ORDER = 2**252 + 27742317777372353535851937790883648493
P = 2**255 - 19

# RFC 8032, 7.1: public key, message, signature. Of test 1024 the length of the message is what matters; it is
# covered by the agreement below.
VECTORS = {
    "TEST 1": (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    "TEST 2": (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    "TEST 3": (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
    "TEST SHA(abc)": (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        (
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
        ),
        (
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
            "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"
        ),
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_a_vector_of_the_rfc(name: str) -> None:
    key, message, signature = map(bytes.fromhex, VECTORS[name])
    assert verify(key, message, signature)
    assert not verify(key, message + b"\0", signature)


def by_openssl(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@settings(max_examples=120, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=1100), st.data())
def test_it_agrees_with_openssl_on_what_was_signed_and_on_what_was_altered(
    seed: bytes, message: bytes, data: st.DataObject
) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    key, signature = private.public_key().public_bytes_raw(), private.sign(message)
    assert verify(key, message, signature)
    whole = bytearray(key + signature + message)
    bit = data.draw(st.integers(0, 8 * len(whole) - 1))
    whole[bit // 8] ^= 1 << bit % 8
    altered = bytes(whole[:32]), bytes(whole[96:]), bytes(whole[32:96])
    assert verify(*altered) is by_openssl(*altered) is False


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64))
def test_random_bytes_are_no_signature(key: bytes, signature: bytes) -> None:
    assert not verify(key, b"", signature)


def test_a_scalar_not_below_the_order_is_refused() -> None:
    """Else a second spelling of each signature would be one too."""
    key, message, signature = map(bytes.fromhex, VECTORS["TEST 3"])
    scalar = int.from_bytes(signature[32:], "little") + ORDER
    assert not verify(key, message, signature[:32] + scalar.to_bytes(32, "little"))


# The eight points of small order and the other spellings of some: with such a key anything can be "signed".
SMALL = [
    (1).to_bytes(32, "little"),
    (P - 1).to_bytes(32, "little"),
    bytes(32),
    (1 << 255).to_bytes(32, "little"),
    (P + 1).to_bytes(32, "little"),
    P.to_bytes(32, "little"),
    ((1 << 255) + 1).to_bytes(32, "little"),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"),
]


@pytest.mark.parametrize("key", SMALL, ids=bytes.hex)
def test_a_key_of_small_order_signs_nothing(key: bytes) -> None:
    """With the neutral point as key and as R, a scalar of nought fits every message."""
    for r in SMALL:
        assert not any(verify(key, bytes([number]), r + bytes(32)) for number in range(8))


@pytest.mark.parametrize("lengths", [(31, 64), (33, 64), (32, 63), (32, 65), (0, 0)])
def test_other_lengths_are_refused(lengths: tuple[int, int]) -> None:
    assert not verify(bytes(lengths[0]), b"", bytes(lengths[1]))


def test_a_signature_takes_at_most_ten_milliseconds() -> None:
    key, message, signature = map(bytes.fromhex, VECTORS["TEST 3"])
    best = 1.0
    for _ in range(5):
        start = process_time()
        assert verify(key, message, signature)
        best = min(best, process_time() - start)
    assert best <= 0.010
