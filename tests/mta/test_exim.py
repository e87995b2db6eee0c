#!/usr/bin/env python3
# lab: exim
"""Exim hands mail to deliver and to lmtp-bridge, and verifies recipients by callout."""

import os

import credentials
import exim
import ladle
import maildir
import tap
import wire
import world

MESSAGE = b"From: a@sender.test\r\nSubject: hello\r\n\r\nhello\r\n"
CALLOUT = "require verify = recipient/callout=30s,random"


CERTIFICATE = "/var/lib/test-ladle/server.pem"
MANY = ["m%d" % number for number in range(150)]


@tap.setup
def servers():
    os.makedirs("/var/lib/test-ladle")
    _, key = credentials.certificate("/var/lib/test-ladle", "server", "mx.example.test")
    sasl = credentials.sasl("/var/lib/test-ladle/sasl", "mx.example.test", "mta", "secret",
                            world.VMAIL_UID, world.VMAIL_UID)
    world.add_virtual_users(dict.fromkeys(MANY, ""))
    world.add_virtual_users({"alice": "", "bob": "", "full": world.SMALL_QUOTA})
    ladle.configure(lmtp="""
  sasl_path = "%s"
  listen "inet:127.0.0.1:2402" { tls = "required"  auth = "required" }
""" % sasl, more="""
hostname = "mx.example.test"
tls { certificate = "%s"  key = "%s" }
""" % (CERTIFICATE, key))
    ladle.Bridge().start()
    world.fill("full", 150000)


def start(*arguments, **options):
    global mx
    if "mx" in globals():
        mx.stop()
    mx = exim.Exim(*arguments, **options).start()


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
    # Pipelined, and by BDAT.
    tap.contains(fate[1], " L K ")
    tap.contains(stored("alice"), b"\nSubject: hello\n")


@tap.case("smtp transport, protocol = lmtp: 150 recipients, some unknown, each with its own fate")
def _():
    many("lmtp")


@tap.case("lmtp transport, batch_max = 200: 150 recipients by the unix socket, some unknown")
def _():
    start("socket")
    many("socket")
    start("lmtp")


def many(transport):
    mx.mark_log()
    names = MANY + ["nosuch1", "full", "nosuch2"]
    with wire.Smtp(mx.address) as client:
        replies = client.transaction("a@sender.test", [name + "@example.test" for name in names],
                                     MESSAGE)
    tap.equal({reply.code for reply in replies}, {250})
    for name, mark in (("nosuch1", "**"), ("nosuch2", "**"), ("m0", "=>"), ("m149", "=>")):
        tap.equal(mx.fate(name + "@")[0].replace("->", "=>"), mark, name)
    tap.contains(mx.log()[mx.mark:], "T=" + transport)
    for name in MANY:
        stored(name)


@tap.case("smtp transport, protocol = lmtp: TLS and PLAIN")
def _():
    start("secure", certificate=CERTIFICATE)
    _, fate = send("alice@example.test")
    tap.equal(fate[0], "=>", repr(fate))
    tap.contains(fate[1], " X=TLS")
    tap.contains(fate[1], " A=plain")
    tap.contains(stored("alice"), b"with LMTPSA id")
    start("lmtp")


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
