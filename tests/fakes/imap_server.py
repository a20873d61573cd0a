"""A mailbox on this machine that speaks as much IMAP (RFC 9051) over TLS as reading and putting away needs."""

import re
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PASSWORD = "right"


@dataclass
class Folder:
    """Mails by their UID, and the flags of each; what was asked, in order."""

    host: str = "127.0.0.1"
    port: int = 0
    mails: dict[int, bytes] = field(default_factory=dict)
    flags: dict[int, set[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    refuses: str = ""
    """The command that is answered with NO."""

    def put(self, mail: bytes) -> None:
        uid = max(self.flags, default=0) + 1
        self.mails[uid], self.flags[uid] = mail, set()


class _Conversation(socketserver.StreamRequestHandler):
    server: "_Server"

    def handle(self) -> None:
        self._say(b"* OK ready")
        for line in self.rfile:
            tag, _, words = line.decode().strip().partition(" ")
            name = words.upper().removeprefix("UID ").partition(" ")[0]
            self.server.folder.asked.append(words)
            if name == self.server.folder.refuses:
                self._say(f"{tag} NO not now".encode())
                continue
            if name == "LOGIN" and f'"{PASSWORD}"' not in words:
                self._say(f"{tag} NO wrong".encode())
                continue
            getattr(self, f"_{name.lower()}", lambda _words: None)(words)
            self._say(f"{tag} OK done".encode())
            if name == "LOGOUT":
                return

    def _say(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")

    def _capability(self, _words: str) -> None:
        self._say(b"* CAPABILITY IMAP4rev1")

    def _select(self, _words: str) -> None:
        self._say(f"* {len(self.server.folder.mails)} EXISTS".encode())

    def _search(self, _words: str) -> None:
        folder = self.server.folder
        unread = [str(uid) for uid in sorted(folder.mails) if not folder.flags[uid] & {r"\Seen", r"\Deleted"}]
        self._say(f"* SEARCH {' '.join(unread)}".rstrip().encode())

    def _fetch(self, words: str) -> None:
        uid = int(words.split()[2])
        mail = self.server.folder.mails[uid]
        if "RFC822.SIZE" in words:
            self._say(f"* 1 FETCH (UID {uid} RFC822.SIZE {len(mail)})".encode())
        else:
            self.wfile.write(f"* 1 FETCH (UID {uid} BODY[] {{{len(mail)}}}\r\n".encode() + mail + b")\r\n")

    def _store(self, words: str) -> None:
        self.server.folder.flags[int(words.split()[2])].update(re.findall(r"\\\w+", words))

    def _close(self, _words: str) -> None:
        folder = self.server.folder
        folder.mails = {uid: mail for uid, mail in folder.mails.items() if r"\Deleted" not in folder.flags[uid]}


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, folder: Folder, certificate: Path) -> None:
        self.folder = folder
        super().__init__((folder.host, folder.port), _Conversation)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.socket = context.wrap_socket(self.socket, server_side=True)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that does not trust us leaves in the middle of a word."""


@contextmanager
def imap_server(certificate: Path) -> Iterator[Folder]:
    """An empty mailbox under that certificate and its key."""
    folder = Folder()
    with _Server(folder, certificate) as server:
        folder.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield folder
        finally:
            server.shutdown()
            thread.join()
