"""Attacks by somebody who has our database, our store and a key, each on a real sale, that leave nothing to see in what
we hand out. Whoever kept something of before sees them: a receipt, or whom to trust (T26-41, T26-43).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from marketplace.infra.signing import SealSettings
from marketplace.infra.timestamping import SEAL_CODE, load_authority
from marketplace.oversight.services import pictures
from marketplace.oversight.values import BundleState
from marketplace.traceability import queries as trail
from marketplace.traceability.rules.notes import Signer
from marketplace.traceability.values import RECEIPTED, EntryType
from sandbox.demo_pki import make_pki
from tests.factories.evidence import File, Trust, asked, faults
from tests.factories.log import ORIGIN
from tests.web.bought_sale import Bought, Change, Copy, a_bought_sale, a_copy
from tests.web.conftest import Grounds
from tests.web.laid_open import holds
from tests.web.test_evidence_attacks import unstamped
from verify.findings import Code

pytestmark = pytest.mark.usefixtures("no_browser")


@dataclass(frozen=True)
class Kept:
    """What a customer has of before: both receipts, and whom to trust."""

    receipts: tuple[bytes, ...]
    trust: Trust


@pytest.fixture(scope="module")
def bought(grounds: Grounds) -> Iterator[Bought]:
    with a_bought_sale(grounds) as found:
        yield found


@pytest.fixture(scope="module")
def kept(bought: Bought) -> Kept:
    with bought.shop.app_context():
        receipts = tuple(trail.receipt(bought.sale.application_id, kind) for kind in RECEIPTED)
        return Kept(receipts, Trust.told_now())


def cut_below_the_receipt(copy: Copy) -> None:
    """The log ends before the policy was signed, under the genuine key."""
    end = copy.index_of(EntryType.POLICY_SIGNED)
    copy.run("DELETE FROM traceability_entry WHERE log_index >= %s", end)
    copy.run("DELETE FROM traceability_log_checkpoint WHERE size >= %s", end)
    copy.run("DELETE FROM traceability_timestamp WHERE size >= %s", end)
    copy.run("INSERT INTO traceability_log_checkpoint (size, root, note, made_at) VALUES (%s, '', '', now())", end)
    copy.sign_again()


def signed_by_a_stranger(copy: Copy) -> None:
    """Of the same name as our key."""
    stranger = Signer(ORIGIN, Ed25519PrivateKey.generate())
    copy.sign_again(stranger)
    copy.run("UPDATE traceability_log_key SET vkey = %s", stranger.verifier.vkey)
    copy.run("DELETE FROM traceability_timestamp")


def stamped_by_another(copy: Copy) -> None:
    """By an authority that its owner has put among those we name."""
    with TemporaryDirectory() as folder:
        make_pki(Path(folder), {})
        root = (Path(folder) / "root.pem").read_text()
        authority = load_authority(SealSettings.in_folder(Path(folder), SEAL_CODE))
    newest = "SELECT size, note FROM traceability_log_checkpoint JOIN traceability_timestamp USING (size) ORDER BY 1"
    size, note = copy.owner.execute(newest).fetchall()[-1]
    token = authority.stamp(sha256(note.encode()).digest())
    copy.run("UPDATE traceability_timestamp SET token = %s WHERE size = %s", token, size)
    change = (
        "INSERT INTO traceability_time_authority (name, root_sha256, root, first_at) VALUES ('local', %s, %s, now())"
    )
    copy.run(change, sha256(root.encode()).hexdigest(), root)


# How, what is found by who kept the receipts and whom to trust, and by who kept the latter alone. By others nothing is.
ATTACKS: dict[str, tuple[Change, set[Code], set[Code]]] = {
    "fork with the genuine key": (unstamped, {Code.FORK}, set()),
    "cut the log below a receipt": (cut_below_the_receipt, {Code.TRUNCATED_TAIL, Code.FORK}, set()),
    "sign with another key": (signed_by_a_stranger, {Code.UNKNOWN_KEY, Code.FORK}, {Code.UNKNOWN_KEY}),
    "stamp by another authority": (stamped_by_another, {Code.TIMESTAMP_INVALID}, {Code.TIMESTAMP_INVALID}),
}


@pytest.mark.requirement("T26-41", "T26-43")
@pytest.mark.parametrize("name", ATTACKS)
def test_what_we_cannot_see_ourselves_is_found_by_who_kept_something(bought: Bought, kept: Kept, name: str) -> None:
    attack, by_receipts, by_trust = ATTACKS[name]
    with bought.shop.app_context(), a_copy(bought) as copy:
        attack(copy)
        bundle = asked(bought.sale.application_id, bought.account)
        assert (bundle.state, bundle.verified, bundle.failure) == (BundleState.READY, True, None)
        data = File.of(bundle, bought.account).data
        assert faults(data) == set()
        assert faults(data, *kept.receipts, trust=kept.trust) == by_receipts
        assert faults(data, trust=kept.trust) == by_trust


def test_before_any_of_them_everything_fits_what_was_kept(bought: Bought, kept: Kept) -> None:
    """The control of the attacks above, after all of them too."""
    with bought.shop.app_context():
        bundle = asked(bought.sale.application_id, bought.account)
        assert faults(File.of(bundle, bought.account).data, *kept.receipts, trust=kept.trust) == set()


@pytest.mark.requirement("T26-42", "T26-43")
def test_what_lay_beside_the_pages_is_that_of_then_or_nothing_is_handed_out(
    bought: Bought, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Style sheets and pictures of the pages of an old contract: another byte of one in the store, and another one on
    the site of today, which stands in for none.
    """
    with bought.shop.app_context(), a_copy(bought) as copy:
        before = File.of(asked(bought.sale.application_id, bought.account), bought.account)
        versions = before.core["page_versions"].values()
        assets = {path: copy.place_of(sha256) for each in versions for path, sha256 in each["assets"].items()}
        for path in assets.values():
            data = path.read_bytes()
            path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
            bundle = asked(bought.sale.application_id, bought.account)
            path.write_bytes(data)
            assert (bundle.state, bundle.failure) == (BundleState.REFUSED, "storage:file-altered"), path.name
        monkeypatch.setattr(pictures, "STATIC", a_site_of_today(tmp_path, assets))
        after = File.of(asked(bought.sale.application_id, bought.account), bought.account)
        assert after.files[ARCHIVE] == before.files[ARCHIVE]
        style = assets["css/evenfold.css"].read_bytes()
        assets["css/evenfold.css"].unlink()
        without = File.of(asked(bought.sale.application_id, bought.account), bought.account)
        assets["css/evenfold.css"].write_bytes(style)
        assert faults(without.data) == set(), "the pages prove, and they are there"
        words = (style.decode()[-60:], TODAY)
        assert [[holds(file.files[ARCHIVE], each) for each in words] for file in (after, without)] == [
            [True, False], [False, False],
        ]  # fmt: skip


ARCHIVE, TODAY = "wrapper/pages.wacz", "body { color: of-today }"


def a_site_of_today(folder: Path, assets: Iterable[str]) -> Path:
    for path in assets:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(TODAY)
    return folder
