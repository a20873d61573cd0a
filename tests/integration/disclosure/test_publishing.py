"""Wordings are published as versions that nobody changes."""

import shutil
from datetime import timedelta
from threading import Barrier, Thread
from uuid import uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError

from marketplace.disclosure import queries, services
from marketplace.disclosure.models import WordingRow
from marketplace.disclosure.values import WordingKey, WordingNotFound
from marketplace.infra.db import Scope, db, use_scope
from marketplace.infra.formatting import LOCALES
from marketplace.kernel import clock
from marketplace.kernel.canonical import sha256_hex

pytestmark = pytest.mark.usefixtures("database")

ENTRY = WordingKey.ENTRY_NOTICE


@pytest.fixture
def folder(tmp_path):
    """A copy of the wordings that a test may change."""
    return shutil.copytree(services.WORDINGS, tmp_path / "wordings")


def test_every_wording_is_published_in_every_language(frozen_clock):
    published = services.publish_wordings()
    assert len(published) == len(WordingKey) * len(LOCALES)
    for key in WordingKey:
        for locale in LOCALES:
            wording = queries.wording(key, locale)
            assert wording in published
            assert (wording.key, wording.locale, wording.version) == (key, locale, 1)
            assert wording.sha256 == sha256_hex(wording.text.encode())
            assert wording.published_at == frozen_clock


def test_publishing_again_changes_nothing():
    services.publish_wordings()
    assert services.publish_wordings() == ()
    assert len(db.session.scalars(select(WordingRow)).all()) == len(WordingKey) * len(LOCALES)


def test_a_changed_word_is_a_new_version_and_the_old_one_stays(folder, frozen_clock):
    services.publish_wordings(folder)
    before = queries.wording(ENTRY, "en")
    (folder / "entry_notice.en.md").write_text("You are about to apply.\n", encoding="utf-8")

    with clock.frozen(frozen_clock + timedelta(days=1)):
        (after,) = services.publish_wordings(folder)

    assert (after.key, after.locale, after.version, after.text) == (ENTRY, "en", 2, "You are about to apply.")
    assert queries.wording(ENTRY, "en") == after
    assert queries.wording_by_id(before.id) == before
    assert queries.versions(ENTRY, "en") == (before, after)
    assert queries.wording(ENTRY, "zh_Hans_CN").version == 1


def test_a_text_that_comes_back_is_a_new_version_too(folder):
    services.publish_wordings(folder)
    first = queries.wording(ENTRY, "en")
    for words in ("Something else.", first.text):
        (folder / "entry_notice.en.md").write_text(words, encoding="utf-8")
        services.publish_wordings(folder)
    assert [wording.version for wording in queries.versions(ENTRY, "en")] == [1, 2, 3]
    assert queries.wording(ENTRY, "en").sha256 == first.sha256


def test_a_missing_translation_stops_the_publication(folder):
    (folder / "privacy_notice.zh_Hans_CN.md").unlink()
    with pytest.raises(FileNotFoundError):
        services.publish_wordings(folder)
    assert db.session.scalars(select(WordingRow)).all() == []


def test_several_wordings_come_in_the_order_asked():
    services.publish_wordings()
    asked = (WordingKey.TRUTHFUL_ANSWERS, WordingKey.CLIENT_NOTICE, ENTRY)
    assert tuple(queries.wordings(asked, "en")) == asked


def test_what_was_never_published_is_not_found():
    with pytest.raises(WordingNotFound):
        queries.wording(ENTRY, "en")
    with pytest.raises(WordingNotFound):
        queries.wording_by_id(uuid4())
    services.publish_wordings()
    with pytest.raises(WordingNotFound):
        queries.wordings((ENTRY,), "tlh")


def test_two_publishers_at_once_make_one_version_each(app):
    both_ready, counts = Barrier(2), []

    def publish():
        with use_scope(Scope.all()), app.app_context():
            both_ready.wait()
            counts.append(len(services.publish_wordings()))
            db.session.commit()
            db.session.remove()

    threads = [Thread(target=publish) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(counts) == [0, len(WordingKey) * len(LOCALES)]


@pytest.mark.parametrize("change", ["UPDATE disclosure_wording SET text = 'x'", "DELETE FROM disclosure_wording"])
def test_the_site_may_not_change_what_was_published(change):
    services.publish_wordings()
    db.session.commit()
    with pytest.raises(ProgrammingError, match="permission denied"):
        db.session.execute(text(change))
    db.session.rollback()
    assert len(db.session.scalars(select(WordingRow)).all()) == len(WordingKey) * len(LOCALES)
