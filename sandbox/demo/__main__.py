"""Fill the demonstration: `python -m sandbox.demo`, run by the supervisor with the settings of the site."""

import sys

from sqlalchemy import text

from config import Settings
from marketplace.app import create_app
from marketplace.infra.db import Scope, db, use_scope
from marketplace.payment import services as payments
from sandbox.demo import history, linking, loading
from sandbox.instance import Instance
from sandbox.releasing import release_pages

_VISITED = text("SELECT EXISTS (SELECT FROM traceability_journey WHERE attribution ->> 'log' IS NULL)")


def main() -> int:
    """Load what is missing; on a database without journeys, live the history."""
    settings = Settings.from_env()
    if not settings.demonstration:
        print("The demonstration is loaded with DEMONSTRATION=1 only.", file=sys.stderr)
        return 1
    app = create_app(settings)
    release_pages(app)
    with use_scope(Scope.all()):
        with app.app_context():
            begun = db.session.execute(_VISITED).scalar()
        if not begun:
            history.begin(app)
        with app.app_context():
            desks = loading.load(Instance.of_this_process())
            linking.link(desks)
            print(f"{len(desks)} insurers on sale")
        if not begun:
            print(f"{history.live(app)} visits of the past")
            with app.app_context():
                payments.take_movements()
                db.session.commit()
    return 0


if __name__ == "__main__":
    sys.exit(main())
