"""What an application refuses, in words for the person it refuses."""

from marketplace.application.values.words import Step
from marketplace.kernel.errors import Conflict, NotFound, Refused


class ApplicationNotFound(NotFound):
    """There is no such application, or it is not yours."""

    code = "application:not-found"


class OwnerSignedOut(ApplicationNotFound):
    """This application was begun in this browser, and a mail address was proven in it. If it is yours, please prove the
    address once more to go on.
    """

    code = "application:owner-signed-out"


class StepNotReached(Conflict):
    """An earlier step of this application is not done yet."""

    code = "application:step-not-reached"

    def __init__(self, step: Step) -> None:
        super().__init__(f"go on with the step '{step}'")
        self.step = step


class AlreadySubmitted(Conflict):
    """This application has been submitted and cannot be changed any more."""

    code = "application:already-submitted"


class ApplicationLapsed(Conflict):
    """This application has lapsed. Please compare again."""

    code = "application:lapsed"


class ToldChanged(Conflict):
    """What you told us was changed in another window since you opened the page. Please check it again."""

    code = "application:told-changed"


class DeclarationOutdated(Conflict):
    """What was declared names another insurer than the contract would be concluded with now."""

    code = "application:declaration-outdated"


class TextChanged(Conflict):
    """What you confirmed is not the text that applies now. Please read it again."""

    code = "application:text-changed"


class IdentityNotProven(Conflict):
    """Who the applicant is has not been proven, so nothing can be paid and no contract concluded."""

    code = "application:identity-not-proven"


class NoHealthConsent(Conflict):
    """There is no consent that could be withdrawn: none was given, or it was withdrawn already."""

    code = "application:no-health-consent"


class DocumentNotOpened(Conflict):
    """Please open the document and read it before you confirm it."""

    code = "application:document-not-opened"


class DocumentNotAsked(NotFound):
    """This document is not among those of this application."""

    code = "application:document-not-asked"


class AgeDiffers(Refused):
    """The age at the start of cover is not the age the price was calculated for."""

    code = "application:age-differs"

    def __init__(self, rated_age: int, actual_age: int) -> None:
        super().__init__(f"the price is for age {rated_age}, the insured person will be {actual_age}")
        self.rated_age, self.actual_age = rated_age, actual_age


class SexDiffers(Refused):
    """The price was calculated for a person of the other sex."""

    code = "application:sex-differs"


class ApplicantNotAdult(Refused):
    """Only a person of 18 years or more can apply."""

    code = "application:applicant-not-adult"


class ChildCoverTooHigh(Refused):
    """With the other insurance on this child's life, more would be paid on its death than the law lets be paid."""

    code = "application:child-cover-too-high"

    def __init__(self, most: int) -> None:
        super().__init__(f"at most {most} yuan from all insurers together")
        self.most = most


class MinorNotInsurable(Refused):
    """Only parents can insure a minor with cover that pays on death."""

    code = "application:minor-not-insurable"


class InsuredNotConsenting(Conflict):
    """The person insured has not agreed to this cover and its sum, so nothing can be paid and no contract concluded."""

    code = "application:insured-not-consenting"


class ConsentLinkEnded(NotFound):
    """This link works no more: it was answered, a newer one was sent, or what it asks has changed."""

    code = "application:consent-link-ended"


class NotTheInsured(Refused):
    """The applicant cannot agree for the person insured."""

    code = "application:not-the-insured"


class NoNewOffer(Refused):
    """This product cannot be offered for the changed details."""

    code = "application:no-new-offer"


class NotACustomer(Refused):
    """Only customers apply. Staff can look at an application but never act in it."""

    code = "application:not-a-customer"


class ContractKept(Refused):
    """A contract was made of this application, and its records must be kept."""

    code = "application:contract-kept"


class NotReferred(Conflict):
    """This application does not wait for a decision: somebody decided meanwhile, or it came to its end."""

    code = "application:not-referred"


class NoCounterOffer(Conflict):
    """There is no offer on other terms to be answered, or not any more."""

    code = "application:no-counter-offer"


class NothingToPay(Conflict):
    """This application cannot be paid: it has not been accepted, or not any more."""

    code = "application:nothing-to-pay"
