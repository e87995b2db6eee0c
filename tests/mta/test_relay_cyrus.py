#!/usr/bin/env python3
# lab: exim
"""Mail that is handed on to Cyrus's LMTP server."""

import re

import cyrus
import ladle
import tap
import wire
import world

MESSAGE = (b"From: a@sender.test\r\nSubject: hello\r\nDate: Fri, 21 Nov 2025 10:00:00 +0000\r\n"
           b"Message-ID: <1@sender.test>\r\n\r\n.dot\r\n..two\r\n\xe4\xff 8 bit\r\n"
           b"long " + b"x" * 3000 + b"\r\n\r\n.\r\nend\r\n")


@tap.setup
def servers():
    global behind
    # "stale" is known to us alone.
    world.add_virtual_users(dict.fromkeys(["alice", "bob", "carol", "stale", "full"], ""))
    behind = cyrus.Cyrus().start()
    for user in ("alice", "bob", "carol"):
        behind.add_mailbox("user." + user)
    behind.add_mailbox("user.alice.Work", anyone="p")
    behind.add_mailbox("user.full", quota_kib=50)
    ladle.configure(store="lmtp:unix:" + cyrus.SOCKET)
    ladle.Bridge().start()


def deliver(*users, message=MESSAGE, sender="a@sender.test"):
    recipients = [user + "@example.test" for user in users]
    with wire.Lmtp(ladle.UNIX) as mx:
        replies = mx.deliver(sender, recipients, message)
    return [replies[recipient] for recipient in recipients]


@tap.case("stored byte for byte, with one trace of a final delivery")
def _():
    tap.equal([reply.code for reply in deliver("alice")], [250])
    stored = behind.messages("user.alice")
    tap.equal(len(stored), 1)
    tap.check(stored[0].endswith(b"\r\n" + MESSAGE), repr(stored[0]))
    tap.equal(len(re.findall(rb"^Return-Path:", stored[0], re.MULTILINE)), 1)


@tap.case("who is unknown there is refused at RCPT with Cyrus's words")
def _():
    reply = deliver("stale")[0]
    tap.equal((reply.code, reply.enhanced), (550, "5.1.1"), repr(reply))
    tap.contains(reply.text, "User unknown")


@tap.case("a full mailbox there: refused; a probe is told that the user exists")
def _():
    big = MESSAGE + (b"x" * 70 + b"\r\n") * 1000
    tap.equal(deliver("full", message=big)[0].code, 250)
    replies = deliver("full", "bob")
    tap.equal([reply.code for reply in replies], [552, 250], repr(replies))
    tap.equal(replies[0].enhanced, "5.2.2", repr(replies))
    tap.equal((len(behind.messages("user.full")), len(behind.messages("user.bob"))), (1, 1))
    with wire.Lmtp(ladle.UNIX) as client:
        client.mail("")
        tap.equal(client.rcpt("full@example.test").code, 250)


@tap.case("a detail is the folder there")
def _():
    tap.equal(deliver("alice+Work")[0].code, 250)
    tap.equal(len(behind.messages("user.alice.Work")), 1)


@tap.case("what Cyrus does not store is its refusal")
def _():
    replies = deliver("alice", "bob", message=b"Subject: zero\r\n\r\na\0b\r\n")
    tap.equal([(reply.code, reply.enhanced) for reply in replies], [(554, "5.6.0")] * 2,
              repr(replies))


# Each of our delivery processes has a connection of its own, and on a busy machine a session may
# be served by several.
@tap.case("one connection serves many messages")
def _():
    before = len(behind.dialogues())
    with wire.Lmtp(ladle.UNIX) as client:
        for _ in range(10):
            tap.equal(client.deliver("a@sender.test", ["carol@example.test"],
                                     MESSAGE)["carol@example.test"].code, 250)
    tap.equal(len(behind.messages("user.carol")), 10)
    tap.check(max(text.count("MAIL FROM") for text in behind.dialogues()) > 2, behind.dialogues())
    tap.check(len(behind.dialogues()) - before <= 5, behind.dialogues())


@tap.case("Cyrus is started anew: what was open is opened again")
def _():
    recipient = "carol@example.test"
    with wire.Lmtp(ladle.UNIX) as client:
        behind.stop()
        reply = client.deliver("a@sender.test", [recipient], MESSAGE)[recipient]
        tap.equal((reply.code, reply.enhanced[:1]), (451, "4"), repr(reply))
        behind.start()
        tap.until(lambda: client.deliver("a@sender.test", [recipient], MESSAGE)[recipient].code
                  == 250, "it is used again", limit_s=60)
    tap.equal(len(behind.messages("user.carol")), 11)


tap.main()
