"""The questions of an insurer's desk narrow themselves: in everybody's scope too they tell of the own insurer alone.

Row-level security is the second lock (tests/integration/infra/test_tenants.py); this is the first.
"""

from dataclasses import dataclass
from uuid import UUID

import pytest

from marketplace.accounts.values import Insurer
from marketplace.catalog import queries as catalog
from marketplace.infra.db import Scope, db, use_scope
from marketplace.listing import queries as listing
from marketplace.listing import services as listing_services
from marketplace.oversight import queries as oversight
from marketplace.oversight.values import SaleFilter, SaleNotFound, SaleState
from marketplace.policy import queries as policies
from marketplace.policy import services as policy
from tests.deferred_jobs import drain
from tests.factories.accounts import an_insurer
from tests.factories.catalog import STAFF, catalog_files, published
from tests.factories.checkout import an_accepted_application, an_offer_of
from tests.factories.policy import a_contract

pytestmark = pytest.mark.usefixtures("database")


@dataclass(frozen=True, slots=True)
class Desk:
    """What one insurer has: a sale in the log, products and an upload."""

    insurer: Insurer
    insurer_id: UUID
    sale_id: UUID


def a_desk(code: str, amount: str = "100.00") -> Desk:
    insurer = an_insurer(code)
    an_accepted_application(offer=an_offer_of(insurer, amount))
    published(insurer, catalog_files(code))
    listing_services.upload_catalog(insurer.id, catalog_files(code), STAFF)
    drain("oversight")
    (sale,) = oversight.sales(SaleFilter(), only_insurer=insurer.id).sales
    return Desk(insurer, insurer.id, sale.id)


@pytest.fixture
def own() -> Desk:
    return a_desk("harbour")


@pytest.mark.asvs("8.2.2", "8.4.1")
def test_every_question_of_the_desk_is_about_the_own_insurer(own: Desk) -> None:
    other = a_desk("larkmeadow", "90.00")
    for mine, theirs in ((own, other), (other, own)):
        assert [sale.id for sale in oversight.sales(SaleFilter(), only_insurer=mine.insurer_id).sales] == [mine.sale_id]
        wider = SaleFilter(insurer_id=theirs.insurer_id)
        assert oversight.sales(wider, only_insurer=mine.insurer_id).sales == ()
        assert oversight.state_counts(only_insurer=mine.insurer_id)[SaleState.APPLIED] == 1
        assert oversight.sale(mine.sale_id, only_insurer=mine.insurer_id).insurer_id == mine.insurer_id
        assert oversight.timeline(mine.sale_id, only_insurer=mine.insurer_id) != ()
        for asked in (oversight.sale, oversight.timeline):
            with pytest.raises(SaleNotFound):
                asked(theirs.sale_id, only_insurer=mine.insurer_id)
        assert {each.insurer_id for each in catalog.products_of_insurer(mine.insurer_id)} == {mine.insurer_id}
        assert {each.insurer_id for each in listing.uploads_of_insurer(mine.insurer_id)} == {mine.insurer_id}
    contracts = {desk.insurer_id: policy.issue(a_contract(desk.insurer)).id for desk in (own, other)}
    for insurer_id, contract in contracts.items():
        assert [each.id for each in policies.policies_of_insurer(insurer_id)] == [contract]


@pytest.mark.asvs("8.4.1")
def test_a_question_that_forgets_to_narrow_itself_is_narrowed_by_the_database(own: Desk) -> None:
    other = a_desk("larkmeadow", "90.00")
    db.session.commit()
    assert {sale.id for sale in oversight.sales(SaleFilter()).sales} == {own.sale_id, other.sale_id}
    with use_scope(Scope.insurer(own.insurer_id)):
        assert {sale.id for sale in oversight.sales(SaleFilter()).sales} == {own.sale_id}
        assert oversight.timeline(own.sale_id) != ()
        with pytest.raises(SaleNotFound):
            oversight.timeline(other.sale_id)
