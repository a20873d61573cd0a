"""The least browser: one kept connection, a request written at once, an answer read to its end.

It does nothing else, so that its own time, which counts on both sides of a ratio, hides nothing.
"""

import socket
from types import TracebackType
from typing import Self

_CHUNK = 65_536


class Connection:
    """HTTP/1.1 with keep-alive to a port on loopback; `public_port` where the server knows itself by another."""

    def __init__(self, port: int, cookie: str = "", public_port: int | None = None) -> None:
        self._port = port
        lines = [f"Host: localhost:{public_port or port}", "Accept-Language: en", "Accept: text/html"]
        self._headers = "\r\n".join([*lines, *([f"Cookie: {cookie}"] if cookie else []), "", ""])
        self._socket = self._connect()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def get(self, path: str) -> bytes:
        """The body of the answer. Raises RuntimeError for anything but a page."""
        request = f"GET {path} HTTP/1.1\r\n{self._headers}".encode()
        try:
            return self._ask(request)
        except ConnectionError:  # the server ends a connection that was idle for some seconds
            self._socket.close()
            self._socket = self._connect()
            return self._ask(request)

    def _connect(self) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self._port), timeout=10)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def _ask(self, request: bytes) -> bytes:
        self._socket.sendall(request)
        answer = b""
        while (end := answer.find(b"\r\n\r\n")) < 0:
            answer += self._more()
        head, body = answer[:end], answer[end + 4 :]
        if not head.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(head.decode(errors="replace"))
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += self._more()
        return body

    def _more(self) -> bytes:
        more = self._socket.recv(_CHUNK)
        if not more:
            raise ConnectionResetError
        return more
