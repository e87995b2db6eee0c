#!/usr/bin/env python3
# lab: postfix
"""Mail that is handed on to Dovecot's LMTP server: what it stores, refuses and is asked."""

import os
import re

import dovecot
import ladle
import maildir
import tap
import wire
import world

HOMES = "/srv/behind"
USERS = "/etc/ladle/behind"
SOCKET = "/run/behind-lmtp"
PORT = 2424
MESSAGE = (b"From: a@sender.test\r\nSubject: hello\r\n\r\n.dot\r\n..two\r\n\xe4\xff 8 bit\r\n"
           b"long " + b"x" * 3000 + b"\r\n\r\n.\r\nend\r\n")
CROWD = ["c%d" % number for number in range(40)]
STORED = MESSAGE.replace(b"\r\n", b"\n")


@tap.setup
def servers():
    global behind
    # "stale" is known to us alone.
    world.add_virtual_users({"alice": "", "bob": "", "stale": "", "full": "", **dict.fromkeys(CROWD, ""),
                             "carol": "userdb_mail=lmtp:inet:127.0.0.1:%d" % PORT})
    world.add_virtual_users({"alice": "", "bob": "", "carol": "", "full": world.SMALL_QUOTA, **dict.fromkeys(CROWD, "")},
                            file=USERS, homes=HOMES)
    behind = dovecot.Dovecot(users=USERS, more=dovecot.LMTP.format(socket=SOCKET, port=PORT))
    behind.start()
    ladle.configure(store="lmtp:unix:" + SOCKET)
    ladle.Bridge().start()


def root(user):
    return "%s/%s/Maildir" % (HOMES, user)


def deliver(*users, message=MESSAGE, client=None):
    recipients = [user + "@example.test" for user in users]
    with client or wire.Lmtp(ladle.UNIX) as mx:
        replies = mx.deliver("a@sender.test", recipients, message)
    return [replies[recipient] for recipient in recipients]


def connects():
    return len(re.findall(r"lmtp\(\d+\): Connect from", behind.log()))


@tap.case("stored byte for byte, by unix socket and TCP, with one trace of a final delivery")
def _():
    for user in ("alice", "carol"):
        tap.equal([reply.code for reply in deliver(user)], [250])
        stored = maildir.only_message(root(user))
        tap.check(stored.bytes.endswith(b"\n" + STORED), repr(stored.bytes))
        names = re.findall(rb"^([A-Za-z-]+):", stored.bytes.partition(b"\n\n")[0], re.MULTILINE)
        tap.equal(names, [b"Return-Path", b"Delivered-To", b"Received", b"Received", b"From",
                          b"Subject"])
        maildir.clear(root(user))
        tap.check(not os.path.exists(world.maildir(user)), "nothing stays here")


@tap.case("who is unknown there is refused at RCPT with Dovecot's words")
def _():
    reply = deliver("stale")[0]
    tap.equal((reply.code, reply.enhanced), (550, "5.1.1"), repr(reply))
    tap.contains(reply.text, "User doesn't exist: stale@example.test")


@tap.case("a full mailbox there: its answer after the dot; the other recipient has its mail")
def _():
    tap.equal(deliver("full", message=MESSAGE + b"x" * 80000 + b"\r\n")[0].code, 250)
    replies = deliver("full", "bob", message=MESSAGE + b"x" * 30000 + b"\r\n")
    tap.equal([reply.code for reply in replies], [552, 250], repr(replies))
    tap.equal(replies[0].enhanced, "5.2.2", repr(replies))
    maildir.only_message(root("full"))
    maildir.only_message(root("bob"))
    maildir.clear(root("bob"))


@tap.case("a detail is the folder there")
def _():
    tap.equal(deliver("alice+Work")[0].code, 250)
    tap.check(maildir.only_message(root("alice"), "Work").bytes.endswith(STORED), "the message")
    tap.equal(maildir.messages(root("alice")), [])


# Each of our delivery processes has a connection of its own, and on a busy machine a session may
# be served by several.
@tap.case("forty recipients are not forty connections")
def _():
    before = connects()
    replies = deliver(*CROWD)
    tap.equal({reply.code for reply in replies}, {250}, repr(replies))
    for name in CROWD:
        tap.check(maildir.only_message(root(name)).bytes.endswith(STORED), name)
    tap.check(connects() - before <= 5, "%d connections" % (connects() - before))


@tap.case("one connection serves many messages")
def _():
    before = connects()
    with wire.Lmtp(ladle.UNIX) as client:
        for _ in range(10):
            tap.equal(client.deliver("a@sender.test", ["bob@example.test"],
                                     MESSAGE)["bob@example.test"].code, 250)
    tap.check(connects() - before <= 5, "%d connections" % (connects() - before))
    tap.equal(len(maildir.messages(root("bob"))), 10)
    maildir.clear(root("bob"))


@tap.case("Dovecot is started anew: what was open is opened again")
def _():
    with wire.Lmtp(ladle.UNIX) as client:
        recipient = "bob@example.test"
        tap.equal(client.deliver("a@sender.test", [recipient], MESSAGE)[recipient].code, 250)
        behind.stop()
        behind.start()
        tap.equal(client.deliver("a@sender.test", [recipient], MESSAGE)[recipient].code, 250)
        behind.stop()
        reply = client.deliver("a@sender.test", [recipient], MESSAGE)[recipient]
        tap.equal((reply.code, reply.enhanced[:1]), (451, "4"), repr(reply))
        behind.start()
        tap.until(lambda: client.deliver("a@sender.test", [recipient], MESSAGE)[recipient].code
                  == 250, "it is used again", limit_s=60)
    tap.equal(len(maildir.messages(root("bob"))), 3)


tap.main()
