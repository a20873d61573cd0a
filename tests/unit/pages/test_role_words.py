"""Who acted, as a person reads it."""

import pytest

from marketplace.accounts.values import Role
from marketplace.infra.formatting import LOCALES, use_locale
from marketplace.traceability.values import SYSTEM
from marketplace.web.role_words import role_words


@pytest.mark.parametrize("locale", LOCALES)
def test_every_role_and_the_marketplace_itself_have_words_of_their_own(locale: str) -> None:
    labels = [SYSTEM.label, *Role]
    with use_locale(locale):
        words = [role_words(label) for label in labels]
    assert len(set(words)) == len(labels)
    assert not set(words) & set(labels)
