"""Signed notes, checkpoints, trust policies and proof files, as C2SP writes them down."""

from base64 import b64encode

import pytest

from tests.verify.evidence import FOREIGN_KEY, KEY, NEW_KEY, ORIGIN, POLICY, WITNESS, LogKey, a_sale
from verify import note
from verify.checkpoint import read_checkpoint
from verify.note import BadSignature, NoteError, UnknownKey, read_key
from verify.policy import PolicyError, QuorumNotMet, read_policy
from verify.proof import ProofError, read_consistency, read_proof

# The example of golang.org/x/mod/sumdb/note (BSD-3-Clause).
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
SIGNATURE = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
SIGNED = f"{TEXT}\n— PeterNeumann {SIGNATURE}\n"
AT = 1_790_000_100


def test_a_note_of_gos_own_example_opens() -> None:
    text, signers = note.open(SIGNED.encode(), [KEY.vkey, PETER])
    assert (text, [(signer.name, signer.vkey, signer.time) for signer in signers]) == (
        TEXT,
        [("PeterNeumann", PETER, None)],
    )
    assert note.open(SIGNED, [PETER]) == (text, signers)


def test_signatures_of_others_do_not_matter_and_one_key_counts_once() -> None:
    text = "hello\n"
    signed = f"{text}\n{FOREIGN_KEY.line(text)}{KEY.line(text)}{KEY.line(text)}{WITNESS.line(text, AT)}"
    opened, signers = note.open(signed, [WITNESS.vkey, KEY.vkey])
    assert opened == text
    assert [(signer.name, signer.time) for signer in signers] == [(ORIGIN, None), ("witness.example", AT)]


def test_text_with_empty_lines_ends_at_the_last_of_them() -> None:
    text = "one\n\ntwo\n"
    assert note.open(f"{text}\n{KEY.line(text)}", [KEY.vkey])[0] == text


def test_a_note_by_nobody_who_is_trusted_is_refused() -> None:
    with pytest.raises(UnknownKey):
        note.open(SIGNED, [KEY.vkey])
    with pytest.raises(UnknownKey):
        note.open(SIGNED, [])


@pytest.mark.parametrize("claimed", ["other text", "other time"])
def test_one_false_signature_of_a_trusted_key_spoils_the_note(claimed: str) -> None:
    """Even beside a good one: whoever added it wanted something."""
    text = "hello\n"
    false = KEY.line("other\n") if claimed == "other text" else WITNESS.line("other\n", AT)
    good = NEW_KEY.line(text)
    assert note.open(f"{text}\n{good}", [NEW_KEY.vkey])[0] == text
    with pytest.raises(BadSignature):
        note.open(f"{text}\n{good}{false}", [NEW_KEY.vkey, KEY.vkey, WITNESS.vkey])


def test_the_time_of_a_cosignature_is_signed_too() -> None:
    text = "hello\n"
    line = WITNESS.line(text, AT)
    raw = bytearray(note._signature(line[:-1])[2])
    raw[7] ^= 1
    moved = f"— {WITNESS.name} {b64encode(WITNESS.id + bytes(raw)).decode()}\n"
    assert note.open(f"{text}\n{line}", [WITNESS.vkey])[1][0].time == AT
    with pytest.raises(BadSignature):
        note.open(f"{text}\n{moved}", [WITNESS.vkey])


GOOD = KEY.line("hello\n")


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "hello\n",
        "hello\n\n",
        f"hello\n{GOOD}",
        f"hello\n\n{GOOD}"[:-1],
        f"hello\n\n{GOOD}\n",
        f"hello\t\n\n{GOOD}",
        f"hello\r\n\n{GOOD}",
        f"hello\n\n{GOOD.replace('—', '-')}",
        f"hello\n\n{GOOD.replace('— ', '—')}",
        "hello\n\n— market.example/log AAAA\n",
        "hello\n\n— market.example/log ????\n",
        "hello\n\n—  AAAAAAAA\n",
        "hello\n\n— a+b AAAAAAAA\n",
        f"hello\n\n{GOOD * 101}",
        b"hello\xff\n\n" + GOOD.encode(),
        "\ud800\n\n" + GOOD,
        "x" * 2**20 + f"\n\n{GOOD}",
    ],
)
def test_what_is_no_note_is_refused(broken: str | bytes) -> None:
    assert note.open(f"hello\n\n{GOOD}", [KEY.vkey])[0] == "hello\n"
    with pytest.raises(NoteError) as refused:
        note.open(broken, [KEY.vkey])
    assert type(refused.value) is NoteError


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "name",
        "name+00000000",
        KEY.vkey.replace(KEY.id.hex(), "00000000"),
        KEY.vkey.replace(KEY.id.hex(), KEY.id.hex().upper()),
        KEY.vkey[:-4],
        f"{ORIGIN}+{KEY.id.hex()}+",
        LogKey("two words", b"1" * 32).vkey,
        LogKey("", b"1" * 32).vkey,
        LogKey(ORIGIN, b"1" * 32, 2).vkey,
    ],
)
def test_what_is_no_key_is_refused(broken: str) -> None:
    assert read_key(KEY.vkey).name == ORIGIN
    with pytest.raises(NoteError):
        read_key(broken)


ROOT = b64encode(bytes(32)).decode()


def test_a_checkpoint_says_its_log_size_and_root() -> None:
    found = read_checkpoint(f"{ORIGIN}\n12\n{ROOT}\nextension\n")
    assert (found.origin, found.size, found.root) == (ORIGIN, 12, bytes(32))


@pytest.mark.parametrize(
    "broken",
    [
        "",
        f"{ORIGIN}\n12\n",
        f"{ORIGIN}\n\n{ROOT}\n",
        f"\n12\n{ROOT}\n",
        f"{ORIGIN}\n012\n{ROOT}\n",
        f"{ORIGIN}\n-1\n{ROOT}\n",
        f"{ORIGIN}\n１\n{ROOT}\n",
        f"{ORIGIN}\n12\n{ROOT[:-1]}\n",
        f"{ORIGIN}\n12\nAAAA\n",
        f"{ORIGIN}\n12\n{ROOT}\n\nextension\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(broken: str) -> None:
    with pytest.raises(NoteError):
        read_checkpoint(broken)


def test_a_policy_accepts_a_checkpoint_of_its_log() -> None:
    trusted = read_policy(POLICY.encode()).accept(a_sale().checkpoint())
    assert (trusted.checkpoint.size, trusted.vkey, dict(trusted.witnessed)) == (11, KEY.vkey, {})


def test_a_key_signs_for_the_log_of_its_name_only() -> None:
    other = LogKey("other.example/log", b"1" * 32)
    policy = read_policy(f"log {other.vkey}\nquorum none\n".encode())
    text = a_sale().text(3)
    with pytest.raises(UnknownKey):
        policy.accept(f"{text}\n{other.line(text)}")


WITNESSES = [LogKey(f"w{number}.example", bytes([number]) * 32, 4) for number in range(10, 13)]
TWO_OF_THREE = "".join(f"witness W{number} {key.vkey} https://w.example\n" for number, key in enumerate(WITNESSES))
TWO_OF_THREE = f"log {KEY.vkey}\t https://log.example\n\n  # three\n{TWO_OF_THREE}group G 2 W0 W1 W2\nquorum G"


@pytest.mark.parametrize(("count", "enough"), [(0, False), (1, False), (2, True), (3, True)])
def test_a_quorum_of_witnesses(count: int, *, enough: bool) -> None:
    log = a_sale()
    lines = [key.line(log.text(log.size), AT + number) for number, key in enumerate(WITNESSES[:count])]
    signed, policy = log.checkpoint(cosigned=lines), read_policy(TWO_OF_THREE.encode())
    if not enough:
        with pytest.raises(QuorumNotMet):
            policy.accept(signed)
    else:
        assert dict(policy.accept(signed).witnessed) == {f"W{number}": AT + number for number in range(count)}


@pytest.mark.parametrize("rule", ["all", "any", "1"])
def test_groups_of_groups(rule: str) -> None:
    text = TWO_OF_THREE.replace("group G 2 W0 W1 W2\nquorum G", f"group A any W0 W1\ngroup B {rule} A W2\nquorum B")
    policy, log = read_policy(text.encode()), a_sale()
    by_two = [key.line(log.text(log.size), AT) for key in WITNESSES[1:]]
    assert len(policy.accept(log.checkpoint(cosigned=by_two)).witnessed) == 2
    if rule == "all":
        with pytest.raises(QuorumNotMet):
            policy.accept(log.checkpoint(cosigned=by_two[:1]))
    else:
        assert len(policy.accept(log.checkpoint(cosigned=by_two[:1])).witnessed) == 1


@pytest.mark.parametrize(
    "broken",
    [
        "",
        f"log {KEY.vkey}\n",
        "log x\nquorum none\n",
        "log\nquorum none\n",
        f"log {KEY.vkey} a b\nquorum none\n",
        f"log {KEY.vkey}\nlog {KEY.vkey}\nquorum none\n",
        f"log {WITNESS.vkey}\nquorum none\n",
        f"witness W {KEY.vkey}\nquorum W\n",
        f"witness none {WITNESS.vkey}\nquorum none\n",
        f"quorum W\nwitness W {WITNESS.vkey}\n",
        "quorum none\nquorum none\n",
        "group G any\nquorum G\n",
        f"witness W {WITNESS.vkey}\ngroup G 2 W\nquorum G\n",
        f"witness W {WITNESS.vkey}\ngroup G 0 W\nquorum G\n",
        f"witness W {WITNESS.vkey}\ngroup G ١ W\nquorum G\n",
        f"witness W {WITNESS.vkey}\ngroup G any W W\nquorum G\n",
        f"witness W {WITNESS.vkey}\ngroup G any W\ngroup H any W\nquorum H\n",
        f"witness W {WITNESS.vkey}\ngroup W any W\nquorum W\n",
        "group G any none\nquorum G\n",
        "logs x\nquorum none\n",
        "quorum none\r\n",
        "# \x00\nquorum none\n",
        "quorum none\n" + "\n" * 1001,
    ],
)
def test_what_is_no_policy_is_refused(broken: str) -> None:
    with pytest.raises(PolicyError):
        read_policy(broken.encode())


def test_a_policy_may_speak_any_language_in_its_comments() -> None:
    assert read_policy(b"# \xff \xe6\x97\xa5\nquorum none").quorum == "none"


def test_a_proof_says_its_leaf_and_the_way_to_the_root() -> None:
    log = a_sale()
    proof = read_proof(log.receipt(8))
    assert (proof.index, len(proof.hashes), proof.checkpoint) == (8, 3, log.checkpoint().decode())
    without = log.receipt(8).decode().split("\n")
    del without[1]
    assert read_proof("\n".join(without).encode()).extra is None
    assert read_consistency(log.consistency(9)) == read_consistency(log.consistency(9)[:-1])


RECEIPT = a_sale().receipt(8).decode()


@pytest.mark.parametrize(
    "broken",
    [
        "",
        RECEIPT.replace("@v1", "@v2"),
        RECEIPT.replace("index 8", "index 08"),
        RECEIPT.replace("index 8", "index -8"),
        RECEIPT.replace("index 8\n", ""),
        RECEIPT.replace("extra ", "extra !"),
        RECEIPT.replace("\n\n", "\n"),
        RECEIPT.replace("\n\n", "\nAAAA\n\n", 1),
        RECEIPT.replace("\n\n", f"\n{ROOT}" * 70 + "\n\n", 1),
        RECEIPT.split("\n\n", maxsplit=1)[0].split("index", maxsplit=1)[0] + "\n\n",
        "c2sp.org/tlog-proof@v1\n\nx",
    ],
)
def test_what_is_no_proof_is_refused(broken: str) -> None:
    with pytest.raises(ProofError):
        read_proof(broken.encode())
