#!/usr/bin/env python3
# lab: postfix
"""A site keeps its pipe transport and its mailbox_command; lmtp-bridge only answers whether a
recipient exists: address_verify_virtual_transport, address_verify_local_transport."""

import os

import ladle
import maildir
import postfix
import tap
import wire
import world

UNIX = "lmtp:unix:" + ladle.UNIX


@tap.setup
def servers():
    global mx, bridge
    world.add_virtual_users({"alice": "", "disabled": "delivery=no"})
    world.add_system_user("sys1")
    ladle.configure(account='session_user = "nobody"')
    bridge = ladle.Bridge().start()
    mx = postfix.Postfix({
        "virtual_mailbox_domains": "example.test",
        "virtual_mailbox_maps": "static:all",
        "virtual_transport": "ladle",
        "ladle_destination_recipient_limit": "1",
        "address_verify_virtual_transport": UNIX,
        "mydestination": "local.test",
        "mailbox_command": ladle.DELIVER,
        "address_verify_local_transport": UNIX,
        "address_verify_poll_delay": "1s",
        "recipient_delimiter": "+",
        "smtpd_recipient_restrictions": "reject_unverified_recipient",
        "unverified_recipient_reject_code": "550"}, ladle.PIPE_TRANSPORT)
    mx.start()


def rcpt(recipient):
    with wire.Smtp(mx.address) as client:
        tap.equal(client.mail("a@sender.test").code, 250)
        return client.rcpt(recipient)


def no_lmtp_but_probes():
    lines = [line for line in mx.log().splitlines() if "/lmtp[" in line and " to=<" in line]
    tap.check(lines, "there were probes")
    for line in lines:
        tap.check("status=deliverable" in line or "status=undeliverable" in line, line)


@tap.case("virtual users: the unknown are refused with our text, mail goes through the pipe")
def _():
    reply = rcpt("nosuch@example.test")
    tap.equal((reply.code, reply.enhanced), (550, "5.1.1"), repr(reply))
    tap.contains(reply.text, "550 5.1.1 <nosuch@example.test> User doesn't exist")
    reply = rcpt("disabled@example.test")
    tap.equal(reply.code, 550, repr(reply))
    tap.contains(reply.text, "550 5.2.1 <disabled@example.test> Mailbox is disabled")
    delivery = mx.send("alice@example.test")
    tap.equal((delivery.status, delivery.relay), ("sent", "ladle"), repr(delivery))
    block, below = maildir.header_block(maildir.only_message(world.maildir("alice")).bytes,
                                        ladle.BLOCK)
    tap.equal(dict(block)["Return-Path"], "<a@sender.test>")
    tap.check(b"with LMTP" not in below, below)
    no_lmtp_but_probes()


@tap.case("system users: the same, mail goes through local(8) and its mailbox_command")
def _():
    reply = rcpt("nosuch@local.test")
    tap.equal((reply.code, reply.enhanced), (550, "5.1.1"), repr(reply))
    tap.contains(reply.text, "<nosuch@local.test> User doesn't exist")
    tap.equal(mx.send("sys1+work@local.test").relay, "local")
    message = maildir.only_message("/home/sys1/Maildir")
    tap.equal(os.stat(message.path).st_uid, os.stat("/home/sys1").st_uid)
    no_lmtp_but_probes()


@tap.case("the bridge is down: who is not known yet is asked to come again, mail on its way arrives")
def _():
    maildir.clear(world.maildir("alice"))
    bridge.stop()
    tap.equal(rcpt("alice+new@example.test").code, 450)
    mx.sendmail("a@sender.test", ["alice@example.test"], postfix.MESSAGE)
    mx.wait_queue_empty()
    maildir.only_message(world.maildir("alice"))


tap.main()
