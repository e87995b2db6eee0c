"""A proxy in front of an LMTP server that loses replies on demand: for tests of what a client does
that has not heard how its message fared."""

import re
import socket
import threading

import wire


class Lossy:
    """Listens at `address`, a path or (host, port), and passes everything on to the unix socket
    at `target`.

    lose: None, or how the next connections end once a message's last dot (or BDAT LAST with all
    its octets) has come by:
      "closed"  what follows the dot (Postfix sends QUIT along) is held back, the replies are read
                and thrown away, and both connections are closed
      "reset"   all is passed on, and both connections end before the replies are read
    """

    def __init__(self, address, target):
        self.target = target
        self.lose = None
        self.lost = 0
        self.listener = wire.listen(address)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.target)
            state = {"lose": self.lose, "is_lost": threading.Event()}
            for work in (self._to_server, self._to_client):
                threading.Thread(target=work, args=(client, server, state), daemon=True).start()

    def _to_server(self, client, server, state):
        seen = b""
        while True:
            data = client.recv(65536)
            if not data:
                # What the client leaves unsaid stays unsaid.
                server.close() if state["is_lost"].is_set() else self._shut(server)
                return
            seen = (seen + data)[-100000:]
            end = self._end_of_message(seen)
            if state["lose"] is None or not end:
                server.sendall(data)
                continue
            behind = len(seen) - end
            state["is_lost"].set()
            server.sendall(data if state["lose"] == "reset" else data[:len(data) - behind])
            return

    @staticmethod
    def _end_of_message(seen):
        """Where the first message ends, or 0: not yet."""
        chunk = re.search(rb"BDAT (\d+) LAST\r\n", seen)
        if chunk:
            end = chunk.end() + int(chunk.group(1))
            return end if end <= len(seen) else 0
        return seen.find(b"\r\n.\r\n") + 5 if b"\r\n.\r\n" in seen else 0

    def _to_client(self, client, server, state):
        while True:
            # At "reset" not a byte of the last replies is taken from the server's socket.
            flags = socket.MSG_PEEK if state["lose"] == "reset" else 0
            data = server.recv(65536, flags)
            if state["is_lost"].is_set():
                self.lost += 1
                server.close()
                client.close()
                return
            if flags:
                server.recv(len(data))
            if not data:
                self._shut(client)
                return
            client.sendall(data)

    @staticmethod
    def _shut(end):
        try:
            end.shutdown(socket.SHUT_WR)
        except OSError:
            pass
