#!/usr/bin/env python3
# lab: postfix
"""Postfix delivers through lmtp-bridge, by its unix and by its TCP socket."""

import re

import ladle
import maildir
import postfix
import tap
import wire
import world

UNIX = "lmtp:unix:" + ladle.UNIX
INET = "lmtp:inet:[127.0.0.1]:24"
DSN = "lmtp:inet:[127.0.0.1]:2405"


@tap.setup
def servers():
    global mx, bridge
    world.add_virtual_users({"alice": "", "bob": "", "carol": "", "dave": "", "jürgen": "",
                             "full": world.SMALL_QUOTA})
    ladle.configure(lmtp='listen "inet:127.0.0.1:2405" { dsn = true }')
    bridge = ladle.Bridge().start()
    mx = postfix.Postfix({"virtual_mailbox_domains": "example.test bücher.test",
                          "virtual_mailbox_maps": "static:all",
                          "virtual_alias_maps": "inline:{{info@example.test = bob@example.test}}",
                          "virtual_transport": UNIX})
    mx.start()


def one_message(user):
    """The only message of a user, which is then removed: (fields of the block, rest)."""
    try:
        message = maildir.only_message(world.maildir(user))
        tap.equal(maildir.rubbish(world.maildir(user)), [])
    finally:
        maildir.clear(world.maildir(user))
    tap.check(message.sizes_are_true(), repr(message))
    block, below = maildir.header_block(message.bytes)
    return dict(block), below


def transport_works():
    delivery = mx.send("alice@example.test")
    tap.equal((delivery.status, delivery.dsn), ("sent", "2.0.0"), repr(delivery))
    block, below = one_message("alice")
    tap.equal(block["Return-Path"], "<a@sender.test>")
    tap.equal(block["Delivered-To"], "alice@example.test")
    tap.contains(block["Received"], "with LMTP")
    tap.check(below.endswith(b"\n\nhello\n.dot\n"), repr(below))

    delivery = mx.send("nosuch@example.test")
    tap.equal((delivery.status, delivery.dsn), ("bounced", "5.1.1"), repr(delivery))
    tap.contains(delivery.text, "550 5.1.1 <nosuch@example.test> User doesn't exist")
    tap.contains(mx.bounce_for("nosuch@example.test"), "User doesn't exist")


@tap.case("virtual_transport = lmtp:unix:")
def _():
    transport_works()


@tap.case("virtual_transport = lmtp:inet:")
def _():
    mx.change(virtual_transport=INET)
    transport_works()
    mx.change(virtual_transport=UNIX)


@tap.case("a full mailbox bounces with 5.2.2, a null sender's mail too")
def _():
    world.fill("full", 150000)
    delivery = mx.send("full@example.test")
    tap.equal((delivery.status, delivery.dsn), ("bounced", "5.2.2"), repr(delivery))
    tap.contains(delivery.text, "552 5.2.2")
    delivery = mx.send("full@example.test", sender="")
    tap.equal((delivery.status, delivery.dsn), ("bounced", "5.2.2"), repr(delivery))
    tap.equal(len(maildir.messages(world.maildir("full"))), 1)


@tap.case("each recipient of one message has a fate of its own")
def _():
    mx.mark_log()
    names = ["alice", "nosuch", "full", "bob"]
    with wire.Smtp(mx.address) as client:
        replies = client.transaction("a@sender.test", [name + "@example.test" for name in names],
                                     postfix.MESSAGE)
    tap.equal([reply.code for reply in replies], [250] * 6, repr(replies))
    fates = {name: mx.delivery(name + "@example.test") for name in names}
    tap.equal({name: (fate.status, fate.dsn) for name, fate in fates.items()},
              {"alice": ("sent", "2.0.0"), "nosuch": ("bounced", "5.1.1"),
               "full": ("bounced", "5.2.2"), "bob": ("sent", "2.0.0")})
    tap.equal(one_message("alice")[0]["Delivered-To"], "alice@example.test")
    tap.equal(one_message("bob")[0]["Delivered-To"], "bob@example.test")


@tap.case("through an alias")
def _():
    tap.equal(mx.send("info@example.test", ends_at="bob@example.test").status, "sent")
    tap.equal(one_message("bob")[0]["Delivered-To"], "bob@example.test")


@tap.case("detail after + names a folder that exists, else it is the inbox's")
def _():
    tap.equal(mx.send("dave+lists@example.test").status, "sent")
    maildir.only_message(world.maildir("dave"))
    world.make_folder("dave", "lists")
    tap.equal(mx.send("dave+lists@example.test").status, "sent")
    maildir.only_message(world.maildir("dave"), "lists")


@tap.case("SMTPUTF8: addresses and header in UTF-8")
def _():
    text = "From: jürgen@bücher.test\r\nSubject: Grüße 你好\r\n\r\nSchöne Grüße\r\n".encode()
    delivery = mx.send("jürgen@bücher.test", sender="ärger@sender.test", message=text)
    tap.equal(delivery.status, "sent", repr(delivery))
    block, below = one_message("jürgen")
    tap.equal(block["Return-Path"], "<ärger@sender.test>")
    tap.contains(below, "\nSubject: Grüße 你好\n".encode())


@tap.case("SMTPUTF8: an unknown user's refusal names them in UTF-8")
def _():
    delivery = mx.send("unbekännt@bücher.test", sender="ärger@sender.test")
    tap.equal((delivery.status, delivery.dsn), ("bounced", "5.1.1"), repr(delivery))
    tap.contains(delivery.text, "<unbekännt@bücher.test> User doesn't exist")


def send_dsn(recipient, notify, orcpt, ends_at=None):
    """One message with DSN's parameters; how its delivery ended."""
    mx.mark_log()
    with wire.Smtp(mx.address) as client:
        replies = [client.mail("a@sender.test", "RET=HDRS", "ENVID=QQ+2B314159"),
                   client.rcpt(recipient, "NOTIFY=" + notify, "ORCPT=rfc822;" + orcpt)]
        replies += client.data(postfix.MESSAGE)
    tap.equal([reply.code for reply in replies], [250] * 3, repr(replies))
    return mx.delivery(ends_at or recipient)


@tap.case("DSN: what the sender called the recipient is in X-Original-To, also through an alias")
def _():
    mx.change(virtual_transport=DSN)
    tap.equal(send_dsn("alice@example.test", "FAILURE", "First+2BName@old.test").status, "sent")
    tap.equal(one_message("alice")[0]["X-Original-To"], "First+Name@old.test")
    tap.equal(mx.send("info@example.test", ends_at="bob@example.test").status, "sent")
    tap.equal(one_message("bob")[0]["X-Original-To"], "info@example.test")


@tap.case("DSN: NOTIFY=NEVER, nobody hears of a failure; NOTIFY=FAILURE, the sender does")
def _():
    tap.equal(send_dsn("nosuch@example.test", "NEVER", "never@old.test").status, "bounced")
    mx.wait_queue_empty()
    tap.equal(send_dsn("nosuch@example.test", "FAILURE", "failing@old.test").status, "bounced")
    bounce = tap.until(lambda: [text for text in mx.bounces()
                                if "Original-Recipient: rfc822;failing@old.test" in text],
                       "the bounce")[0]
    tap.contains(bounce, "Original-Envelope-Id: QQ")
    tap.equal([text for text in mx.bounces() if "never@old.test" in text], [])
    mx.change(virtual_transport=UNIX)


@tap.case("8BITMIME body arrives as it was sent")
def _():
    body = bytes(range(128, 256)) + b"\r\n"
    mx.mark_log()
    with wire.Smtp(mx.address) as client:
        client.transaction("a@sender.test", ["alice@example.test"],
                           b"Subject: 8\r\n\r\n" + body, "BODY=8BITMIME")
    tap.equal(mx.delivery("alice@example.test").status, "sent")
    tap.check(one_message("alice")[1].endswith(body.replace(b"\r\n", b"\n")), "body is kept")


@tap.case("a queue of messages goes over reused connections")
def _():
    mx.change(defer_transports="lmtp", lmtp_destination_concurrency_limit="2")
    for number in range(30):
        with wire.Smtp(mx.address) as client:
            client.transaction("a@sender.test", ["carol@example.test"],
                               b"Subject: %d\r\n\r\nx\r\n" % number)
    mx.mark_log()
    mx.change(defer_transports="")
    mx.flush()
    mx.wait_queue_empty()
    tap.equal(len(maildir.messages(world.maildir("carol"))), 30)
    reused = re.findall(r"to=<carol@.*conn_use=(\d+)", mx.log()[mx.mark:])
    tap.check(len(reused) >= 15, "connections were reused: conn_use %r" % reused)


@tap.case("a session of a certain age ends while Postfix keeps its connection: nothing waits for it")
def _():
    global bridge
    bridge.stop()
    bridge = ladle.Bridge(arguments=["-o", "lmtp.session_age=1s"]).start()
    mx.change(lmtp_connection_cache_destinations="static:all",
              lmtp_connection_cache_time_limit="20s")
    mx.mark_log()
    uses, sent = [], 0

    def is_renewed():
        nonlocal uses, sent
        with wire.Smtp(mx.address) as client:
            client.transaction("a@sender.test", ["carol@example.test"], b"Subject: x\r\n\r\n")
        sent += 1
        tap.until(lambda: len(mx.deliveries("carol@example.test")) == sent, "it is delivered")
        uses = [int(use) for use in re.findall(r"to=<carol@.*conn_use=(\d+)", mx.log()[mx.mark:])]
        return sent - len(uses) >= 3 and sent >= 5

    tap.until(is_renewed, "new connections", limit_s=60)
    tap.equal([one for one in mx.deliveries("carol@example.test") if one.status != "sent"], [])
    print("# %d messages, %d of them over a connection used before" % (sent, len(uses)))
    bridge.stop()
    bridge = ladle.Bridge().start()


@tap.case("the bridge is down: mail waits and comes when it is back")
def _():
    global bridge
    bridge.stop()
    delivery = mx.send("alice@example.test")
    tap.equal((delivery.status, delivery.dsn[:3]), ("deferred", "4.4"), repr(delivery))
    bridge = ladle.Bridge().start()
    mx.flush()
    mx.wait_queue_empty()
    one_message("alice")


tap.main()
