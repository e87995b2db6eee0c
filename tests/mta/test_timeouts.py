#!/usr/bin/env python3
# lab: postfix
# time-limit: 240
"""Postfix gives up in every phase because we are slow: it tries again, and each message is there
once."""

import os
import signal

import ladle
import maildir
import postfix
import tap
import world

STATE = "/var/lib/ladle-test"
TIMEOUTS = ("lhlo", "mail", "rcpt", "data_done")
# The renames that publish mail; each process is slow once.
SLOW = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=rename,renameat,renameat2", "-e",
        "inject=rename,renameat,renameat2:delay_enter=8000000:when=1"]


@tap.setup
def servers():
    global mx, bridge
    world.add_virtual_users({"alice": "", "bob": "", "carol": ""})
    ladle.configure(more='state_directory = "%s"' % STATE)
    os.makedirs(STATE)
    os.chown(STATE, world.VMAIL_UID, world.VMAIL_UID)
    bridge = ladle.Bridge().start()
    mx = postfix.Postfix(dict({"lmtp_%s_timeout" % phase: "2s" for phase in TIMEOUTS},
                              virtual_mailbox_domains="example.test",
                              virtual_mailbox_maps="static:all",
                              virtual_transport="lmtp:unix:" + ladle.UNIX))
    mx.start()


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


@tap.case("no greeting")
def _():
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
