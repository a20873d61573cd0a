"""What a confined process does with a PDF of a stranger (`infra.confinement`): judge its seal (`signing.check`).

It is given a line of JSON, `{"roots": PEM, "moment": ISO 8601 or null}`, and the file behind it.
"""

import json
from datetime import datetime
from importlib import import_module

from marketplace.infra import signing
from marketplace.infra.confinement.child import confine, given

_LATE = ("cryptography.hazmat.backends.openssl.backend",)
"""Loaded by the signing library with the first signature, which is when no file can be opened."""


def load() -> None:
    """Everything that judging a seal of ours needs; a seal of another make that needs more cannot be read."""
    for late in _LATE:
        import_module(late)


def rehearse() -> None:
    """Nothing of it is made when first used."""


def answer(_task: str) -> bytes:
    confine(files=0)
    told, _, pdf = given().partition(b"\n")
    asked = json.loads(told)
    moment = asked["moment"] and datetime.fromisoformat(asked["moment"])
    report = signing.check(pdf, asked["roots"].encode(), moment=moment)
    return json.dumps({"reason": report.reason, "known_signer": report.known_signer}).encode()
