"""Refuse what somebody typed, in words: the rules name the fault, this says it."""

from datetime import date

from marketplace.accounts import rules
from marketplace.accounts.rules import insurers as party_rules
from marketplace.accounts.rules import practitioners as practitioner_rules
from marketplace.accounts.values import (
    PAYEE_COUNTRIES,
    Fault,
    NewFact,
    NewInsurer,
    NewPractitioner,
    NewStaff,
    NewTerm,
)
from marketplace.infra.formatting import gettext as _
from marketplace.kernel.errors import Invalid


def address(email: str) -> str:
    """The one spelling of a mail address. Raises Invalid(email)."""
    spelled = rules.spelled(email)
    if spelled is None:
        raise Invalid({"email": words(Fault.NO_ADDRESS)})
    return spelled


def person_name(name: str) -> str:
    """The name without outer blanks. Raises Invalid(name)."""
    if fault := rules.name_fault(name):
        raise Invalid({"name": words(fault)})
    return name.strip()


def new_password(password: str, email: str, name: str) -> None:
    """Raises Invalid(password) for a password that is too easy to guess."""
    if fault := rules.password_fault(password, email, name):
        raise Invalid({"password": words(fault)})


def insurer(new: NewInsurer) -> None:
    """Raises Invalid(code, colour, mark)."""
    _refuse(rules.insurer_faults(new))


def staff(new: NewStaff) -> None:
    """Raises Invalid(role or insurer_id)."""
    _refuse(rules.staff_faults(new))


def reason(given: str) -> str:
    """The reason without outer blanks. Raises Invalid(reason)."""
    if not given.strip():
        raise Invalid({"reason": words(Fault.REASON_MISSING)})
    return given.strip()


def fact(new: NewFact, today: date) -> None:
    """Raises Invalid(figure, words, source, as_of)."""
    _refuse(party_rules.fact_faults(new, today))


def papers(given: tuple[tuple[str, bytes], ...]) -> None:
    """Raises Invalid(licence)."""
    _refuse(party_rules.paper_faults(given))


def term(new: NewTerm, today: date) -> None:
    """Raises Invalid(basis_points, effective_from)."""
    _refuse(party_rules.term_faults(new, today))


def payee_country(country: str) -> None:
    """Raises Invalid(country)."""
    if country not in PAYEE_COUNTRIES:
        raise Invalid({"country": words(Fault.PAYEE_COUNTRY)})


def api_key(name: str, days: int) -> None:
    """Raises Invalid(name, days)."""
    _refuse(party_rules.key_faults(name, days))


def practitioner(new: NewPractitioner, today: date) -> None:
    """Raises Invalid(certificate_no, lines, valid_to)."""
    _refuse(practitioner_rules.practitioner_faults(new, today))


def _refuse(faults: dict[str, Fault]) -> None:
    if faults:
        raise Invalid({field: words(fault) for field, fault in faults.items()})


def words(fault: Fault) -> str:
    """What a person is told."""
    return {
        Fault.NO_ADDRESS: _("Please enter an e-mail address such as name@example.com."),
        Fault.NAME_MISSING: _("Please enter your name."),
        Fault.NAME_UNFIT: _(
            "Please enter a name of at most %(most)s letters, without a web address or signs such as @ and /.",
            most=rules.LONGEST_NAME,
        ),
        Fault.PASSWORD_SHORT: _(
            "Please use at least %(least)s characters; three or four words do well.", least=rules.SHORTEST_PASSWORD
        ),
        Fault.PASSWORD_LONG: _("Please use at most %(most)s characters.", most=rules.LONGEST_PASSWORD),
        Fault.PASSWORD_REPEATS: _("This password repeats the same few characters. Please choose another."),
        Fault.PASSWORD_COMMON: _("This is one of the first passwords that others would guess. Please choose another."),
        Fault.PASSWORD_PERSONAL: _("This password is made of your name or address. Please choose another."),
        Fault.INSURER_CODE: _("A code has 2 to 40 small letters, digits and hyphens."),
        Fault.INSURER_COLOUR: _("A colour is written #rrggbb in small letters."),
        Fault.INSURER_MARK: _("A mark has one or two characters."),
        Fault.ROLE_OF_CUSTOMER: _("Customers open their accounts themselves."),
        Fault.INSURER_OF_STAFF: _("Staff of an insurer, and nobody else, belong to an insurer."),
        Fault.FACT_FIGURE: _("This figure is not one that can be."),
        Fault.FACT_WORDS: _("Please give words for this, and a figure for what is a figure; not both."),
        Fault.FACT_SOURCE: _("Please say where this stands."),
        Fault.FACT_AHEAD: _("This day has not come yet."),
        Fault.REASON_MISSING: _("Please give the reason."),
        Fault.KEY_NAME: _("Please give the key a name by which you know it again."),
        Fault.ROLE_OF_OTHERS: _("Only staff of an insurer are invited here."),
        Fault.PAPERS_MISSING: _("Please attach the licence as a PDF."),
        Fault.PAPERS_UNFIT: _("Please attach PDF files of at most 3 MB each."),
        Fault.TERM_SHARE: _("A commission has 0 to 10,000 basis points."),
        Fault.TERM_PAST: _("Terms begin today or later."),
        Fault.PAYEE_COUNTRY: _("Please choose the country of the bank account."),
        Fault.CERTIFICATE_NUMBER: _(
            "Please enter the number of the certificate: 6 to 40 digits, capital letters and hyphens."
        ),
        Fault.CERTIFICATE_SCOPE: _("Please tick what the certificate covers."),
        Fault.CERTIFICATE_DAYS: _("Please enter the last day of the certificate: not past, and within ten years."),
        Fault.CODE_TAKEN: _("There is an insurer with this code already."),
        Fault.KEY_DAYS: _("A key works for 1 to 365 days."),
    }[fault]
