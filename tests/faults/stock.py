"""`python -m tests.faults.stock`: pages released, texts published, Harbour Term on sale, its insurer with terms and an
account at the provider, somebody at the refund desk, in the database it is told.
"""

from config import Settings
from marketplace.accounts.values import Role
from marketplace.app import create_app
from marketplace.disclosure import services as disclosure
from marketplace.infra.db import Scope, use_scope
from marketplace.web import released
from sandbox.releasing import SPECIMEN
from tests.factories.accounts import a_member_of_staff, agreed_terms, an_insurer
from tests.factories.catalog import harbour_term
from tests.factories.payment import payable


def main() -> None:
    with create_app(Settings.or_exit()).app_context(), use_scope(Scope.all()):
        released.release(SPECIMEN)
        disclosure.publish_wordings()
        insurer = an_insurer()
        agreed_terms(insurer, "term_life")
        harbour_term(insurer)
        a_member_of_staff(Role.ADMIN_FINANCE)
        payable(insurer)


if __name__ == "__main__":
    main()
