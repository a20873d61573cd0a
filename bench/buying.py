"""Four customers who buy the same product one after the other, as `python -m bench.buying` beside a demonstration whose
settings it was told: what the evidence of one sale takes, once others have seen its pages.
"""

from datetime import date

from marketplace.infra.db import Scope, use_scope
from marketplace.traceability.jobs.referencing import make_references
from marketplace.traceability.rules.alike import NEEDED
from sandbox.demo.history import ANSWERS, Walk, buys, wait_for, worker_is_done
from sandbox.demo.visitor import Identity, Visitor
from sandbox.site import demonstration


def main() -> None:
    app = demonstration()
    with use_scope(Scope.all()):
        for number in range(NEEDED + 1):
            if number == NEEDED:
                with app.app_context():
                    make_references()
            client = app.test_client()
            client.environ_base["REMOTE_ADDR"] = f"203.0.113.{number + 1}"
            who = Identity("Specimen Buyer", date(1992, 1, 15), f"buyer{number}@mail.example")
            buys(Walk(app, Visitor(client), "term_life", ANSWERS["term_life"][0], who, place=0))
            wait_for(app, worker_is_done, "the worker")


if __name__ == "__main__":
    main()
