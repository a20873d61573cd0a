"""The demonstration releases its pages by itself, as two persons would."""

from flask import Flask

from marketplace.infra.db import Scope, db, use_scope
from marketplace.traceability.values import NewRelease
from marketplace.web import released

SPECIMEN = NewRelease("Mei Chen (specimen)", "Tom Weber (specimen)", "The demonstration was started.", "demonstration")


def release_pages(app: Flask) -> None:
    """Release what its pages are made of; nothing where that is the newest release already."""
    with app.app_context(), use_scope(Scope.all()):
        released.release(SPECIMEN)
        db.session.commit()
        for engine in db.engines.values():  # whoever calls may fork
            engine.dispose()
