#!/usr/bin/env python3
# lab: postfix
# time-limit: 240
"""What scripts send and refuse, between real Postfix queues: redirects arrive byte for byte, by
sendmail and by SMTP; refusals are bounces with the script's words; rewritten senders come back."""

import os
import re
import signal

import ladle
import maildir
import postfix
import tap
import wire
import world

HEADER = (b"DKIM-Signature: v=1; bh=abc=;\r\n\tb=def\r\nFrom: a@sender.test\r\nTo: x@example.test\r\n"
          b"Date: Sat, 21 Nov 2026 09:30:00 +0000\r\n"
          b"Subject: =?utf-8?q?odd?=  \t subject\r\nMessage-ID: <1@sender.test>\r\n")
MESSAGE = (HEADER + b"\r\n8-bit \xff\xc3\xa4\r\n.\r\n..dots\r\n" + b"long " * 150 + b"\r\n"
           + b"trailing blanks  \t\r\n\r\n")
SENDMAIL = "/usr/local/bin/lab-sendmail"
SRS = ladle.SOCKETS + "/srs"
SCRIPTS = {
    "alice": 'redirect "target@example.test";',
    "bob": 'require "reject"; reject "Not here.\nNot now.";',
    "carol": "keep;",
    "dave": 'redirect "nosuch@example.test";',
    "erin": 'require "copy"; redirect :copy "target@example.test";',
}


def configure(outbox, redirect_sender="sender"):
    ladle.configure(more="""\
outbox { sendmail = "%s"  retry_min = "1s"  retry_max = "2s"  %s }
srs { key_file = "/etc/ladle/srs.keys"  domain = "example.test"  listen "unix:%s" { mode = "0666" } }
sieve { redirect_sender = "%s"  redirect_duplicate_period = "0" }
""" % (SENDMAIL, outbox, SRS, redirect_sender))


@tap.setup
def servers():
    global mx, bridge
    world.add_virtual_users(dict.fromkeys([*SCRIPTS, "target"], ""))
    for name, script in SCRIPTS.items():
        world.write_as("vmail", "%s/%s/.dovecot.sieve" % (world.HOMES, name), script)
    os.makedirs("/var/lib/ladle", exist_ok=True)
    os.chown("/var/lib/ladle", world.VMAIL_UID, world.VMAIL_UID)
    os.makedirs("/etc/ladle", exist_ok=True)
    world.write_as("vmail", "/etc/ladle/srs.keys", "a key of the lab\n")
    configure('transport = "sendmail"')
    mx = postfix.Postfix({"virtual_mailbox_domains": "example.test",
                          "virtual_transport": "ladle",
                          "virtual_mailbox_maps": "static:all",
                          "recipient_canonical_classes": "envelope_recipient",
                          "ladle_destination_recipient_limit": "1"}, ladle.PIPE_TRANSPORT)
    with open(SENDMAIL, "w", encoding="utf-8") as stream:
        stream.write('#!/bin/sh\nexec /usr/sbin/sendmail -C %s "$@"\n' % mx.config)
    os.chmod(SENDMAIL, 0o755)
    mx.start()
    bridge = ladle.Bridge()


def arrived(count=1):
    """What the target has by now, which is then removed."""
    tap.until(lambda: len(maildir.messages(world.maildir("target"))) >= count, "it has arrived")
    messages = [message.bytes for message in maildir.messages(world.maildir("target"))]
    maildir.clear(world.maildir("target"))
    tap.equal(len(messages), count)
    return messages


def is_untouched(user):
    message, = arrived()
    tap.check(message.endswith(MESSAGE.replace(b"\r\n", b"\n")), repr(message[-1500:]))
    tap.contains(message, b"\nX-Sieve-Redirected-From: %s@example.test\n" % user)
    tap.equal(message.count(b"\nDelivered-To:"), 1)
    return message


@tap.case("by pipe and sendmail: a redirect arrives byte for byte, from the same sender")
def _():
    tap.equal(mx.send("alice@example.test", message=MESSAGE).status, "sent")
    tap.contains(is_untouched(b"alice"), b"Return-Path: <a@sender.test>\n")
    tap.equal(maildir.messages(world.maildir("alice")), [])


@tap.case("by pipe: a refusal is a bounce with the script's words")
def _():
    delivery = mx.send("bob@example.test", message=MESSAGE)
    tap.equal((delivery.status, delivery.dsn, delivery.text.strip()),
              ("bounced", "5.7.1", "Not here. Not now."))
    tap.contains(mx.bounce_for("bob@example.test"), "Not here. Not now.")
    tap.equal(maildir.messages(world.maildir("bob")), [])


@tap.case("a loop of two redirects ends with one stored copy")
def _():
    world.write_as("vmail", world.HOMES + "/target/.dovecot.sieve", 'redirect "alice@example.test";')
    mx.send("alice@example.test", message=MESSAGE)
    tap.until(lambda: maildir.messages(world.maildir("alice")), "it has come back")
    mx.wait_queue_empty()
    os.unlink(world.HOMES + "/target/.dovecot.sieve")
    tap.equal((len(maildir.messages(world.maildir("alice"))),
               maildir.messages(world.maildir("target"))), (1, []))
    maildir.clear(world.maildir("alice"))


@tap.case("by LMTP and SMTP: a redirect arrives byte for byte, sent by the bridge")
def _():
    configure('transport = "smtp:127.0.0.1:25"')
    bridge.start()
    mx.change(virtual_transport="lmtp:unix:" + ladle.UNIX)
    tap.equal(mx.send("alice@example.test", message=MESSAGE).status, "sent")
    is_untouched(b"alice")


@tap.case("by LMTP: three recipients, one refuses with 550 5.7.1 and all its lines")
def _():
    mx.mark_log()
    with wire.Smtp(mx.address) as client:
        client.transaction("a@sender.test",
                           [name + "@example.test" for name in ("carol", "bob", "erin")], MESSAGE)
    ends = [mx.delivery(name + "@example.test") for name in ("carol", "bob", "erin")]
    tap.equal([(end.status, end.dsn) for end in ends],
              [("sent", "2.0.0"), ("bounced", "5.7.1"), ("sent", "2.0.0")])
    tap.contains(ends[1].text, "550-5.7.1 <bob@example.test> Not here. 550 5.7.1 Not now.")
    tap.equal([len(maildir.messages(world.maildir(name))) for name in ("carol", "bob", "erin")],
              [1, 0, 1])
    is_untouched(b"erin")
    maildir.clear(world.maildir("erin"))


@tap.case("a transport that is down: delivered once, and sent once when it is up")
def _():
    for name in ("erin", "target"):
        maildir.clear(world.maildir(name))
    configure('transport = "smtp:127.0.0.1:9"')
    bridge.process.send_signal(signal.SIGHUP)
    tap.until(lambda: ladle.read_log().count("new configuration") == 1, "the new configuration")
    tap.equal(mx.send("erin@example.test", message=MESSAGE).status, "sent")
    tap.until(lambda: re.search("redirect to <target@example.test> .* waits", ladle.read_log()),
              "it was tried in vain")
    tap.equal(maildir.messages(world.maildir("target")), [])
    configure('transport = "smtp:127.0.0.1:25"')
    bridge.process.send_signal(signal.SIGHUP)
    is_untouched(b"erin")
    mx.wait_queue_empty()
    tap.equal(len(maildir.messages(world.maildir("erin"))), 1)
    tap.equal(os.listdir("/var/lib/ladle/erin/outbox/new"), [])


@tap.case("srs: the bounce of a redirect finds the original sender; a forged address is nobody's")
def _():
    configure('transport = "smtp:127.0.0.1:25"', "srs")
    bridge.process.send_signal(signal.SIGHUP)
    tap.until(lambda: ladle.read_log().count("new configuration") == 3, "the new configuration")
    mx.change(recipient_canonical_maps="socketmap:unix:%s:srs" % SRS)
    mx.mark_log()
    tap.equal(mx.send("dave@example.test", message=MESSAGE).status, "sent")
    sender = tap.until(lambda: re.search(r"from=<(SRS0=[^>]*)>", mx.log()[mx.mark:]),
                       "it is sent by a rewritten sender").group(1)
    tap.check(sender.endswith("=sender.test=a@example.test"), sender)
    tap.contains(mx.bounce_for("nosuch@example.test"), "To: " + sender)
    tap.equal(mx.delivery("a@sender.test").status, "sent")
    forged = sender.replace("=a@", "=b@")
    tap.equal(mx.send(forged, sender="").status, "bounced")


tap.main()
