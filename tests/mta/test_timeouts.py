#!/usr/bin/env python3
# lab: postfix
# time-limit: 300
"""Postfix gives up in every phase because we, or what is between us, are slow: it tries again, and
each message is there once."""

import os
import re
import signal
import socket

import ladle
import maildir
import postfix
import stalling
import tap
import world

STATE = "/var/lib/ladle-test"
PROXY = ladle.SOCKETS + "/stalling"
FULL = ("127.0.0.1", 2499)
# For each phase a transport that waits two seconds in it and minutes in all others; a recipient of
# phase.test goes through it.
PHASES = ("connect", "lhlo", "mail", "rcpt", "data_init", "data_xfer", "data_done", "rset", "quit")
TRANSPORT = """\
{0} unix - - n - - lmtp
  -o lmtp_{0}_timeout=2s
  -o lmtp_connection_cache_on_demand=no
  {1}
"""
CACHED = "-o lmtp_connection_cache_destinations=static:all -o lmtp_connection_cache_time_limit=100s"
TIMEOUTS = ("lhlo", "mail", "rcpt", "data_done")
# The renames that publish mail; each process is slow once.
SLOW = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=rename,renameat,renameat2", "-e",
        "inject=rename,renameat,renameat2:delay_enter=8000000:when=1"]


@tap.setup
def servers():
    global mx, bridge, proxy
    world.add_virtual_users({"alice": "", "bob": "", "carol": ""})
    ladle.configure(more='state_directory = "%s"' % STATE)
    os.makedirs(STATE)
    os.chown(STATE, world.VMAIL_UID, world.VMAIL_UID)
    bridge = ladle.Bridge().start()
    proxy = stalling.Stalling(PROXY, ladle.UNIX)
    routes = ["{%s.test = %s:%s}" % (phase, phase, "inet:[%s]:%d" % FULL if phase == "connect"
                                     else "unix:" + PROXY) for phase in PHASES]
    domains = ["example.test"] + [phase + ".test" for phase in PHASES]
    mx = postfix.Postfix({"virtual_mailbox_domains": " ".join(domains),
                          "virtual_mailbox_maps": "static:all",
                          "transport_maps": "inline:{{sender.test = senders:} %s}" % " ".join(routes),
                          "virtual_transport": "lmtp:unix:" + ladle.UNIX},
                         "".join(TRANSPORT.format(phase, CACHED if phase == "rset" else "")
                                 for phase in PHASES))
    mx.start()


def arrives_once(user):
    for _ in range(12):
        mx.flush()
        try:
            mx.wait_queue_empty(limit_s=5)
            break
        except AssertionError:
            pass
    mx.wait_queue_empty()
    maildir.only_message(world.maildir(user))


def stalled(phase, hold, message=postfix.MESSAGE):
    """How a message ended whose connection was silent in that phase."""
    maildir.clear(world.maildir("alice"))
    proxy.hold = hold
    return mx.send("alice@%s.test" % phase, message=message)


def is_put_off(phase, hold, why, message=postfix.MESSAGE):
    delivery = stalled(phase, hold, message)
    tap.equal((delivery.status, delivery.dsn[:2]), ("deferred", "4."), repr(delivery))
    tap.check(re.search("timed out while " + why, delivery.text), delivery.text)
    arrives_once("alice")


@tap.case("no connection")
def _():
    with socket.create_server(FULL, backlog=0):
        # Who waits to be accepted takes the place of all others.
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(FULL)
        delivery = stalled("connect", None)
        tap.equal((delivery.status, delivery.dsn[:2]), ("deferred", "4."), repr(delivery))
        tap.contains(delivery.text, "Connection timed out")
        for one in waiting:
            one.close()
    stalling.Stalling(FULL, ladle.UNIX)
    arrives_once("alice")


@tap.case("no answer to LHLO, MAIL, RCPT and DATA")
def _():
    is_put_off("lhlo", 1, "performing the LHLO handshake")
    is_put_off("mail", 2, "sending MAIL FROM")
    is_put_off("rcpt", 3, "sending RCPT TO")
    is_put_off("data_init", 4, "sending DATA command")


@tap.case("nobody reads the message")
def _():
    is_put_off("data_xfer", stalling.BODY, "sending message body",
               b"Subject: long\r\n\r\n" + (b"x" * 70 + b"\r\n") * 60000)


@tap.case("no answer to the dot, which lies unread in our socket: it was lost, and is remembered")
def _():
    is_put_off("data_done", 5, "sending end of data -- message may be sent more than once")


@tap.case("no answer to RSET: the next message takes another connection")
def _():
    before = proxy.accepted
    tap.equal(stalled("rset", 6).status, "sent")
    maildir.only_message(world.maildir("alice"))
    delivery = mx.send("bob@rset.test")
    tap.equal(delivery.status, "sent", repr(delivery))
    tap.equal(proxy.accepted - before, 2)
    delays = re.search(r"to=<bob@rset.test>.* delays=[^/]*/[^/]*/([^/]*)/", mx.log()[mx.mark:])
    tap.check(float(delays.group(1)) >= 2, "it waited for RSET: " + delays.group())


@tap.case("no answer to QUIT: the message is sent, and the connection ends")
def _():
    before = proxy.ended
    tap.equal(stalled("quit", 6).status, "sent")
    tap.until(lambda: proxy.ended > before, "Postfix waits for the answer no longer", limit_s=100)
    arrives_once("alice")


# -- the bridge itself is slow --


def children(name):
    supervisor = bridge.process.pid
    found = []
    with open("/proc/%d/task/%d/children" % (supervisor, supervisor), encoding="ascii") as pids:
        for pid in pids.read().split():
            with open("/proc/%s/comm" % pid, encoding="ascii") as comm:
                if comm.read().strip() == name:
                    found.append(int(pid))
    return found


def deferred(user, pids, why):
    """A message to `user` while the processes do not move."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        delivery = mx.send(user + "@example.test")
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    tap.equal((delivery.status, delivery.dsn[:2]), ("deferred", "4."), repr(delivery))
    tap.contains(delivery.text, why)


@tap.case("no greeting")
def _():
    maildir.clear(world.maildir("alice"))
    maildir.clear(world.maildir("bob"))
    mx.change(**{"lmtp_%s_timeout" % phase: "2s" for phase in TIMEOUTS})
    deferred("alice", [bridge.process.pid], "while receiving the initial server greeting")
    arrives_once("alice")


@tap.case("no answer to RCPT")
def _():
    # MAIL and RCPT come together, and so do our replies.
    deferred("bob", children("lmtp-delivery"), "timed out while sending")
    arrives_once("bob")


@tap.case("no answer to the dot: what is stored in the meantime is not stored again")
def _():
    global bridge
    bridge.stop()
    bridge = ladle.Bridge(under=SLOW).start()
    mx.change(**dict({"lmtp_%s_timeout" % phase: "60s" for phase in TIMEOUTS},
                     lmtp_data_done_timeout="4s"))
    delivery = mx.send("carol@example.test")
    tap.equal((delivery.status, delivery.dsn[:2]), ("deferred", "4."), repr(delivery))
    tap.contains(delivery.text, "message may be sent more than once")
    tap.until(lambda: "<carol@example.test> was lost, and is remembered" in ladle.read_log(),
              "the reply that nobody heard", limit_s=90)
    maildir.only_message(world.maildir("carol"))
    arrives_once("carol")


tap.main()
