"""Attacks by somebody who owns database and store, each on a real sale: found by the verifier, or nothing is handed out
(T26-41).
"""

import re
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from marketplace.infra import vault
from marketplace.kernel.canonical import sha256_hex
from marketplace.oversight.values import BundleState, Sale
from marketplace.traceability import queries as trail
from marketplace.traceability.rules.notes import Signer
from marketplace.traceability.values import EntryType
from tests.factories.evidence import File, asked, faults, judged
from tests.factories.log import ORIGIN
from tests.web.bought_sale import Bought, Change, Copy, a_bought_sale, a_copy
from tests.web.conftest import Grounds
from verify.findings import Code

pytestmark = pytest.mark.usefixtures("no_browser")


@pytest.fixture(scope="module")
def bought(grounds: Grounds) -> Iterator[Bought]:
    with a_bought_sale(grounds) as found:
        yield found


def body_from(kind: EntryType, other: EntryType) -> Change:
    """The sealed words of another entry in place of those that are there."""

    def change(copy: Copy) -> None:
        copy.run(
            "UPDATE traceability_entry e SET body = o.body FROM traceability_entry o "
            "WHERE e.log_index = %s AND o.log_index = %s",
            copy.index_of(kind), copy.index_of(other),
        )  # fmt: skip

    return change


def resealed_body(copy: Copy) -> None:
    """Words made anew by somebody who has the key, with a salt of their own."""
    index = copy.index_of(EntryType.ANSWER_GIVEN)
    (entry_id,) = copy.owner.execute("SELECT id FROM traceability_entry WHERE log_index = %s", (index,)).fetchone()
    said = b"0" * 16 + b'{"answer":true,"question":"smoker"}'
    place = f"traceability_evidence_intake.body/{entry_id}"
    sealed = vault.seal(copy.sale.application_id, place, said)
    copy.run("UPDATE traceability_entry SET body = %s WHERE log_index = %s", sealed, index)


def resealed_body_and_leaf(copy: Copy) -> None:
    resealed_body(copy)
    index = copy.index_of(EntryType.ANSWER_GIVEN)
    copy.run("UPDATE traceability_entry SET body_sha256 = decode(%s, 'hex') WHERE log_index = %s", "ab" * 32, index)


def column(kind: EntryType, change: str) -> Change:
    return lambda copy: copy.run(f"UPDATE traceability_entry SET {change} WHERE log_index = %s", copy.index_of(kind))


def deleted(kind: EntryType) -> Change:
    return lambda copy: copy.run("DELETE FROM traceability_entry WHERE log_index = %s", copy.index_of(kind))


def cut_off(copy: Copy) -> None:
    """The end of the sale, its conclusion included, is gone, and the acts before it look like the last."""
    copy.run("DELETE FROM traceability_entry WHERE log_index >= %s", copy.index_of(EntryType.CONTRACT_CONCLUDED))


def swapped(copy: Copy) -> None:
    """Two entries change their places in the log and in the journey."""
    one, other = copy.index_of(EntryType.DOCUMENT_CONFIRMED), copy.index_of(EntryType.EXCLUSIONS_CONFIRMED)
    copy.run("UPDATE traceability_entry SET log_index = -1, number = -1 WHERE log_index = %s", one)
    copy.run(
        "UPDATE traceability_entry SET log_index = %s, number = (SELECT number FROM traceability_entry "
        "WHERE log_index = %s - 1) + 1 WHERE log_index = %s", one, one, other,
    )  # fmt: skip
    copy.run("UPDATE traceability_entry SET log_index = %s, number = 9999 WHERE log_index = -1", other)


def replaced_document(copy: Copy) -> None:
    (sha256,) = copy.owner.execute("SELECT min(sha256) FROM catalog_document WHERE locale = 'en'").fetchone()
    copy.write_file(sha256, b"# Clauses\n\nNothing is paid.")


def replaced_wording(copy: Copy) -> None:
    copy.run("UPDATE disclosure_wording SET text = 'We keep nothing.' WHERE key = 'entry_notice' AND locale = 'en'")


def _policy_sha256(sale: Sale) -> str:
    entries = trail.entries_of_application(sale.application_id)
    return next(str(each.body["document_sha256"]) for each in entries if each.type is EntryType.POLICY_SIGNED)


def replaced_policy(copy: Copy) -> None:
    """Another policy in the store, sealed by somebody who has the key."""
    sha256 = _policy_sha256(copy.sale)
    path = copy.store / sha256[:2] / sha256[2:4] / f"{sha256}.sealed"
    sealed = vault.seal(copy.sale.application_id, f"storage/{sha256}", b"%PDF-1.7 another")
    path.write_bytes(path.read_bytes()[:16] + sealed)


def forged_checkpoint(copy: Copy) -> None:
    """Another root under the signature of the true one."""
    lines = trail.checkpoint().split("\n")
    lines[2] = b64encode(bytes(32)).decode()
    copy.run("UPDATE traceability_log_checkpoint SET note = %s", "\n".join(lines))


def manifest_changed(copy: Copy) -> None:
    copy.run("""UPDATE traceability_page_version SET manifest = jsonb_set(manifest, '{locale}', '"xx"')""")


def released_otherwise(change: str) -> Change:
    return lambda copy: copy.run(f"UPDATE traceability_release SET {change}")


def renumbered_policy(copy: Copy) -> None:
    copy.run("UPDATE oversight_sale SET policy_number = 'EF-HARBOUR-2026-000999' WHERE policy_number IS NOT NULL")


def page_from_another(copy: Copy) -> None:
    shown = "SELECT log_index FROM traceability_entry WHERE page_bytes IS NOT NULL ORDER BY log_index LIMIT 2"
    one, other = (row[0] for row in copy.owner.execute(shown))
    copy.run(
        "UPDATE traceability_entry e SET page_bytes = o.page_bytes FROM traceability_entry o "
        "WHERE e.log_index = %s AND o.log_index = %s", one, other,
    )  # fmt: skip


def rewritten(copy: Copy) -> None:
    """Another answer, and everything that stands upon it, with all keys of ours."""
    resealed_body_and_leaf(copy)
    index = copy.index_of(EntryType.ANSWER_GIVEN)
    entry = trail.envelopes([_id_of(copy, index)])
    (envelope,) = entry.values()
    sha256 = sha256_hex(envelope.salt + envelope.data)
    copy.run("UPDATE traceability_entry SET body_sha256 = decode(%s, 'hex') WHERE log_index = %s", sha256, index)
    copy.sign_again()


def _id_of(copy: Copy, index: int) -> UUID:
    (entry_id,) = copy.owner.execute("SELECT id FROM traceability_entry WHERE log_index = %s", (index,)).fetchone()
    return UUID(str(entry_id))


def dated(change: str) -> Change:
    """All of the sale dated otherwise, with the log's key."""

    def attack(copy: Copy) -> None:
        copy.run(
            f"UPDATE traceability_entry SET recorded_at = recorded_at {change} WHERE journey_id = %s",
            copy.sale.journey_id,
        )
        copy.sign_again()

    return attack


def unstamped(copy: Copy) -> None:
    """History made anew, and its time-stamps are lost."""
    rewritten(copy)
    copy.run("DELETE FROM traceability_timestamp")


def exchanged_token(copy: Copy) -> None:
    copy.run("UPDATE traceability_timestamp s SET token = o.token FROM traceability_timestamp o WHERE s.size > o.size")


def inserted_key(copy: Copy) -> None:
    """A key of our own is put among those of the log, after its own, and signs everything anew."""
    stranger = Signer(ORIGIN, Ed25519PrivateKey.generate())
    copy.run(
        "INSERT INTO traceability_log_key (vkey, first_size, made_at) "
        "SELECT %s, max(first_size), clock_timestamp() FROM traceability_log_key",
        stranger.verifier.vkey,
    )
    copy.sign_again(stranger)


NOT_THERE, ALTERED = "traceability:log-altered", "storage:file-altered"
# What is expected: the verifier's codes, or the code of the refusal.
ATTACKS: dict[str, tuple[Change, set[Code] | str]] = {
    "move a body": (body_from(EntryType.ANSWER_GIVEN, EntryType.ENTRY_ACKNOWLEDGED), "vault:unreadable"),
    "edit a body, with the key": (resealed_body, {Code.BODY_ALTERED}),
    "edit a body and its leaf, with the key": (resealed_body_and_leaf, {Code.BODY_ALTERED, Code.NOT_IN_LOG,
                                                                         Code.CHAIN_BROKEN}),
    "edit who did it": (column(EntryType.ANSWER_GIVEN, "actor_role = 'admin'"), {Code.BODY_ALTERED}),
    "edit whose contract it is": (column(EntryType.POLICY_SIGNED, "insurer_id = NULL"), {Code.BODY_ALTERED}),
    "edit the business time": (column(EntryType.CONTRACT_CONCLUDED, "business_at = business_at - interval '1 day'"),
                               {Code.BODY_ALTERED}),
    "edit what it is": (column(EntryType.EXCLUSIONS_CONFIRMED, "type = 'document:confirmed'"),
                        {Code.NOT_IN_LOG, Code.CHAIN_BROKEN}),
    "back-date": (column(EntryType.CONTRACT_CONCLUDED, "recorded_at = recorded_at - interval '1 day'"),
                  {Code.NOT_IN_LOG, Code.CHAIN_BROKEN, Code.BACKDATED}),
    "forward-date": (column(EntryType.CONTRACT_CONCLUDED, "recorded_at = recorded_at + interval '1 day'"),
                     {Code.NOT_IN_LOG, Code.CHAIN_BROKEN, Code.BACKDATED, Code.FORWARD_DATED}),
    "delete an entry": (deleted(EntryType.EXCLUSIONS_CONFIRMED), NOT_THERE),
    "delete the conclusion": (deleted(EntryType.CONTRACT_CONCLUDED), NOT_THERE),
    "cut off the end": (cut_off, NOT_THERE),
    "reorder": (swapped, {Code.NOT_IN_LOG, Code.REORDERED, Code.GAP, Code.CHAIN_BROKEN, Code.FORK,
                          Code.TIMESTAMP_INVALID}),
    "move a page": (page_from_another, "vault:unreadable"),
    "edit what a page is made of": (manifest_changed, {Code.PAGE_VERSION_ALTERED, Code.ASSET_REPLACED}),
    "edit who reviewed the pages": (released_otherwise("reviewer = 'Wang Fang'"), {Code.RELEASE_ALTERED}),
    "edit who made the pages": (released_otherwise("author = 'Wang Fang'"), {Code.RELEASE_ALTERED}),
    "edit what was released": (released_otherwise("content = jsonb_set(content, '{assets}', '{}')"),
                               {Code.RELEASE_ALTERED}),
    "swap a document in the store": (replaced_document, ALTERED),
    "swap our wording": (replaced_wording, {Code.ASSET_REPLACED}),
    "swap the policy in the store, with the key": (replaced_policy, ALTERED),
    "sign a checkpoint with nothing": (forged_checkpoint, {Code.BAD_SIGNATURE, Code.TIMESTAMP_INVALID}),
    "rewrite history with all our keys": (rewritten, {Code.TIMESTAMP_INVALID}),
    "back-date the sale with the log's key": (dated("- interval '1 day'"), {Code.BACKDATED, Code.TIMESTAMP_INVALID}),
    "forward-date the sale with the log's key": (dated("+ interval '1 day'"), {Code.TIMESTAMP_INVALID}),
    "exchange a time-stamp": (exchanged_token, {Code.TIMESTAMP_INVALID}),
    "put a key among those of the log and sign with it": (inserted_key, {Code.ROTATION_MISSING,
                                                                          Code.TIMESTAMP_INVALID}),
    "give another policy number": (renumbered_policy, {Code.WRONG_CONTRACT}),
}  # fmt: skip


@pytest.mark.requirement("T26-41", "T26-43")
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_on_what_is_kept_is_found_or_refused(bought: Bought, name: str) -> None:
    attack, expected = ATTACKS[name]
    with bought.shop.app_context(), a_copy(bought) as copy:
        attack(copy)
        bundle = asked(bought.sale.application_id, bought.account)
        if isinstance(expected, str):
            assert (bundle.state, bundle.failure) == (BundleState.REFUSED, expected)
        else:
            assert (bundle.state, bundle.verified) == (BundleState.READY, False)
            found = {Code(each["code"]) for each in bundle.findings if each["fault"]}
            assert found == faults(File.of(bundle, bought.account).data)
            assert found == expected


def test_without_an_attack_it_verifies_before_and_after_all_of_them(bought: Bought) -> None:
    """The control of the attacks above: what they changed was put back, and this alone is left."""
    with bought.shop.app_context():
        bundle = asked(bought.sale.application_id, bought.account)
        assert (bundle.state, bundle.verified, bundle.failure) == (BundleState.READY, True, None)
        assert faults(File.of(bundle, bought.account).data) == set()


@pytest.mark.requirement("T26-36", "T26-40")
def test_pages_of_before_releases_were_entered_verify_and_it_is_said(bought: Bought) -> None:
    """The core is the same with the release in the log and without."""
    with bought.shop.app_context():
        now = asked(bought.sale.application_id, bought.account)
        with a_copy(bought) as copy:
            copy.run("UPDATE traceability_release SET entry_id = NULL")
            before = asked(bought.sale.application_id, bought.account)
            file = File.of(before, bought.account)
    assert (before.state, before.verified) == (BundleState.READY, True)
    (note,) = [each for each in before.findings if each["code"] == Code.RELEASE_NOT_LOGGED]
    pages = len([each for each in file.core["entries"] if each["page"]])
    assert note["text"] == f"Who released {pages} of the {pages} pages is not proven by the log."
    assert now.core_sha256 == before.core_sha256
    assert Code.RELEASE_NOT_LOGGED not in {each["code"] for each in now.findings}


@pytest.mark.requirement("T26-41")
def test_the_file_says_between_what_times_it_was_recorded_and_openssl_says_the_same(
    bought: Bought, tmp_path: Path
) -> None:
    """Each command of the README about a time-stamp is run on the files, with the certificates of our address."""
    with bought.shop.app_context():
        file = File.of(asked(bought.sale.application_id, bought.account), bought.account)
        report, trusted = judged(file.data), trail.time_authorities()
    stamps = sorted(name for name in file.files if name.startswith("wrapper/timestamps/"))
    assert [name.rpartition(".")[2] for name in stamps] == ["json", "pem", "tst", "pem", "tst"]
    for name, data in (file.files | {"authorities.pem": trusted}).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    commands = re.findall(r"^    (openssl ts .+)$", file.files["README.txt"].decode(), re.MULTILINE)
    assert len(commands) == 2
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on PATH: what it says of the time-stamps was not asked")
    assert "NO_TIMESTAMP" not in {finding.code.value for finding in report.findings}
    assert re.search(
        r"came into the log not before [-0-9: ]+ UTC \(the time-stamp authority local\) and not after [-0-9: ]+ UTC",
        "\n".join(report.shown),
    )
    for command in commands:
        done = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.stdout.strip() == "Verification: OK", command


def test_a_history_made_anew_without_its_stamps_shows_that_nobody_saw_it(bought: Bought) -> None:
    """Honestly: without a receipt and without the genuine stamps nothing else shows it."""
    with bought.shop.app_context(), a_copy(bought) as copy:
        unstamped(copy)
        found = {each["code"] for each in asked(bought.sale.application_id, bought.account).findings}
    assert "NO_TIMESTAMP" in found
