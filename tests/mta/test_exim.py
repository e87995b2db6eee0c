#!/usr/bin/env python3
# lab: exim
"""Exim hands mail to deliver and to lmtp-bridge, and verifies recipients by callout."""

import exim
import ladle
import maildir
import tap
import wire
import world

MESSAGE = b"From: a@sender.test\r\nSubject: hello\r\n\r\nhello\r\n"
CALLOUT = "require verify = recipient/callout=30s,random"


@tap.setup
def servers():
    world.add_virtual_users({"alice": "", "bob": "", "full": world.SMALL_QUOTA})
    ladle.configure()
    ladle.Bridge().start()
    world.fill("full", 150000)


def start(*arguments):
    global mx
    if "mx" in globals():
        mx.stop()
    mx = exim.Exim(*arguments).start()


def send(recipient, sender="a@sender.test"):
    """(replies to MAIL, RCPT and DATA, fate) - no fate when it was refused."""
    mx.mark_log()
    with wire.Smtp(mx.address) as client:
        replies = client.transaction(sender, [recipient], MESSAGE)
    return replies, (mx.fate(recipient) if len(replies) == 3 else None)


def stored(user):
    try:
        return maildir.only_message(world.maildir(user)).bytes
    finally:
        maildir.clear(world.maildir(user))


@tap.case("smtp transport, protocol = lmtp: stored")
def _():
    start("lmtp")
    _, fate = send("alice@example.test")
    tap.equal(fate[0], "=>", repr(fate))
    tap.contains(stored("alice"), b"\nSubject: hello\n")


@tap.case("smtp transport, protocol = lmtp: an unknown recipient fails with our text")
def _():
    _, fate = send("nosuch@example.test")
    tap.equal(fate[0], "**", repr(fate))
    tap.contains(fate[1], "User doesn't exist")


@tap.case("callout: existing accepted, unknown refused at SMTP time with our text")
def _():
    start("lmtp", CALLOUT)
    replies, fate = send("alice@example.test")
    tap.equal(([reply.code for reply in replies], fate[0]), ([250, 250, 250], "=>"), repr(replies))
    stored("alice")
    replies, fate = send("nosuch@example.test")
    tap.equal((replies[1].code, fate), (550, None), repr(replies))
    tap.contains(mx.log()[mx.mark:], "User doesn't exist")


@tap.case("callout: a full mailbox exists; its mail is refused when it comes")
def _():
    replies, fate = send("full@example.test")
    tap.equal([reply.code for reply in replies], [250, 250, 250], repr(replies))
    tap.equal(fate[0], "**", repr(fate))
    tap.contains(fate[1], "5.2.2")


@tap.case("pipe transport: stored, and the null sender stays null")
def _():
    start("pipe")
    for sender, path in (("a@sender.test", b"<a@sender.test>"), ("", b"<>")):
        _, fate = send("bob@example.test", sender)
        tap.equal(fate[0], "=>", repr(fate))
        text = stored("bob")
        # Exim writes no Delivered-To, so that one is ours, on top.
        tap.equal(text.split(b"\n")[:2], [b"Delivered-To: bob", b"Return-path: " + path])
        tap.contains(text, b"\nSubject: hello\n")


@tap.case("pipe transport: a full mailbox fails, trouble waits")
def _():
    tap.equal(send("full@example.test")[1][0], "**")
    with open(ladle.CONFIG_PATH, "a", encoding="utf-8") as stream:
        stream.write('no_such_setting = "x"\n')
    tap.equal(send("bob@example.test")[1][0], "==")


tap.main()
