"""Accepted applications, ready to be ordered: every step of the road is taken through the services."""

from datetime import timedelta
from itertools import count
from typing import Any

from marketplace.accounts.values import Account, Insurer
from marketplace.application import queries, services
from marketplace.application.values import Acting, Application, People, Person, Relationship, Step
from marketplace.catalog.values import Line
from marketplace.disclosure import services as disclosure
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from marketplace.kernel.dates import add_years
from marketplace.quoting.values import OfferView
from marketplace.traceability.services import ensure_page_version
from tests.factories.accounts import a_guest, an_insurer
from tests.factories.application import declare, pass_entry, pass_needs, prove_identity
from tests.factories.quoting import TRAVEL_RISK, a_content, a_tariff, an_offer, publish
from tests.factories.traceability import a_journey, a_manifest

_numbers = count(1)


def an_offer_of(insurer: Insurer | None = None, amount: str = "100.00", **changes: Any) -> OfferView:
    """A live travel offer at `amount` plus six per cent tax, for a trip that starts next week. The only one on sale."""
    insurer = insurer or an_insurer(f"insurer{next(_numbers)}")
    version = publish(insurer, a_content(f"trip{next(_numbers)}"), a_tariff(amount))
    start_on = clock.today(ZONE) + timedelta(days=7)
    offer = an_offer(changes.pop("journey_id", None) or a_journey(), Line.TRAVEL, start_on=start_on, **changes)
    assert offer.version.id == version.id, "the offer of another product came first"
    return offer


def an_accepted_application(
    account: Account | None = None, offer: OfferView | None = None, locale: str = "en"
) -> Application:
    """Somebody applied for `offer`, confirmed everything, and was accepted. Commits nothing."""
    disclosure.publish_wordings()
    offer = offer or an_offer_of()
    account = account or a_guest(f"customer{next(_numbers)}@example.com")
    by = Acting(offer.need.journey_id, ensure_page_version(a_manifest("customer.application")))
    opened = services.open_application(by, offer.id, locale)
    pass_entry(by, opened.id)
    services.give_email(by, opened.id, account.email)
    services.bind_account(by, opened.id, account)
    by = Acting(by.journey_id, by.page_version_id, account.id)
    if (view := queries.application_view(opened.id)).next_step is Step.NEEDS:
        pass_needs(by, view)
    born_on = add_years(offer.need.start_on, -int(TRAVEL_RISK["age"])) - timedelta(days=30)
    services.give_people(by, opened.id, People(Person("Lin Yue", born_on), Relationship.SELF))
    prove_identity(by, opened.id)
    for wanted in queries.application_view(opened.id).documents:
        services.confirm_document(by, opened.id, wanted.document.id, wanted.document.sha256)
    view = queries.application_view(opened.id)
    if view.next_step is Step.EXCLUSIONS:
        services.confirm_exclusions(by, opened.id, view.exclusions_sha256)
    return declare(by, opened.id)
