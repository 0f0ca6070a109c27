"""A mail server that needs only the standard library: `python systemd_mailbox.py PORT CERTIFICATE FOLDER`.

It uses TLS from the first byte and accepts any login. It writes one file for each message: the receivers, an empty
line, and the message.
"""

from __future__ import annotations

import socketserver
import ssl
import sys
import uuid
from pathlib import Path


class Session(socketserver.StreamRequestHandler):
    """One connection."""

    def handle(self) -> None:
        receivers: list[str] = []
        self._say("220 mailbox")
        while line := self.rfile.readline().decode("ascii", "replace").strip():
            verb = line.partition(" ")[0].upper()
            if verb == "EHLO":
                self._say("250-mailbox", "250-AUTH PLAIN LOGIN", "250 8BITMIME")
            elif verb == "AUTH":
                self._say("235 ok")
            elif verb == "RCPT":
                receivers.append(line.partition("<")[2].partition(">")[0])
                self._say("250 ok")
            elif verb == "DATA":
                self._say("354 go on")
                self._keep(receivers)
                receivers = []
                self._say("250 kept")
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _keep(self, receivers: list[str]) -> None:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        path = Path(sys.argv[3]) / f"{uuid.uuid4()}.eml"
        path.write_bytes("\n".join(receivers).encode() + b"\n\n" + b"".join(lines))

    def _say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode("ascii"))


class Server(socketserver.ThreadingTCPServer):
    """Accepts connections with TLS."""

    allow_reuse_address = True

    def get_request(self):
        connection, address = super().get_request()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[2])
        return context.wrap_socket(connection, server_side=True), address


if __name__ == "__main__":
    Path(sys.argv[3]).mkdir(parents=True, exist_ok=True)
    with Server(("127.0.0.1", int(sys.argv[1])), Session) as server:
        server.serve_forever()
