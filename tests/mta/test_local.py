#!/usr/bin/env python3
# lab: postfix
"""The ways local(8) has of giving mail away: transports, mailbox_command, .forward."""

import os
import pwd

import ladle
import maildir
import postfix
import tap
import world

UNIX = "lmtp:unix:" + ladle.UNIX
FORWARD = '|"test -x %s || exit 75; exec %s"\n' % (ladle.DELIVER, ladle.DELIVER)
SETTINGS = ("mailbox_transport", "fallback_transport", "mailbox_command", "local_transport")
DEFAULTS = dict(dict.fromkeys(SETTINGS, ""), local_transport="local:$myhostname")


@tap.setup
def servers():
    global mx
    world.add_virtual_users({"alice": "", "bob": ""})
    for name in ("sys1", "sys2", "sys3"):
        world.add_system_user(name)
    ladle.configure()
    ladle.Bridge().start()
    mx = postfix.Postfix(dict(DEFAULTS, mydestination="example.test", recipient_delimiter="+",
                              alias_maps="inline:{{info = sys1@example.test}}",
                              ladle_destination_recipient_limit="1"), ladle.PIPE_TRANSPORT)
    mx.start()


def with_setting(name, value):
    mx.change(**dict(DEFAULTS, **{name: value}))


def take(root, folder="INBOX"):
    """The only message of a Maildir, which is then removed: (fields of the block, rest)."""
    try:
        message = maildir.only_message(root, folder)
    finally:
        maildir.clear(root)
    block, below = maildir.header_block(message.bytes, ladle.BLOCK)
    return dict(block), below


def home(name):
    return "/home/%s/Maildir" % name


def owner(path):
    return pwd.getpwuid(os.stat(path).st_uid).pw_name


def lmtp_works():
    delivery = mx.send("alice@example.test")
    tap.equal((delivery.status, delivery.dsn), ("sent", "2.0.0"), repr(delivery))
    tap.equal(take(world.maildir("alice"))[0]["Return-Path"], "<a@sender.test>")
    delivery = mx.send("nosuch@example.test")
    tap.equal((delivery.status, delivery.dsn), ("bounced", "5.1.1"), repr(delivery))
    tap.contains(delivery.text, "User doesn't exist")


def command_works():
    """What mailbox_command and .forward have in common; mail goes to sys1."""
    delivery = mx.send("sys1@example.test")
    tap.equal((delivery.status, delivery.dsn), ("sent", "2.0.0"), repr(delivery))
    tap.equal(owner(maildir.only_message(home("sys1")).path), "sys1")
    block, below = take(home("sys1"))
    tap.equal(block, {"Return-Path": "<a@sender.test>", "X-Original-To": "sys1@example.test",
                      "Delivered-To": "sys1@example.test"})
    tap.check(not below.startswith(b"From "), "the From_ line of local(8) is removed")
    tap.check(below.endswith(b"\n\nhello\n.dot\n"), repr(below))

    tap.equal(mx.send("sys1@example.test", sender="").status, "sent")
    tap.equal(take(home("sys1"))[0]["Return-Path"], "<>")

    tap.equal(mx.send("info@example.test", ends_at="sys1@example.test").status, "sent")
    tap.equal(take(home("sys1"))[0]["X-Original-To"], "info@example.test")


@tap.case("mailbox_transport = lmtp:unix:")
def _():
    with_setting("mailbox_transport", UNIX)
    lmtp_works()


@tap.case("local_transport = lmtp:unix:")
def _():
    with_setting("local_transport", UNIX)
    lmtp_works()


@tap.case("fallback_transport = lmtp:unix: for whom the system does not know")
def _():
    with_setting("fallback_transport", UNIX)
    lmtp_works()


@tap.case("fallback_transport = ladle: (pipe)")
def _():
    with_setting("fallback_transport", "ladle:")
    lmtp_works()


@tap.case("mailbox_command runs deliver as the user")
def _():
    with_setting("mailbox_command", ladle.DELIVER)
    command_works()


@tap.case("mailbox_command: an address with detail")
def _():
    tap.equal(mx.send("sys2+lists@example.test").status, "sent")
    found = [folder for folder in ["INBOX"] + maildir.folders(home("sys2"))
             for _ in maildir.messages(home("sys2"), folder)]
    tap.equal(len(found), 1, "stored once, in %r" % found)


@tap.case(".forward with deliver, and no configuration file at all")
def _():
    with_setting("mailbox_command", "")
    os.rename(ladle.CONFIG_PATH, ladle.CONFIG_PATH + ".away")
    world.write_as("sys1", "/home/sys1/.forward", FORWARD, 0o644)
    try:
        command_works()
    finally:
        os.rename(ladle.CONFIG_PATH + ".away", ladle.CONFIG_PATH)


@tap.case(".forward with deliver and the site's configuration")
def _():
    command_works()


@tap.case(".forward: a configuration that cannot be used defers")
def _():
    with open(ladle.CONFIG_PATH, encoding="utf-8") as stream:
        good = stream.read()
    with open(ladle.CONFIG_PATH, "a", encoding="utf-8") as stream:
        stream.write('no_such_setting = "x"\n')
    delivery = mx.send("sys1@example.test")
    with open(ladle.CONFIG_PATH, "w", encoding="utf-8") as stream:
        stream.write(good)
    tap.equal((delivery.status, delivery.dsn[:3]), ("deferred", "4.3"), repr(delivery))
    mx.flush()
    mx.wait_queue_empty()
    take(home("sys1"))


@tap.case(".forward: while deliver is being replaced mail waits")
def _():
    world.write_as("sys3", "/home/sys3/.forward", FORWARD, 0o644)
    os.rename(ladle.DELIVER, ladle.DELIVER + ".old")
    delivery = mx.send("sys3@example.test")
    os.rename(ladle.DELIVER + ".old", ladle.DELIVER)
    tap.equal((delivery.status, delivery.dsn[:1]), ("deferred", "4"), repr(delivery))
    mx.flush()
    mx.wait_queue_empty()
    take(home("sys3"))


tap.main()
