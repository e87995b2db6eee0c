"""Raw SMTP and LMTP clients: every byte of the dialogue is the test's own.

Unlike smtplib they keep the whole reply text, send commands and data exactly as given (also bare
LF, NUL and 8-bit), and can send half a command.
"""

import os
import re
import socket


class Reply:
    """One reply, all its lines: 550 5.1.1 <x> ..."""

    def __init__(self, lines):
        self.lines = [line.decode("utf-8", "replace") for line in lines]
        self.code = int(self.lines[0][:3])
        self.text = "\n".join(line[4:] for line in self.lines)
        found = re.match(r"([245]\.\d+\.\d+)(\s|$)", self.text)
        self.enhanced = found.group(1) if found else ""

    def __repr__(self):
        return " / ".join(self.lines)


class Closed(Exception):
    """The server closed the connection where a reply was due."""


def listen(address):
    """A listening socket that everybody may connect to, at a path or (host, port)."""
    if not isinstance(address, str):
        return socket.create_server(address, backlog=50)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    os.chmod(address, 0o666)
    listener.listen(50)
    return listener


def dot_stuff(data):
    """DATA as it goes over the wire. Only CRLF begins a line: a bare LF does not."""
    if data.startswith(b"."):
        data = b"." + data
    data = data.replace(b"\r\n.", b"\r\n..")
    if data and not data.endswith(b"\r\n"):
        data += b"\r\n"
    return data + b".\r\n"


class Client:
    """address is a path (unix) or (host, port)."""

    hello_verb = "EHLO"

    def __init__(self, address, timeout_s=60, hello="client.example.test"):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        if family == socket.AF_INET and ":" in address[0]:
            family = socket.AF_INET6
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(timeout_s)
        self.socket.connect(address)
        self.pending = b""
        self.banner = self.reply()
        self.extensions = {}
        if hello:
            self.hello(hello)

    def send(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def line(self):
        while b"\r\n" not in self.pending:
            more = self.socket.recv(65536)
            if not more:
                raise Closed(repr(self.pending))
            self.pending += more
        line, self.pending = self.pending.split(b"\r\n", 1)
        return line

    def reply(self):
        lines = [self.line()]
        while lines[-1][3:4] == b"-":
            lines.append(self.line())
        return Reply(lines)

    def command(self, text):
        # In one piece: a second one over TCP would wait for the server's delayed acknowledgement.
        self.send((text if isinstance(text, bytes) else text.encode("utf-8")) + b"\r\n")
        return self.reply()

    def hello(self, name):
        reply = self.command("%s %s" % (self.hello_verb, name))
        for line in reply.text.split("\n")[1:]:
            keyword, _, value = line.partition(" ")
            self.extensions[keyword.upper()] = value
        return reply

    def mail(self, sender, *parameters):
        return self.command(" ".join(("MAIL FROM:<%s>" % sender,) + parameters))

    def rcpt(self, recipient, *parameters):
        return self.command(" ".join(("RCPT TO:<%s>" % recipient,) + parameters))

    def data(self, message, replies=1):
        """The replies after the dot, or the one that refused DATA."""
        reply = self.command("DATA")
        if reply.code != 354:
            return [reply]
        self.send(dot_stuff(message))
        return [self.reply() for _ in range(replies)]

    def quit(self):
        try:
            return self.command("QUIT")
        finally:
            self.close()

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, failure, *_):
        # Who goes without QUIT says that the last replies did not arrive; close() does that.
        try:
            if failure is None:
                self.send("QUIT\r\n")
        except OSError:
            pass
        self.close()


class Smtp(Client):
    def transaction(self, sender, recipients, message, *mail_parameters):
        """All replies in order: MAIL, every RCPT, and what came after DATA."""
        replies = [self.mail(sender, *mail_parameters)]
        replies += [self.rcpt(recipient) for recipient in recipients]
        if any(reply.code == 250 for reply in replies[1:]):
            replies += self.data(message)
        return replies


class Lmtp(Client):
    hello_verb = "LHLO"

    def deliver(self, sender, recipients, message, *mail_parameters):
        """{recipient: its reply, from RCPT or from the end of DATA}"""
        outcome = {"MAIL": self.mail(sender, *mail_parameters)}
        if outcome["MAIL"].code != 250:
            return outcome
        accepted = []
        for recipient in recipients:
            outcome[recipient] = self.rcpt(recipient)
            if outcome[recipient].code == 250:
                accepted.append(recipient)
        if accepted:
            outcome.update(zip(accepted, self.data(message, len(accepted))))
        else:
            self.command("RSET")
        return outcome


def policy_ask(address, **attributes):
    """One request to a Postfix policy service; its action, e.g. "DUNNO"."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as peer:
        peer.settimeout(30)
        peer.connect(address)
        request = {"request": "smtpd_access_policy", "protocol_state": "RCPT",
                   "protocol_name": "ESMTP", "queue_id": "", "size": "0"}
        request.update(attributes)
        lines = ["%s=%s\n" % pair for pair in request.items()]
        peer.sendall(("".join(lines) + "\n").encode())
        answer = b""
        while not answer.endswith(b"\n\n"):
            more = peer.recv(4096)
            if not more:
                raise Closed(repr(answer))
            answer += more
    text = answer.decode().strip()
    if not text.startswith("action="):
        raise AssertionError("no action: %r" % answer)
    return text[len("action="):]
