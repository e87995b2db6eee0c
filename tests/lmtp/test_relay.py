#!/usr/bin/env python3
# lab: none
"""Mail that is handed on to another LMTP server: one bridge in front of another."""

import os
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
import bridge as bridges
import tap

HELLO = b"Subject: hi\r\n\r\nhello\r\n.dot\r\n..two\r\n\xe4\x00 bytes\r\n"

behind = bridges.Bridge(globals='recipient_delimiter = "+"', quota='rule "*" { messages = "2" }  grace = "0"')
spare = bridges.Bridge()
front = bridges.Bridge()
hurried = bridges.Bridge(globals='delivery_timeout = "20s"')
MUTE = ["mute%d" % number for number in range(4)]
DEAF = ["deaf0", "deaf1"]
MANY = ["many%d" % number for number in range(40)]


def account(name, places):
    return "%s userdb_mail=lmtp:%s" % (name, places)


class Mute:
    """A server that takes some recipients and then says nothing more to anybody."""

    def __init__(self, rcpt_count):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.rcpt_left = rcpt_count
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            connection = self.socket.accept()[0]
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        with connection, connection.makefile("rwb", buffering=0) as stream:
            line = b"hello"
            while line:
                if self.rcpt_left or line.upper().startswith(b"RSET"):
                    stream.write(b"220 mute\r\n" if line == b"hello" else b"250 2.0.0 OK\r\n")
                    self.rcpt_left -= line.upper().startswith(b"RCPT")
                line = stream.readline()


class Deaf(Mute):
    """One that takes recipients and text, and says nothing behind the dot."""

    def _talk(self, connection):
        with connection, connection.makefile("rwb", buffering=0) as stream:
            stream.write(b"220 deaf\r\n")
            for line in stream:
                stream.write(b"354 go on\r\n" if line.upper() == b"DATA\r\n" else b"250 2.0.0 OK\r\n")
                while line.upper() == b"DATA\r\n" and stream.readline():
                    pass


def open_to_all(bridge):
    bridge.start()
    os.chmod(bridge.unix, 0o666)


@tap.setup
def start():
    behind.set_users(count=5, more=["u9 delivery=no"] + [name + " delivery=yes" for name in MANY])
    open_to_all(behind)
    spare.set_users(count=5)
    open_to_all(spare)
    down = "unix:%s/nobody" % front.directory
    front.set_users(count=0, more=[
        account("u%d" % number, "unix:" + behind.unix) for number in (0, 1, 2, 7, 9)] + [
            account("u3", "inet:127.0.0.1:%d" % behind.port),
            account("u4", "%s,unix:%s" % (down, spare.unix)),
            account("gone", down)] + [account(name, "unix:" + behind.unix) for name in MANY])
    front.start()
    servers = [(Mute(len(MUTE)), MUTE), (Deaf(0), DEAF)]
    hurried.set_users(count=1, more=[account(name, "inet:127.0.0.1:%d" % server.port)
                                     for server, names in servers for name in names])
    hurried.start()


@tap.case("handed on: stored behind, byte for byte, over unix and TCP")
def _():
    with front.client() as client:
        for user in ("u0", "u3"):
            tap.equal(client.deliver("s@x", [user + "@x"], HELLO)[user + "@x"].code, 250)
            text = HELLO.replace(b"\r\n", b"\n")
            tap.equal(len(behind.stored(user)), 1)
            stored = behind.stored(user)[0]
            tap.check(stored.endswith(b"\n" + text), "the message ends %r" % stored[-80:])
            tap.equal(stored.count(b"\nReturn-Path:") + stored.startswith(b"Return-Path:"), 1)
    tap.check(not os.path.exists(os.path.join(front.mail, "u0", "Maildir")), "nothing stays here")


@tap.case("the server behind is asked at RCPT, and its refusal is ours")
def _():
    with front.client() as client:
        client.mail("s@x")
        reply = client.rcpt("u7@x")
        tap.equal((reply.code, reply.enhanced), (550, "5.1.1"))
        reply = client.rcpt("u9@x")
        tap.equal((reply.code, reply.enhanced), (550, "5.2.1"))
        tap.equal(client.rcpt("nobody@x").code, 550)
        tap.equal(client.rcpt("u1@x").code, 250)


@tap.case("several recipients: each has the answer of the server behind")
def _():
    with front.client() as client:
        for _ in range(2):
            tap.equal(client.deliver("s@x", ["u1@x"], HELLO)["u1@x"].code, 250)
        replies = client.deliver("s@x", ["u1@x", "u2@x"], HELLO)
        tap.equal(replies["u1@x"].code, 552)
        tap.equal(replies["u2@x"].code, 250)
    tap.equal((len(behind.stored("u1")), len(behind.stored("u2"))), (2, 1))


@tap.case("many recipients of one message: all at once, and each once")
def _():
    with front.client() as client:
        replies = client.deliver("s@x", [name + "@x" for name in MANY], HELLO)
        tap.equal({name: replies[name + "@x"].code for name in MANY}, dict.fromkeys(MANY, 250))
    tap.equal([len(behind.stored(name)) for name in MANY], [1] * len(MANY))


@tap.case("one that does not answer is passed over")
def _():
    with front.client() as client:
        for _ in range(3):
            tap.equal(client.deliver("s@x", ["u4@x"], HELLO)["u4@x"].code, 250)
    tap.equal(len(spare.stored("u4")), 3)


def others_have_time(names):
    before = len(hurried.stored("u0"))
    with hurried.client() as client:
        replies = client.deliver("s@x", [name + "@x" for name in [*names, "u0"]], HELLO)
        tap.equal(replies["u0@x"].code, 250)
        tap.equal({replies[name + "@x"].code for name in names}, {451})
    tap.equal(len(hurried.stored("u0")), before + 1)


@tap.case("a server that lets us wait takes no time from others of the message")
def _():
    others_have_time(MUTE)


@tap.case("nor does one that says nothing behind the dot")
def _():
    others_have_time(DEAF)


@tap.case("nobody answers: for now")
def _():
    with front.client() as client:
        client.mail("s@x")
        reply = client.rcpt("gone@x")
        tap.equal((reply.code, reply.enhanced[0]), (451, "4"))


@tap.case("the server behind comes back with another connection")
def _():
    behind.stop()
    with front.client() as client:
        client.mail("s@x")
        tap.equal(client.rcpt("u2@x").code, 451)
        client.command("RSET")
        open_to_all(behind)

        def accepted():
            reply = client.deliver("s@x", ["u2@x"], HELLO)["u2@x"]
            return reply.code == 250
        tap.until(accepted, "u2 has mail again", limit_s=60)


@tap.case("the server behind lets sessions of a certain age go: nothing has to wait for that")
def _():
    spare.stop()
    spare.configure(lmtp='session_age = "1s"')
    open_to_all(spare)
    seen = set()

    def is_renewed():
        with front.client() as client:
            tap.equal(client.deliver("s@x", ["u4@x"], HELLO)["u4@x"].code, 250)
        seen.update(spare.children("lmtp-session"))
        return len(seen) > 2

    tap.until(is_renewed, "new sessions", limit_s=60)


@tap.case("a detail is handed on")
def _():
    with front.client() as client:
        tap.equal(client.deliver("s@x", ["u0+Work@x"], HELLO)["u0+Work@x"].code, 250)
    with open(os.path.join(behind.directory, "log"), encoding="utf-8") as stream:
        errors = [line for line in stream if "error" in line.lower()]
    tap.equal(errors, [], "errors behind")
    tap.equal(len(behind.stored("u0")), 2)


@tap.case("a message that goes round is stopped")
def _():
    loop = b"Received: by mx\r\n" * 101 + HELLO
    with front.client() as client:
        tap.equal(client.deliver("s@x", ["u3@x"], loop)["u3@x"].code, 451)


@tap.case("end")
def _():
    for one in (front, behind, spare, hurried):
        tap.equal(one.stop(), 0)


tap.main()
