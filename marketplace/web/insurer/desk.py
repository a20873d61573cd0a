"""Whose desk this is."""

from uuid import UUID

from flask import abort

from marketplace.web import access


def own_insurer_id() -> UUID:
    """The insurer of the signed-in member of staff: every question of this desk is narrowed to it."""
    insurer_id = access.here().insurer_id
    if insurer_id is None:
        abort(403)
    return insurer_id
