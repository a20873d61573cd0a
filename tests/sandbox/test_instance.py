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


@pytest.mark.asvs("13.2.3")
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


def test_keys_are_made_once_and_lie_apart_from_the_environment_of_the_site(instance):
    assert instance.make_keys() is False, "there was nothing before"
    made = instance.keeper_keys.read_text()
    assert stat.S_IMODE(instance.keeper_keys.stat().st_mode) == 0o600
    assert instance.make_keys() is False
    assert instance.keeper_keys.read_text() == made
    assert not any(value in made for value in instance.secrets().values())


def test_the_key_of_the_log_is_made_once_too_and_again_for_a_new_database(instance):
    instance.make_keys()
    key = instance.log / "log.key"
    made = key.read_text()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    (instance.log / "checkpoint").touch()
    assert instance.make_keys() is False
    assert (key.read_text(), (instance.log / "checkpoint").exists()) == (made, True)
    instance.begin_log()
    assert key.read_text() != made
    assert not (instance.log / "checkpoint").exists()


def test_data_from_before_there_was_a_log_is_not_kept_on_and_its_keys_are(instance):
    instance.make_keys()
    (instance.log / "SPECIMEN").unlink()
    (instance.database / "cluster").mkdir(parents=True)
    kept = instance.keeper_keys.read_text()
    assert instance.make_keys() is True
    assert not instance.database.exists()
    assert instance.keeper_keys.read_text() == kept


def test_what_was_kept_before_sealing_is_not_kept_on(instance):
    for path in (instance.database / "cluster", instance.storage / "ab"):
        path.mkdir(parents=True)
    (instance.folder / "simulator.sqlite3").touch()
    password = instance.account("admin@example.test", "administrator").password
    assert instance.make_keys() is True
    assert not instance.database.exists()
    assert list(instance.storage.iterdir()) == []
    assert not (instance.folder / "simulator.sqlite3").exists()
    assert instance.account("admin@example.test", "administrator").password == password


def test_a_path_too_long_for_a_socket_has_another_place(tmp_path):
    deep = Instance(tmp_path / ("a" * 120))
    deep.make()
    place = deep.keeper_socket
    assert len(str(place)) < 100
    assert deep.keeper_socket == place
    place.parent.rmdir()
