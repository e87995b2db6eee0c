#!/usr/bin/env python3
# lab: exim
"""Exim does not get the reply to a message that was stored: its next attempt makes no second
copy."""

import os

import exim
import ladle
import lossy
import maildir
import tap
import wire
import world

STATE = "/var/lib/ladle-test"
MEMORIES = STATE + "/.replies"
NAMES = ["alice", "bob", "carol"]


@tap.setup
def servers():
    global mx, proxies
    world.add_virtual_users(dict.fromkeys(NAMES, ""))
    ladle.configure(more='state_directory = "%s"' % STATE)
    os.makedirs(STATE)
    os.chown(STATE, world.VMAIL_UID, world.VMAIL_UID)
    ladle.Bridge().start()
    proxies = [lossy.Lossy(address, ladle.UNIX) for address in (exim.LOSSY, exim.LOSSY_INET)]
    mx = None


def start(*arguments, **options):
    global mx
    if mx:
        mx.stop()
    # Nothing is tried again before we say so.
    mx = exim.Exim(*arguments, queue_runs=(), **options).start()


def lose(how):
    for proxy in proxies:
        proxy.lose = how


def memories():
    return os.listdir(MEMORIES) if os.path.isdir(MEMORIES) else []


def counts(names):
    return [len(maildir.messages(world.maildir(name))) for name in names]


def replay(names, how):
    before = counts(names)
    lose(how)
    mx.mark_log()
    with wire.Smtp(mx.address) as client:
        replies = client.transaction("a@sender.test", [name + "@example.test" for name in names],
                                     b"From: a@sender.test\r\nSubject: hello\r\n\r\nx\r\n")
    tap.equal({reply.code for reply in replies}, {250})
    for name in names:
        tap.equal(mx.fate(name + "@example.test")[0], "==")
    tap.until(lambda: len(memories()) == len(names), "the lost replies are remembered")
    tap.equal(counts(names), [count + 1 for count in before], "stored once")
    lose(None)
    mx.mark_log()

    def is_done():
        # The process that tried first may still hold the message.
        mx.flush()
        return " Completed" in mx.log()[mx.mark:]

    tap.until(is_done, "the second attempt", limit_s=60)
    for name in names:
        tap.equal(mx.fate(name + "@example.test")[0].replace("->", "=>"), "=>")
    tap.equal(counts(names), [count + 1 for count in before], "not stored again")
    tap.equal(memories(), [])


@tap.case("lmtp transport, which writes new fields at each attempt: the connection ends behind the dot")
def _():
    start("lossy")
    replay(["alice"], "closed")
    replay(NAMES, "closed")


@tap.case("the other end goes without reading the replies")
def _():
    replay(["bob"], "reset")


@tap.case("smtp transport, protocol = lmtp: behind the dot, and behind BDAT LAST")
def _():
    for chunking in ("", "*"):
        start("lossy_inet", chunking=chunking)
        replay(["carol"], "closed")
        replay(NAMES, "closed")


@tap.case("the record says that they were replays")
def _():
    notes = [record["note"] for record in ladle.records()
             if record["recipient"].startswith("carol@")]
    tap.equal(notes, [None, "replay"] * 5)


@tap.case("in good times nothing is remembered")
def _():
    before = counts(NAMES)
    mx.mark_log()
    for _ in range(5):
        with wire.Smtp(mx.address) as client:
            client.transaction("a@sender.test", [name + "@example.test" for name in NAMES],
                               b"From: a@sender.test\r\nSubject: hello\r\n\r\nx\r\n")
    tap.until(lambda: counts(NAMES) == [count + 5 for count in before], "all are stored", 60)
    tap.until(lambda: mx.log()[mx.mark:].count(" Completed") == 5, "Exim has finished", 60)
    tap.equal(memories(), [])


tap.main()
