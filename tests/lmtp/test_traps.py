#!/usr/bin/env python3
# lab: none
# time-limit: 200
"""A session that was taken over, and a script that kills who runs it (trap.c)."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
import bridge as bridges
import tap

HELLO = b"Subject: hi\r\n\r\nhello\r\n"
bridges.CONFIG = bridges.CONFIG.replace('sieve {{ script = "" }}',
                                        'sieve {{ script = "~/crash.sieve" }}')
bridge = bridges.Bridge(level="debug", globals='spool_directory = "/tmp"')


@tap.setup
def start():
    trap = os.path.join(bridge.directory, "trap.so")
    here = os.path.dirname(os.path.abspath(__file__))
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-o", trap, here + "/trap.c",
                    "-ldl"], check=True)
    # The sanitizers want to be first, and look at themselves in ways the sandbox forbids.
    os.environ["ASAN_OPTIONS"] = "verify_asan_link_order=0:detect_leaks=0"
    os.environ["LD_PRELOAD"] = trap
    try:
        bridge.start()
    finally:
        del os.environ["LD_PRELOAD"]


def attempts(path):
    with bridge.client() as client:
        client.send("TRAP open %s\r\n" % path)
        reply = client.socket.recv(1000).decode()
    return dict(word.split("=") for word in reply.splitlines()[0].split())


def layers():
    lines = [line for line in bridge.log().splitlines() if "shut in by" in line]
    return lines[-1].split("shut in by ")[1].split()


@tap.case("a session opens no mailbox, makes no file, starts nothing, reaches no network")
def _():
    with bridge.client() as client:
        tap.equal(client.deliver("s@x", ["u1@x"], HELLO)["u1@x"].code, 250)
    folder = os.path.join(bridge.mail, "u1", "Maildir", "new")
    path = os.path.join(folder, os.listdir(folder)[0])
    bridge.client().quit()
    there = layers()
    tap.check("no-new-privs" in there, "%r" % there)
    if "landlock" not in there or "seccomp" not in there:
        tap.skip("this kernel or build has only %s" % " ".join(there))
    tap.equal(attempts(path), {"open": "0", "make": "0", "inet": "0", "fork": "0", "root": "0",
                               "exec": "0"})
    tap.equal(attempts("/etc/passwd")["open"], "0")


@tap.case("it still serves: small and large messages, refusals, probes")
def _():
    with bridge.client() as client:
        got = client.deliver("s@x", ["u2@x", "nobody@x"], b"x" * 70 * 1000 + b"\r\n" * 200000)
        tap.equal((got["u2@x"].code, got["nobody@x"].code), (250, 550))
        client.mail("")
        tap.equal(client.rcpt("u2@x").code, 250)
        client.command("RSET")
        tap.equal(client.quit().code, 221)


@tap.case("a session that dies takes nobody along, and the log says what it did")
def _():
    with bridge.client() as other, bridge.client() as client:
        other.mail("s@x")
        tap.equal(other.rcpt("u3@x").code, 250)
        client.mail("s@x")
        tap.equal(client.rcpt("u4@x").code, 250)
        client.send("TRAP crash\r\n")
        tap.equal(client.socket.recv(100), b"")
        tap.equal(other.data(HELLO)[0].code, 250)
    tap.until(lambda: "lmtp-session" in bridge.log(), "it is logged")
    (line,) = [line for line in bridge.log().splitlines() if "lmtp-session" in line]
    tap.contains(line, "ended by signal 9")
    tap.contains(line, " u4@x")


@tap.case("a script that kills who runs it: that recipient 451, the nineteen others their mail")
def _():
    names = ["u%d@x" % number for number in range(10, 30)]
    home = os.path.join(bridge.mail, "u17")
    os.makedirs(home)
    with open(home + "/crash.sieve", "w", encoding="ascii") as stream:
        stream.write("keep;\n")
    with bridge.client() as client:
        client.mail("s@x")
        for name in names:
            tap.equal(client.rcpt(name).code, 250)
        replies = client.data(HELLO, len(names))
    tap.equal([reply.code for reply in replies],
              [451 if name == "u17@x" else 250 for name in names])
    for name in names:
        tap.equal(len(bridge.stored(name[:-2])), 0 if name == "u17@x" else 1, name)
    tap.until(lambda: bridge.log().count("it was doing id=") >= 3, "both deaths are logged")
    lines = [line for line in bridge.log().splitlines()
             if "lmtp-delivery" in line and "it was doing" in line]
    tap.equal([line.split()[-1] for line in lines], ["u17@x", "u17@x"])


try:
    tap.main()
finally:
    bridge.end()
