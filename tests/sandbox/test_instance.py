"""What a demonstration keeps: random, private, and the same at every start."""

import stat

import pytest

from sandbox.instance import AlreadyRunningError, Instance


@pytest.fixture
def instance(tmp_path) -> Instance:
    made = Instance(tmp_path / "instance")
    made.make()
    return made


def test_secrets_are_made_once_and_are_private(instance):
    first = instance.secrets()
    assert instance.secrets() == first
    assert first["STRIPE_SECRET_KEY"].startswith("sk_test_sim")
    assert first["STRIPE_WEBHOOK_SECRET"].startswith("whsec_")
    assert len(first["SECRET_KEY"]) >= 32
    assert stat.S_IMODE((instance.folder / "demo.env").stat().st_mode) == 0o600
    assert stat.S_IMODE(instance.folder.stat().st_mode) == 0o700


def test_two_demonstrations_share_no_secret(instance, tmp_path):
    other = Instance(tmp_path / "other")
    other.make()
    assert not set(instance.secrets().values()) & set(other.secrets().values())


def test_a_secret_that_is_missing_is_added_and_the_others_are_kept(instance):
    (instance.folder / "demo.env").write_text("SECRET_KEY=kept=with=signs\n")
    assert instance.secrets()["SECRET_KEY"] == "kept=with=signs"
    assert set(instance.secrets()) == {"SECRET_KEY", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"}


def test_an_account_keeps_its_password_and_its_place(instance):
    first = instance.account("admin@example.test", "administrator")
    second = instance.account("buyer@example.test", "customer")
    assert instance.account("admin@example.test", "administrator") == first
    assert instance.accounts() == (first, second)
    assert first.password != second.password
    assert len(first.password) >= 16
    assert stat.S_IMODE((instance.folder / "accounts.json").stat().st_mode) == 0o600


def test_only_one_supervisor_holds_the_lock(instance):
    with (
        instance.locked(),
        pytest.raises(AlreadyRunningError, match=r"already runs \(process \d+\)"),
        instance.locked(),
    ):
        pytest.fail("two held it")
    with instance.locked():
        assert (instance.folder / "lock").read_text().isdecimal()
