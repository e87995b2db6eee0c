#!/usr/bin/env python3
# lab: none
# time-limit: 400
"""1,000 sessions at once, each with a message under way: what they hold, who is sent away, and
that clients who dawdle cost nobody but themselves."""

import os
import resource
import socket
import sys

sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
import bridge as bridges
import tap

CROWD = 1000
DAWDLERS = 100
HALF = (b"x" * 98 + b"\r\n") * 1000
bridge = bridges.Bridge(lmtp='sessions = "%d"  command_timeout = "1h"  data_timeout = "1h"' % CROWD)
clients = []


@tap.setup
def start():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    bridge.start()


def memory_kb(pid, *fields):
    with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as stream:
        return sum(int(line.split()[1]) for line in stream
                   if line.split(":")[0] in fields)


@tap.case("100 clients that send a byte and then nothing: the others are served")
def _():
    for number in range(DAWDLERS):
        one = socket.socket(socket.AF_UNIX)
        one.settimeout(60)
        one.connect(bridge.unix)
        one.sendall(b"L" if number % 2 else b"LHLO slow\r\nMAIL FROM:<s@x>\r\nRCPT TO:<u1@x>\r\nDATA")
        clients.append(one)
    with bridge.client() as client:
        for number in range(20):
            user = "u%d@x" % (150 + number)
            tap.equal(client.deliver("s@x", [user], b"Subject: hi\r\n\r\nx\r\n")[user].code, 250)
    for one in clients:
        one.close()
    clients.clear()
    tap.until(lambda: not bridge.children("lmtp-session"), "their sessions end", 60)


@tap.case("1,000 sessions, each in the middle of a message, take less than 1 MB each")
def _():
    for number in range(CROWD):
        client = bridge.client()
        client.send("MAIL FROM:<s@x>\r\nRCPT TO:<u%d@x>\r\nDATA\r\n" % (number % 200))
        clients.append(client)
    for client in clients:
        codes = [client.reply().code for _ in range(3)]
        tap.equal(codes, [250, 250, 354])
        client.send(HALF)
    sessions = bridge.children("lmtp-session")
    tap.equal(len(sessions), CROWD)
    # The last ones may not have taken all of it yet.
    private = sorted(memory_kb(pid, "Private_Clean", "Private_Dirty") for pid in sessions)
    deliveries = bridge.children("lmtp-delivery")
    shares = [memory_kb(pid, "Pss") for pid in [bridge.process.pid] + sessions + deliveries]
    print("# a session, private: median %d KB, most %d KB; all %d processes, Pss: %d MB"
          % (private[CROWD // 2], private[-1], len(shares), sum(shares) // 1024))
    factor = bridges.memory_factor()
    tap.check(private[-1] < factor * 1024, "%d KB" % private[-1])
    tap.check(sum(shares) < factor * 600 * 1024, "%d KB" % sum(shares))


@tap.case("one more is told 421, and is let in when one of them goes")
def _():
    with socket.socket(socket.AF_UNIX) as more:
        more.settimeout(60)
        more.connect(bridge.unix)
        tap.contains(more.recv(200).decode(), "421 4.3.2 ")
        tap.equal(more.recv(200), b"")
    clients.pop().close()

    def is_let_in():
        with socket.socket(socket.AF_UNIX) as one:
            one.settimeout(60)
            one.connect(bridge.unix)
            return one.recv(200).startswith(b"220 ")

    tap.until(is_let_in, "there is room", 60)


@tap.case("each of them gets its answer, and each 250 has its message")
def _():
    for client in clients:
        client.send(b".\r\n")
    codes = [client.reply().code for client in clients]
    tap.equal(set(codes), {250})
    stored = sum(len(os.listdir("%s/u%d/Maildir/new" % (bridge.mail, number)))
                 for number in range(200))
    tap.equal(stored, len(codes) + 20)
    for client in clients:
        client.close()
    tap.until(lambda: not bridge.children("lmtp-session"), "they end", 60)


try:
    tap.main()
finally:
    bridge.end()
