"""A proxy in front of an LMTP server that falls silent where a test wants it."""

import select
import socket
import threading

import wire

BODY = "body"


class Stalling:
    """Listens at `address`, a path or (host, port), and passes everything on to the unix socket
    at `target`.

    hold: for the next connection only: how many replies of the server come through; those behind
    them stay in the server's socket, unread. Or BODY: once DATA was answered nothing of what the
    client says is read. The connection ends when the client goes.
    """

    def __init__(self, address, target):
        self.target = target
        self.hold = None
        self.accepted = 0
        self.ended = 0
        self.listener = wire.listen(address)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            client, _ = self.listener.accept()
            hold, self.hold = self.hold, None
            self.accepted += 1
            threading.Thread(target=self._serve, args=(client, hold), daemon=True).start()

    def _serve(self, client, hold):
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(self.target)
            try:
                self._pass_on(client, server, hold)
            except OSError:
                pass
        self.ended += 1

    def _pass_on(self, client, server, hold):
        replies, is_deaf = 0, False
        while True:
            is_mute = isinstance(hold, int) and replies >= hold
            # A client that goes is noticed also where it is not read.
            poller = select.poll()
            poller.register(client, select.POLLRDHUP | (0 if is_deaf else select.POLLIN))
            if not is_mute:
                poller.register(server, select.POLLIN)
            for fd, event in poller.poll():
                if fd == client.fileno() and event & ~select.POLLIN:
                    return
                if fd == client.fileno():
                    server.sendall(client.recv(65536))
                    continue
                data = server.recv(65536, socket.MSG_PEEK)
                if not data:
                    return
                size, count = self._whole(data, hold - replies if isinstance(hold, int) else None)
                client.sendall(server.recv(size))
                replies += count
                is_deaf = hold == BODY and b"\n354 " in b"\n" + data

    @staticmethod
    def _whole(data, most):
        """(bytes, replies) of the replies that are whole, `most` of them."""
        size = count = 0
        for line in data.splitlines(keepends=True):
            size += len(line)
            if line.endswith(b"\n") and line[3:4] == b" ":
                count += 1
                if count == most:
                    break
        return size, count
