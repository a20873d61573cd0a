"""Signed notes and checkpoints, with the example of the specification (c2sp.org/signed-note, CC BY 4.0)."""

from base64 import b64decode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from marketplace.traceability.rules.notes import Checkpoint, NoteRefused, Signer, Verifier, opened

VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
NOTE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
SIGNER = Signer("insurance.example/log", Ed25519PrivateKey.from_private_bytes(b"k" * 32))
CHECKPOINT = Checkpoint("insurance.example/log", 20_852_163, b"r" * 32)


def test_the_example_of_the_specification_is_opened() -> None:
    verifier = Verifier.parse(VKEY)
    assert (verifier.name, verifier.id.hex(), verifier.vkey) == ("example.com/foo", "530d903a", VKEY)
    assert opened(NOTE, verifier) == "This is an example message.\n"


@pytest.mark.requirement("T26-41")
def test_what_we_sign_we_open_and_nobody_may_change_it() -> None:
    note = SIGNER.note(CHECKPOINT.text)
    assert Checkpoint.parse(opened(note, SIGNER.verifier)) == CHECKPOINT
    assert note.startswith("insurance.example/log\n20852163\ncnJy")
    for changed in (note.replace("20852163", "20852164"), note.replace("cnJy", "cnJx", 1)):
        with pytest.raises(NoteRefused, match="signature of the note is wrong"):
            opened(changed, SIGNER.verifier)


def test_a_signature_of_somebody_else_is_passed_over_and_is_not_enough() -> None:
    other = Signer("witness.example", Ed25519PrivateKey.generate())
    ours, theirs = SIGNER.note(CHECKPOINT.text), other.note(CHECKPOINT.text)
    both = theirs + ours.rpartition("\n\n")[2]
    assert opened(both, SIGNER.verifier) == opened(both, other.verifier) == CHECKPOINT.text
    with pytest.raises(NoteRefused, match="not signed by this key"):
        opened(theirs, SIGNER.verifier)
    successor = Signer(SIGNER.name, Ed25519PrivateKey.generate())
    with pytest.raises(NoteRefused, match="not signed by this key"):
        opened(ours, successor.verifier)


@pytest.mark.parametrize("note", ["", "text\n", "text\n\n", f"text\n\n— {SIGNER.name} ?\n", "\n\n"])
def test_what_is_no_note_is_refused(note: str) -> None:
    with pytest.raises(NoteRefused):
        opened(note, SIGNER.verifier)


@pytest.mark.parametrize(
    "vkey",
    [
        "", "name", "name+00000000", VKEY.replace("530d903a", "530d903b"), VKEY.replace("+Aeky", "+Auky"), VKEY[:-4],
        VKEY.replace("example.com/foo", "example.com/bar"), VKEY + "!",
    ],
)  # fmt: skip
def test_what_is_no_key_is_refused(vkey: str) -> None:
    with pytest.raises(NoteRefused):
        Verifier.parse(vkey)


@pytest.mark.parametrize(
    "text", ["o\n1\n", "o\n01\ncnI=\n", "o\nx\ncnI=\n", "o\n1\ncnI\n", "o\n1\ncnI=", "o\n1\ncnI=\nextension\n"]
)
def test_a_checkpoint_has_one_spelling(text: str) -> None:
    with pytest.raises(NoteRefused):
        Checkpoint.parse(text)


def test_a_key_is_written_with_its_kind() -> None:
    assert b64decode(SIGNER.verifier.vkey.split("+", 2)[2])[0] == 1
