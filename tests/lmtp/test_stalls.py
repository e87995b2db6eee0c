#!/usr/bin/env python3
# lab: none
"""Clients that stop in each phase of the protocol are told 421 and let go; it costs nobody else
anything."""

import os
import sys

sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
import bridge as bridges
import tap

HELLO = b"Subject: hi\r\n\r\nhello\r\n"
LHLO = b"LHLO x\r\n"
MAIL = LHLO + b"MAIL FROM:<s@x>\r\n"
RCPT = MAIL + b"RCPT TO:<u1@x>\r\nRCPT TO:<u2@x>\r\n"
DATA = RCPT + b"DATA\r\n"

# What is said before nothing more is, and how many replies there are to it.
PHASES = {
    "greeting": (b"", 0),
    "half a command": (b"LHL", 0),
    "LHLO": (LHLO, 1),
    "MAIL": (MAIL, 2),
    "half a MAIL": (LHLO + b"MAIL FROM:<s", 1),
    "RCPT": (RCPT, 4),
    "DATA": (DATA, 5),
    "text": (DATA + HELLO, 5),
    "half a line": (DATA + HELLO + b"half", 5),
    "a dot without its line end": (DATA + HELLO + b".", 5),
    "the dot's CR": (DATA + HELLO + b".\r", 5),
    "BDAT": (RCPT + b"BDAT 100\r\nhalf", 4),
    "between two BDAT": (RCPT + b"BDAT 4\r\nA: b", 5),
    "RSET": (RCPT + b"RSET\r\n", 5),
}
bridge = bridges.Bridge(lmtp='command_timeout = "2s"  data_timeout = "2s"')


@tap.setup
def start():
    bridge.start()


@tap.case("each of them, all at once; others are served meanwhile")
def _():
    clients = {}
    for phase, (said, _) in PHASES.items():
        clients[phase] = bridge.client(hello=None)
        clients[phase].send(said)

    def served():
        # On a slow machine this client may be the one that is too slow.
        try:
            with bridge.client() as client:
                return client.deliver("s@x", ["u9@x"], HELLO)["u9@x"].code == 250
        except (OSError, bridges.wire.Closed, KeyError):
            return False
    tap.until(served, "another client is served", limit_s=60)
    for phase, (_, replies) in PHASES.items():
        got = [clients[phase].reply().code for _ in range(replies)]
        tap.check(all(code in (250, 354) for code in got), "%s: %r" % (phase, got))
        reply = clients[phase].reply()
        tap.equal((reply.code, reply.enhanced), (421, "4.4.2"), phase)
        tap.equal(clients[phase].socket.recv(100), b"", phase)
        clients[phase].close()


@tap.case("nothing of them is left: no session, no message, no file")
def _():
    tap.until(lambda: not bridge.children("lmtp-session"), "the sessions end", limit_s=60)
    tap.equal((bridge.stored("u1"), bridge.stored("u2")), ([], []))
    tap.equal([path for path in bridge.files() if "/Maildir/tmp/" in path], [])
    tap.equal(bridge.stop(), 0)


tap.main()
