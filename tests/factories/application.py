"""Applications at any step of the road, made by the services in their order."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from uuid import UUID

from marketplace.accounts.values import Account
from marketplace.application import queries, services
from marketplace.application.values import (
    Acting,
    Application,
    ApplicationView,
    Circumstance,
    IdentityCheck,
    People,
    Person,
    Relationship,
    Step,
)
from marketplace.disclosure import queries as disclosure
from marketplace.disclosure.services import publish_wordings
from marketplace.disclosure.values import WordingKey
from marketplace.infra.identity.demonstration import specimen_number
from marketplace.kernel.identity import DocumentKind, IdentityDocument
from marketplace.quoting.values import OfferView
from marketplace.traceability.services import ensure_page_version
from tests.factories.accounts import a_guest
from tests.factories.traceability import a_manifest

LIN_YUE = People(Person("林月", date(1992, 3, 4)), Relationship.SELF)
"""34 years old on the first day of cover, as the usual risks are rated."""


def acting_in(journey_id: UUID, page: str = "customer.application") -> Acting:
    """A visitor in this journey, in front of a page that was served."""
    return Acting(journey_id, ensure_page_version(a_manifest(page)))


def an_application(offer: OfferView, upto: Step = Step.ENTRY, **given: object) -> tuple[Acting, Application]:
    """An application whose next step is `upto`, and who acts in it. `given`: account, people, answers, locale."""
    publish_wordings()
    by = acting_in(offer.need.journey_id)
    application = services.open_application(by, offer.id, str(given.get("locale", "en")))
    for step in Step:
        if step is upto or (view := queries.application_view(application.id)).next_step is upto:
            break
        if step is view.next_step:
            by = do_step(by, view, step, given)
    return by, queries.application(application.id)


def declare(by: Acting, application_id: UUID) -> Application:
    """Submit what the review page shows now."""
    return services.submit(by, application_id, queries.application_view(application_id).told_sha256)


def prove_identity(by: Acting, application_id: UUID) -> IdentityCheck:
    """Show a card of the applicant told."""
    people = queries.application(application_id).people
    assert people is not None
    return services.prove_identity(by, application_id, a_card_of(people.applicant))


def a_card_of(person: Person) -> IdentityDocument:
    """A card that fits somebody and that nobody has."""
    number = specimen_number(person.birth_on, person.sex or "female")
    return IdentityDocument(DocumentKind.RESIDENT_CARD, person.name, number)


def pass_entry(by: Acting, application_id: UUID) -> None:
    """Confirm what the entry page shows: the prompt and the two notices, each by itself."""
    shown = disclosure.wordings((WordingKey.PRIVACY_NOTICE, WordingKey.CLIENT_NOTICE), "en")
    services.acknowledge_entry(by, application_id)
    services.acknowledge_privacy_notice(by, application_id, shown[WordingKey.PRIVACY_NOTICE].sha256)
    services.acknowledge_client_notice(by, application_id, shown[WordingKey.CLIENT_NOTICE].sha256)


def pass_needs(by: Acting, view: ApplicationView) -> None:
    """Tell that it suits; where something speaks against it all the same, go on of one's own will."""
    told = {name: name is Circumstance.MEANT_FOR_ME for name in view.circumstances_asked}
    if told:
        services.tell_circumstances(by, view.application.id, told)
    if (now := queries.application_view(view.application.id)).misfits:
        services.go_on_against(by, view.application.id, now.misfits_sha256)


def answer(by: Acting, view: ApplicationView, yes: object) -> None:
    """Read the notice, consent where it is asked, and answer no to everything but `yes`."""
    assert isinstance(yes, tuple)
    services.acknowledge_health_notice(by, view.application.id)
    if view.consent_missing:
        consent_to_use_of_answers(by, view.application.id)
    answers = {each.question.id: each.question.id in yes for each in view.questions}
    services.give_answers(by, view.application.id, answers)


def consent_to_use_of_answers(by: Acting, application_id: UUID) -> Application:
    """Consent to the text that the page of questions shows."""
    shown = disclosure.wording(WordingKey.HEALTH_CONSENT, "en")
    return services.give_health_consent(by, application_id, shown.sha256)


def do_step(by: Acting, view: ApplicationView, step: Step, given: dict[str, object]) -> Acting:
    """Do one step as its page would. Returns who acts from then on."""
    id_ = view.application.id
    plain: dict[Step, Callable[[], object]] = {
        Step.ENTRY: lambda: pass_entry(by, id_),
        Step.EMAIL: lambda: services.give_email(by, id_, "guest@example.com"),
        Step.NEEDS: lambda: pass_needs(by, view),
        Step.IDENTITY: lambda: prove_identity(by, id_),
        Step.QUESTIONS: lambda: answer(by, view, given.get("yes", ())),
        Step.EXCLUSIONS: lambda: services.confirm_exclusions(by, id_, view.exclusions_sha256),
        Step.REVIEW: lambda: declare(by, id_),
    }
    match step:
        case Step.CODE:
            account = given.get("account") or a_guest()
            assert isinstance(account, Account)
            services.bind_account(by, id_, account)
            return replace(by, account_id=account.id)
        case Step.PEOPLE:
            people = given.get("people", LIN_YUE)
            assert isinstance(people, People)
            services.give_people(by, id_, people)
        case Step.DOCUMENTS:
            for each in view.documents:
                services.confirm_document(by, id_, each.document.id, each.document.sha256)
        case _:
            plain[step]()
    return by
