"""A pytest plugin (`-p tests.compliance.switched_off`): the safeguard that SWITCHED_OFF names is not there.

The line that keeps a requirement is replaced while its module is read. Nothing of the marketplace may be read before,
so this file imports none of it.
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType

SETTING = "SWITCHED_OFF"
_APPLICATION = "marketplace.application.services"
_QUERIES = "marketplace.application.queries"


@dataclass(frozen=True, slots=True)
class Safeguard:
    """`kept` is there once in `module` and keeps the requirement; `without` stands in its place where it is switched
    off, and then `test` must fail. A requirement may have several.
    """

    requirement: str
    module: str
    kept: str
    without: str
    test: str

    @property
    def name(self) -> str:
        """Where it is switched off: of one requirement there is one in a module."""
        return f"{self.requirement} in {self.module.removeprefix('marketplace.')}"


SAFEGUARDS = (
    Safeguard(
        "T26-09", f"{_APPLICATION}.gate", "if not rules.is_reached(step, view.next_step):", "if False:",
        "tests/integration/application/test_road.py::test_no_later_step_can_be_done_and_nothing_is_written",
    ),
    Safeguard(
        "T26-14", f"{_APPLICATION}.confirming", "if document.sha256 != sha256:", "if False:",
        "tests/integration/application/test_road.py::test_a_document_is_confirmed_by_the_hash_of_what_was_read",
    ),
    Safeguard(
        "T26-15", f"{_APPLICATION}.confirming", "if visit.view.exclusions_sha256 != sha256:", "if False:",
        "tests/integration/application/test_road.py::test_exclusions_are_confirmed_by_the_hash_of_their_words",
    ),
    Safeguard(
        "T26-18", f"{_APPLICATION}.telling", "or not view.notice_acknowledged", "",
        "tests/integration/application/test_telling.py::test_no_answer_before_the_consequences_are_acknowledged",
    ),
    Safeguard(
        "T26-19", "marketplace.catalog.values.profiles", "if any(words in said for words in _CATCH_ALL):", "if False:",
        "tests/unit/listing/test_findings.py::test_a_question_says_exactly_what_it_asks",
    ),
    Safeguard(
        "T26-22", "marketplace.application.rules", "(Step.CONSENT, not progress.insured_consent_missing),", "",
        "tests/integration/application/test_insured_consent.py::test_without_it_nothing_is_declared_paid_or_concluded",
    ),
    Safeguard(
        "T26-23", f"{_APPLICATION}.confirming", "if not asked.opened:", "if False:",
        "tests/web/test_opened_documents.py::test_a_file_is_confirmed_only_after_it_was_opened",
    ),
    Safeguard(
        "T26-25", f"{_APPLICATION}.opening", "if account.role is not Role.CUSTOMER:", "if False:",
        "tests/integration/application/test_road.py::test_staff_cannot_become_the_applicant",
    ),
    Safeguard(
        "T26-26", "marketplace.web.tracing", "if seen is None or seen.online_id not in {None, version_id}:\n"
        "        return False\n", "return True\n",
        "tests/web/test_page_versions.py::"
        "test_a_form_from_a_page_that_has_changed_enters_nothing_and_is_shown_the_present_page",
    ),
    Safeguard(
        "T26-27", "marketplace.application.rules", " and each.person == person", "",
        "tests/integration/application/test_identity.py::test_of_another_person_nothing_is_proven",
    ),
    Safeguard(
        "T26-09", f"{_QUERIES}", "    if row.state != State.ACCEPTED:\n        raise NothingToPay\n", "",
        "tests/integration/application/test_referring.py::"
        "test_what_is_referred_is_paid_once_it_was_accepted_and_not_before",
    ),
    Safeguard(
        "T26-22", f"{_QUERIES}.proofs", "    if proofs.consent_missing:\n        raise InsuredNotConsenting\n", "",
        "tests/integration/application/test_insured_consent.py::test_without_it_nothing_is_declared_paid_or_concluded",
    ),
    Safeguard(
        "T26-22", f"{_APPLICATION}.consenting",
        "by.account_id is not None and by.account_id == row.account_id", "False",
        "tests/web/test_insured_consent_page.py::test_the_applicant_cannot_agree_in_the_same_browser",
    ),
    Safeguard(
        "T26-26", f"{_QUERIES}.proofs", "    if told_sha256(row, offer) not in db.session.scalars(declared).all():\n"
        "        raise DeclarationOutdated\n", "",
        "tests/web/test_swapping.py::test_another_name_of_the_insurer_is_declared_anew",
    ),
    Safeguard(
        "T26-27", f"{_QUERIES}.proofs", "    if proofs.identity_missing:\n        raise IdentityNotProven\n", "",
        "tests/integration/application/test_identity.py::test_without_it_nothing_is_paid_and_nothing_concluded",
    ),
    Safeguard(
        "N108-02", "marketplace.accounts.queries.practitioners", "if each.may_answer(line, today):", "if True:",
        "tests/integration/consultation/test_conversations.py::test_nobody_answers_without_a_valid_certificate",
    ),
    Safeguard(
        "T26-33", "marketplace.web.tracing",
        "return make_response(error_pages.page(error_pages.status_of(error)))", "return response",
        "tests/web/test_fail_closed.py::test_no_sales_page_is_shown_and_no_payment_begun_without_the_trail",
    ),
    Safeguard(
        "O13-07", "marketplace.catalog.values.profiles", "    yield from _identity(content)\n", "",
        "tests/integration/catalog/test_publishing.py::test_what_the_profile_demands_is_demanded_again_at_the_end",
    ),
    Safeguard(
        "O13-43", "marketplace.payment.rules.settling", "return limit < amount", "return False",
        "tests/web/test_refund_desk.py::test_above_the_limit_a_second_person_agrees",
    ),
    Safeguard(
        "PER-08", "marketplace.catalog.values.profiles", "LONG_TERM_COOLING_OFF_DAYS = 15",
        "LONG_TERM_COOLING_OFF_DAYS = 14",
        "tests/unit/listing/test_findings.py::test_fourteen_days_of_cooling_off_are_too_few",
    ),
    Safeguard(
        "EU-03", "marketplace.quoting.rules.pricing", "Rankable(offer.version.content.code, offer.total, met)",
        "Rankable(offer.version.content.code, offer.total, met + int(offer.version.content.commission.value))",
        "tests/unit/quoting/test_pricing.py::test_changing_every_commission_leaves_the_order_as_it_is",
    ),
)  # fmt: skip


class _Without(SourceFileLoader):
    """Reads the module as if the safeguard had never been written."""

    safeguard: Safeguard

    def get_code(self, fullname: str) -> CodeType:
        source = self.get_data(self.path).decode()
        if source.count(self.safeguard.kept) != 1:
            raise ValueError(f"{fullname} does not have its safeguard once: {self.safeguard.kept}")
        return compile(source.replace(self.safeguard.kept, self.safeguard.without), self.path, "exec")


@dataclass(frozen=True, slots=True)
class _Finder(MetaPathFinder):
    safeguard: Safeguard

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self.safeguard.module:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        assert spec
        assert spec.origin
        loader = _Without(fullname, spec.origin)
        loader.safeguard = self.safeguard
        spec.loader = loader
        return spec


def _switch_off(name: str) -> None:
    (safeguard,) = (each for each in SAFEGUARDS if each.name == name)
    assert safeguard.module not in sys.modules
    sys.meta_path.insert(0, _Finder(safeguard))


if SETTING in os.environ:  # as a plugin, which pytest reads before all else
    _switch_off(os.environ[SETTING])
