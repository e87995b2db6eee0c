#!/usr/bin/env python3
# lab: none
# time-limit: 120
"""Who may use a listener, and who is believed about others: PROXY, XFORWARD, XCLIENT, peers."""

import os
import socket
import sys

sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
import bridge as bridges
import tap
import wire

HELLO = b"Subject: hi\r\n\r\nhello\r\n"
V2 = b"\r\n\r\n\0\r\nQUIT\n"
PROXY = bridges.free_port()
STRANGE = bridges.free_port()
TRUSTED = bridges.free_port()

bridge = bridges.Bridge(lmtp="""
  listen "inet:127.0.0.1:%d" { proxy = true  trusted = {"127.0.0.0/8", "192.0.2.0/24"} }
  listen "inet:127.0.0.1:%d" { proxy = true  trusted = {"192.0.2.0/24"} }
  listen "inet:127.0.0.1:%d" { trusted = {"127.0.0.1", "::1"} }
  listen "unix:/tmp/ladle-trusted.%d" { trusted = {"unix"} }
""" % (PROXY, STRANGE, TRUSTED, os.getpid()))
TRUSTED_UNIX = "/tmp/ladle-trusted.%d" % os.getpid()


@tap.setup
def start():
    bridge.start()


class Proxied(wire.Lmtp):
    """Says `header` before anything else, byte by byte or at once."""

    def __init__(self, header, port=PROXY, step=None):
        self.header, self.step = header, step or len(header)
        super().__init__(("127.0.0.1", port))

    def reply(self):
        header, self.header = self.header, b""
        for at in range(0, len(header), self.step):
            self.send(header[at:at + self.step])
        return super().reply()


def received(user):
    return bridge.stored(user)[-1].split(b"Received: ")[1].split(b"\n")[0]


def is_closed(header, port):
    try:
        Proxied(header, port).close()
        return False
    except (wire.Closed, ConnectionError):
        return True


@tap.case("PROXY, both versions: the client's address is the one that is told")
def _():
    v4 = b"\x21\x11\0\x0c\xc0\0\2\7\x7f\0\0\1\0\1\0\x18"
    for header, wanted in (
            (b"PROXY TCP4 192.0.2.7 127.0.0.1 999 24\r\n", b"[192.0.2.7]"),
            (b"PROXY TCP6 2001:db8::7 ::1 999 24\r\n", b"[IPv6:2001:db8::7]"),
            (V2 + v4, b"[192.0.2.7]"),
            (V2 + b"\x20\0\0\0", b"[127.0.0.1]"),
            (b"PROXY UNKNOWN\r\n", b"[127.0.0.1]")):
        for step in (1, len(header)):
            with Proxied(header, step=step) as client:
                tap.equal(client.deliver("s@x", ["u1@x"], HELLO)["u1@x"].code, 250)
            tap.contains(received("u1"), wanted)


@tap.case("PROXY: trust is asked about the address that is told")
def _():
    with Proxied(b"PROXY TCP4 192.0.2.7 127.0.0.1 999 24\r\n") as client:
        tap.check("XCLIENT" in client.extensions, "a trusted client behind it")
    with Proxied(b"PROXY TCP4 198.51.100.7 127.0.0.1 999 24\r\n") as client:
        tap.check("XCLIENT" not in client.extensions, "another one")
        tap.equal(client.command("XCLIENT NAME=x").code, 550)
    for header, trusted in ((V2 + b"\x20\0\0\0", True), (b"PROXY UNKNOWN\r\n", False),
                            (V2 + b"\x21\x31\0\1x", False)):
        with Proxied(header) as client:
            tap.equal("XCLIENT" in client.extensions, trusted, "%r" % header)


@tap.case("PROXY: no header, a bad one, or an untrusted proxy: the connection is closed")
def _():
    good = b"PROXY TCP4 192.0.2.7 127.0.0.1 999 24\r\n"
    tap.check(is_closed(good, STRANGE), "a proxy we do not trust")
    for header in (b"LHLO c.example.test\r\n", b"PROXY TCP4 x y 1 2\r\n", b"PROXY " + b"x" * 200,
                   V2 + b"\x21\x11\xff\xff"):
        tap.check(is_closed(header, PROXY), repr(header))
    tap.check(not is_closed(good, PROXY), "it goes on")


@tap.case("XFORWARD: queue id and client stand in the record, not in Received")
def _():
    for address, trusted in ((TRUSTED_UNIX, True), (("127.0.0.1", TRUSTED), True),
                             (bridge.unix, False), (bridge.inet, False)):
        with bridge.client(address) as client:
            tap.equal("XFORWARD" in client.extensions, trusted)
            said = client.command("XFORWARD NAME=c.test ADDR=192.0.2.9 IDENT=4ABCDEF HELO=h.test")
            tap.equal(said.code, 250 if trusted else 550)
            tap.equal(client.deliver("s@x", ["u2@x"], HELLO)["u2@x"].code, 250)
            tap.equal(client.deliver("s@x", ["u3@x"], HELLO)["u3@x"].code, 250)
        tap.contains(received("u2"), b"from client.example.test")

    def records(user):
        with open(os.path.join(bridge.mail, "records"), encoding="utf-8") as stream:
            return [line for line in stream if "recipient=%s@x" % user in line]

    tap.until(lambda: len(records("u3")) == 4, "the records")
    told = ["queue_id=4ABCDEF " in line and "client=192.0.2.9 " in line for line in records("u2")]
    tap.equal(told, [True, True, False, False])
    tap.check(not any("192.0.2.9" in line for line in records("u3")), "for one message only")


@tap.case("XCLIENT: the client is taken for the one that is told")
def _():
    with bridge.client(("127.0.0.1", TRUSTED)) as client:
        tap.equal(client.command("XCLIENT NAME=c.test ADDR=IPV6:2001:db8::5 HELO=h.test").code, 220)
        tap.equal(client.command("MAIL FROM:<>").code, 503)
        client.hello("proxy.test")
        tap.equal(client.deliver("s@x", ["u4@x"], HELLO)["u4@x"].code, 250)
    tap.equal(received("u4"), b"from h.test ([IPv6:2001:db8::5])")


@tap.case("peers: only their processes may use a unix socket")
def _():
    for account, welcome in ((bridges.ACCOUNT.pw_name, True), ("daemon", False)):
        bridge.configure(lmtp='listen "unix:%s/peers" { mode = "0666"  peers = {"%s"} }'
                         % (bridge.directory, account))
        bridge.stop()
        bridge.start()
        tap.equal(can_use(bridge.directory + "/peers"), welcome)


def can_use(path):
    """As an ordinary account: root may always."""
    pid = os.fork()
    if pid == 0:
        try:
            if os.getuid() == 0:
                os.setgid(bridges.ACCOUNT.pw_gid)
                os.setuid(bridges.ACCOUNT.pw_uid)
            with socket.socket(socket.AF_UNIX) as one:
                one.settimeout(60)
                one.connect(path)
                os._exit(0 if one.recv(3) == b"220" else 1)
        except OSError:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


try:
    tap.main()
finally:
    bridge.end()
