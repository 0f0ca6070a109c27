"""A school's proxy for tests: passes bytes on by CONNECT, or refuses."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading


class Proxy:
    """Answers CONNECT, and passes bytes on."""

    def __init__(
        self,
        answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n",
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._context = context
        self.answer, self.asked, self.heads = answer, [], []
        self._listener = socket.create_server(("localhost", 0))
        self.url = f"{'https' if context else 'http'}://localhost:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._pass_on, args=[client], daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        if self._context is not None:
            try:
                client = self._context.wrap_socket(client, server_side=True)
            except OSError:
                return
        with client, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(1)
            self.heads.append(head.decode("latin-1"))
            self.asked.append(head.split(b" ")[1].decode())
            client.sendall(self.answer)
            if b" 200 " not in self.answer:
                return
            host, _, port = self.asked[-1].rpartition(":")
            with socket.create_connection((host, int(port))) as server:
                back = threading.Thread(target=self._copy, args=[server, client], daemon=True)
                back.start()
                self._copy(client, server)
                back.join()

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._listener.close()
