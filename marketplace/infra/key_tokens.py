"""Keys that never leave the thing that holds them: PKCS #11 (OASIS, 2.40), as hardware security modules speak it.

Where `<code>.token` lies beside a certificate instead of `<code>.key`, the seal's key is there. It is TOML:

    module = "/usr/lib/softhsm/libsofthsm2.so"   # the library of its maker
    token = "seals"                              # the label of the token
    key = "harbour"                              # the label of the private key
    pin_file = "harbour.pin"                     # beside this file; readable by its owner only
"""

import threading
import tomllib
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from pkcs11 import Mechanism, ObjectClass, lib
from pkcs11.exceptions import PinIncorrect, PKCS11Error
from pkcs11.util.ec import encode_ecdsa_signature
from pydantic import BaseModel, ConfigDict, ValidationError

from marketplace.kernel.errors import Unavailable


class TokenUnavailable(Unavailable):
    """The token does not answer, or does not let us in: it may later."""

    code = "seal:token-unavailable"


class TokenSettings(BaseModel):
    """What a `.token` file says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    module: str
    token: str
    key: str
    pin_file: str

    @classmethod
    def read(cls, path: Path) -> "TokenSettings":
        """Raises ValueError naming what is wrong, or OSError."""
        try:
            return cls.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        except ValidationError as error:
            names = ", ".join(str(fault["loc"][0]) for fault in error.errors())
            raise ValueError(f"{path.name}: {names} is missing, unknown or no text") from None


class TokenKey:
    """Signs with ECDSA over SHA-256."""

    def __init__(self, settings: TokenSettings, pin: str) -> None:
        self._settings, self._pin = settings, pin

    def sign(self, data: bytes) -> bytes:
        """A signature, DER. Raises TokenUnavailable; the token is opened anew by the next call then."""
        open_ = _open(self._settings.module, self._settings.token)
        with _lock(self._settings.module):
            try:
                raw = open_.key(self._settings.key, self._pin).sign(sha256(data).digest(), mechanism=Mechanism.ECDSA)
            except (PKCS11Error, RuntimeError) as error:  # RuntimeError: the library is not there
                open_.leave(wrong=self._pin if isinstance(error, PinIncorrect) else None)
                raise TokenUnavailable(f"token {self._settings.token}: {type(error).__name__}") from error
        return bytes(encode_ecdsa_signature(raw))


class _OpenToken:
    """A process logs in to a token once, whatever number of keys it has there. A PIN that was wrong is not tried again:
    a few such tries, and the token is locked for good.
    """

    def __init__(self, module: str, label: str) -> None:
        self._module, self._label = module, label
        self._wrong: set[str] = set()
        self._session: Any = None
        self._keys: dict[str, Any] = {}

    def key(self, label: str, pin: str) -> Any:
        if pin in self._wrong:
            raise PinIncorrect
        if self._session is None:
            self._session = lib(self._module).get_token(token_label=self._label).open(user_pin=pin)
        if label not in self._keys:
            self._keys[label] = self._session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=label)
        return self._keys[label]

    def leave(self, wrong: str | None = None) -> None:
        """Whatever is left of the session is closed; keys are good as long as it is open."""
        if wrong is not None:
            self._wrong.add(wrong)
        with suppress(PKCS11Error):
            if self._session is not None:
                self._session.close()
        self._session = None
        self._keys.clear()


@cache
def _lock(_module: str) -> threading.Lock:
    """The library of a maker is not told that we have threads, so one of them is in it at a time."""
    return threading.Lock()


@cache
def _open(module: str, label: str) -> _OpenToken:
    return _OpenToken(module, label)
