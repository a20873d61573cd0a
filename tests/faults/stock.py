"""`python -m tests.faults.stock`: pages released, texts published, Harbour Term on sale, in the database it is told."""

from config import Settings
from marketplace.app import create_app
from marketplace.disclosure import services as disclosure
from marketplace.infra.db import Scope, db, use_scope
from marketplace.web import released
from sandbox.releasing import SPECIMEN
from tests.factories.catalog import harbour_term


def main() -> None:
    with create_app(Settings.or_exit()).app_context(), use_scope(Scope.all()):
        released.release(SPECIMEN)
        disclosure.publish_wordings()
        harbour_term()
        db.session.commit()


if __name__ == "__main__":
    main()
