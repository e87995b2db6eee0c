#!/usr/bin/env python3
# lab: postfix
"""Postfix does not get the reply to a message that was stored: its next attempt makes no second
copy."""

import os

import ladle
import lossy
import maildir
import postfix
import tap
import wire
import world

STATE = "/var/lib/ladle-test"
MEMORIES = STATE + "/.replies"
PROXY = ladle.SOCKETS + "/lossy"
NAMES = ["alice", "bob", "carol"]


@tap.setup
def servers():
    global mx, proxy
    world.add_virtual_users({name: "" for name in NAMES})
    ladle.configure(more='state_directory = "%s"' % STATE)
    os.makedirs(STATE)
    os.chown(STATE, world.VMAIL_UID, world.VMAIL_UID)
    ladle.Bridge().start()
    proxy = lossy.Lossy(PROXY, ladle.UNIX)
    mx = postfix.Postfix({"virtual_mailbox_domains": "example.test",
                          "virtual_mailbox_maps": "static:all",
                          "virtual_transport": "lmtp:unix:" + PROXY,
                          # A cached connection may be let go without a word at any time.
                          "lmtp_connection_cache_on_demand": "no"})
    mx.start()


def memories():
    return os.listdir(MEMORIES) if os.path.isdir(MEMORIES) else []


def stored(name):
    return len(maildir.messages(world.maildir(name)))


def send(names, subject="hello"):
    with wire.Smtp(mx.address) as client:
        replies = client.transaction("a@sender.test", [name + "@example.test" for name in names],
                                     b"Subject: %s\r\n\r\nx\r\n" % subject.encode())
    tap.equal({reply.code for reply in replies}, {250})


def replay(names, how):
    """How many copies each has got when the first reply was lost and the second one was not."""
    before = {name: stored(name) for name in names}
    mx.mark_log()
    proxy.lose, proxy.lost = how, 0
    send(names)
    for name in names:
        tap.equal(mx.delivery(name + "@example.test").status, "deferred")
    tap.until(lambda: len(memories()) == len(names), "the lost replies are remembered")
    tap.equal({name: stored(name) - before[name] for name in names}, {name: 1 for name in names})
    proxy.lose = None
    mx.mark_log()
    mx.flush()
    mx.wait_queue_empty()
    tap.equal({mx.delivery(name + "@example.test").status for name in names}, {"sent"})
    tap.equal(memories(), [])
    return [stored(name) - before[name] for name in names]


@tap.case("the connection ends behind the dot: one recipient")
def _():
    tap.equal(replay(["alice"], "closed"), [1])


@tap.case("the connection ends behind the dot: three recipients")
def _():
    tap.equal(replay(NAMES, "closed"), [1, 1, 1])


@tap.case("the other end goes without reading the replies, although QUIT was sent with the dot")
def _():
    tap.equal(replay(NAMES, "reset"), [1, 1, 1])


@tap.case("the record says that it was a replay")
def _():
    ids = [record["note"] for record in ladle.records() if record["recipient"].startswith("bob@")]
    tap.equal(ids, [None, "replay", None, "replay"])


@tap.case("messages that look the same but are not: all are stored")
def _():
    before = stored("alice")
    for _ in range(2):
        send(["alice"], "twin")
    mx.wait_queue_empty()
    tap.equal(stored("alice"), before + 2)
    tap.equal(memories(), [])


@tap.case("in good times nothing is remembered")
def _():
    before = stored("carol")
    for number in range(20):
        send(["carol", "bob"], str(number))
    mx.wait_queue_empty()
    tap.equal(stored("carol"), before + 20)
    tap.equal(memories(), [])


@tap.case("Postfix lets cached connections go without a word: nothing is lost by that")
def _():
    before = stored("carol")
    mx.change(defer_transports="lmtp", lmtp_connection_cache_on_demand="yes")
    for number in range(30):
        send(["carol"], "cached %d" % number)
    mx.change(defer_transports="", lmtp_destination_concurrency_limit="2")
    mx.flush()
    mx.wait_queue_empty()
    tap.equal(stored("carol"), before + 30)
    mx.command("postfix", "stop")
    mx.start()
    send(["carol"], "cached 29")
    mx.wait_queue_empty()
    tap.equal(stored("carol"), before + 31)


tap.main()
