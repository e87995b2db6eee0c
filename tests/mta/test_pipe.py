#!/usr/bin/env python3
# lab: postfix
"""Postfix hands mail to deliver by pipe(8); what it logs and what the sender is told."""

import os

import ladle
import maildir
import postfix
import tap
import world

@tap.setup
def servers():
    global mx
    world.add_virtual_users({"alice": "", "bob": "", "carol": "", "dave": "",
                             "full": world.SMALL_QUOTA})
    ladle.configure()
    mx = postfix.Postfix({"virtual_mailbox_domains": "example.test",
                          "virtual_transport": "ladle",
                          "virtual_mailbox_maps": "static:all",
                          "virtual_alias_maps": "inline:{{info@example.test = bob@example.test}}",
                          "recipient_delimiter": "+",
                          "ladle_destination_recipient_limit": "1"}, ladle.PIPE_TRANSPORT)
    mx.start()


@tap.case("mail is sent and stored as it came")
def _():
    delivery = mx.send("alice@example.test")
    tap.equal((delivery.status, delivery.dsn), ("sent", "2.0.0"), repr(delivery))
    message = maildir.only_message(world.maildir("alice"))
    block, below = maildir.header_block(message.bytes, ladle.BLOCK)
    tap.equal(dict(block), {"Return-Path": "<a@sender.test>",
                            "X-Original-To": "alice@example.test",
                            "Delivered-To": "alice@example.test"})
    tap.contains(below, b"\nSubject: hello\n")
    tap.check(below.endswith(b"\n\nhello\n.dot\n"), repr(below))
    tap.check(message.sizes_are_true(), repr(message))
    tap.equal(maildir.rubbish(world.maildir("alice")), [])


@tap.case("on success deliver prints nothing")
def _():
    delivery = mx.send("alice@example.test")
    tap.equal(delivery.text, "delivered via ladle service", repr(delivery))


@tap.case("the address an alias was written to is kept")
def _():
    delivery = mx.send("info@example.test", ends_at="bob@example.test")
    tap.equal(delivery.status, "sent")
    block, _ = maildir.header_block(maildir.only_message(world.maildir("bob")).bytes, ladle.BLOCK)
    tap.equal((dict(block)["X-Original-To"], dict(block)["Delivered-To"]),
              ("info@example.test", "bob@example.test"))


@tap.case("the null sender stays the null sender")
def _():
    tap.equal(mx.send("carol@example.test", sender="").status, "sent")
    message = maildir.only_message(world.maildir("carol"))
    block, _ = maildir.header_block(message.bytes, ladle.BLOCK)
    tap.equal(dict(block)["Return-Path"], "<>")


@tap.case("an unknown user bounces with 5.1.1 and our text")
def _():
    delivery = mx.send("nosuch@example.test")
    tap.equal((delivery.status, delivery.dsn), ("bounced", "5.1.1"), repr(delivery))
    tap.contains(delivery.text, "User doesn't exist")
    text = mx.bounce_for("nosuch@example.test")
    tap.contains(text, "Status: 5.1.1")
    tap.contains(text, "User doesn't exist")


@tap.case("a full mailbox bounces with 5.2.2 and our text, and stores nothing")
def _():
    world.fill("full", 150000)
    delivery = mx.send("full@example.test")
    tap.equal((delivery.status, delivery.dsn), ("bounced", "5.2.2"), repr(delivery))
    text = mx.bounce_for("full@example.test")
    tap.contains(text, "Status: 5.2.2")
    for secret in ("/srv", "uid", "errno"):
        tap.check(secret not in delivery.text, "no %s in %s" % (secret, delivery.text))
    tap.equal(len(maildir.messages(world.maildir("full"))), 1)
    tap.equal(maildir.rubbish(world.maildir("full")), [])


@tap.case("detail after + names the folder")
def _():
    tap.equal(mx.send("dave+lists@example.test").status, "sent")
    maildir.only_message(world.maildir("dave"), "lists")
    tap.equal(maildir.messages(world.maildir("dave")), [])


@tap.case("trouble with the configuration defers, and the mail comes when it is mended")
def _():
    os.rename(ladle.CONFIG_PATH, ladle.CONFIG_PATH + ".good")
    with open(ladle.CONFIG_PATH, "w", encoding="utf-8") as stream:
        stream.write('no_such_setting = "x"\n')
    before = len(maildir.messages(world.maildir("alice")))
    delivery = mx.send("alice@example.test")
    tap.equal((delivery.status, delivery.dsn[:3]), ("deferred", "4.3"), repr(delivery))
    tap.check(ladle.CONFIG_PATH not in delivery.text, "no path in " + delivery.text)
    os.rename(ladle.CONFIG_PATH + ".good", ladle.CONFIG_PATH)
    mx.mark_log()
    mx.flush()
    mx.wait_queue_empty()
    tap.equal(len(maildir.messages(world.maildir("alice"))), before + 1)


@tap.case("a mailbox that cannot be written defers")
def _():
    os.makedirs(world.HOMES + "/bob/elsewhere")
    os.rename(world.maildir("bob"), world.maildir("bob") + ".good")
    with open(world.maildir("bob"), "w", encoding="utf-8") as stream:
        stream.write("not a directory\n")
    delivery = mx.send("bob@example.test")
    tap.equal((delivery.status, delivery.dsn[:1]), ("deferred", "4"), repr(delivery))
    os.unlink(world.maildir("bob"))
    os.rename(world.maildir("bob") + ".good", world.maildir("bob"))
    mx.clear_queue()


@tap.case("several recipients in one command line defer with the remedy")
def _():
    status, output = ladle.deliver(postfix.MESSAGE, "-f", "a@sender.test", "-d", "alice",
                                   "bob@example.test")
    tap.equal(status, 75, output)
    tap.contains(output, "4.3.5 several recipients: set "
                         "<transport>_destination_recipient_limit = 1")


tap.main()
