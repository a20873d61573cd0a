"""Tariffs of versions: kept once, loaded together, refused when altered."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from marketplace.infra.db import db
from marketplace.kernel.ids import new_id
from marketplace.rating import queries, services
from marketplace.rating.models import TariffRow
from marketplace.rating.rules.proofs import tree_of
from marketplace.rating.values import TariffAltered, TariffFault
from tests.factories.accounts import an_insurer
from tests.factories.catalog import PREMIUM_MINOR, RISK, a_draft_product, harbour_term, statements

pytestmark = pytest.mark.usefixtures("database")


@pytest.mark.requirement("SCM-09")
def test_the_premium_charged_is_that_of_the_tariff_that_was_published() -> None:
    version = harbour_term()
    rater = queries.raters_of([version.id])[version.id]
    assert rater.premium(RISK).total.minor == PREMIUM_MINOR
    row = db.session.get(TariffRow, version.id)
    assert row is not None
    assert rater.root == row.root == tree_of(a_draft_product().tariff, row.proof_key).root.hex()
    assert queries.tariffs_of([version.id]) == {version.id: a_draft_product().tariff.to_json()}


def test_several_tariffs_are_one_question_and_then_none() -> None:
    versions = [harbour_term(an_insurer("harbour")).id]
    with statements() as sent:
        first = queries.raters_of([*versions, new_id()])
    assert (list(first), len(sent)) == (versions, 1)
    with statements() as sent:
        assert queries.raters_of(versions)[versions[0]] is first[versions[0]]
    assert sent == []


def test_a_version_has_one_tariff_for_ever() -> None:
    version = harbour_term()
    with pytest.raises(IntegrityError), db.session.begin_nested():
        services.store_tariff(version.id, a_draft_product().tariff)
    with pytest.raises(ProgrammingError, match="permission denied"), db.session.begin_nested():
        db.session.execute(text("UPDATE rating_tariff SET root = root"))
    assert db.session.execute(text("SELECT count(*) FROM rating_tariff")).scalar() == 1


def test_a_tariff_that_cannot_be_used_is_not_kept() -> None:
    tariff = a_draft_product().tariff
    with pytest.raises(TariffFault):
        services.store_tariff(new_id(), replace(tariff, steps=tariff.steps[1:]))
    assert db.session.execute(text("SELECT count(*) FROM rating_tariff")).scalar() == 0


@pytest.mark.parametrize("ask", [queries.raters_of, queries.tariffs_of])
def test_nothing_is_priced_or_compared_with_an_altered_tariff(ask: Callable[[list[UUID]], object]) -> None:
    version = harbour_term()
    row = db.session.get(TariffRow, version.id)
    assert row is not None
    body = {**row.body, "steps": row.body["steps"][:-1]}
    with db.session.no_autoflush:
        row.body = body
        with pytest.raises(TariffAltered):
            ask([version.id])
        db.session.expunge(row)
