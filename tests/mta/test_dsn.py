#!/usr/bin/env python3
# lab: postfix
"""Senders who ask for a report of success (sendmail -N success -V ID) get it, through Postfix."""

import os
import re
import subprocess

import ladle
import maildir
import postfix
import tap
import world

SENDMAIL = "/usr/local/bin/lab-sendmail"
SCRIPTS = {"alice": "keep;", "bob": "discard;", "carol": 'redirect "target@example.test";',
           "dave": 'require "copy"; redirect :copy "target@example.test";',
           "erin": 'require "reject"; reject "no";', "target": "keep;",
           "frank": 'require "fileinto"; fileinto "Work";'}


def configure(transport):
    ladle.configure(more="""\
outbox { sendmail = "%s"  retry_min = "1s"  retry_max = "2s"  transport = "%s" }
sieve { redirect_sender = "sender" }
""" % (SENDMAIL, transport))


@tap.setup
def servers():
    global mx, bridge
    world.add_virtual_users(dict.fromkeys(SCRIPTS, ""))
    for name, script in SCRIPTS.items():
        world.write_as("vmail", "%s/%s/.dovecot.sieve" % (world.HOMES, name), script)
    os.makedirs("/var/lib/ladle", exist_ok=True)
    os.chown("/var/lib/ladle", world.VMAIL_UID, world.VMAIL_UID)
    configure("sendmail")
    bridge = ladle.Bridge().start()
    mx = postfix.Postfix({"virtual_mailbox_domains": "example.test",
                          "virtual_mailbox_maps": "static:all",
                          "virtual_alias_maps": "inline:{{info@example.test = alice@example.test}}",
                          "virtual_transport": "lmtp:unix:" + ladle.UNIX})
    with open(SENDMAIL, "w", encoding="utf-8") as stream:
        stream.write('#!/bin/sh\nexec /usr/sbin/sendmail -C %s "$@"\n' % mx.config)
    os.chmod(SENDMAIL, 0o755)
    mx.start()


def submit(names, notify, sender="a@sender.test"):
    subprocess.run([SENDMAIL, "-i", "-f", sender, "-N", notify, "-V", "envid1", "--",
                    *(name + "@example.test" for name in names)], check=True, timeout=60,
                   input=b"From: a@sender.test\nSubject: hello\n\nsecret\n")
    tap.until(lambda: not mx.queue(), "the queue is empty")


def reports():
    """(final recipient, action) of every report the sender has, in order of recipients."""
    found = []
    for text in mx.bounces():
        found += re.findall(r"^Final-Recipient: \S+ (\S+)\n(?:Original-Recipient: .*\n)?"
                            r"Action: (\S+)", text, re.M)
    return sorted(found)


def until_reports(*wanted):
    """Exactly these; then they are gone. Ours is from an outbox, Postfix's own from its queue."""
    tap.until(lambda: len(reports()) >= len(wanted), "reports on %r" % (wanted,))
    tap.until(lambda: not mx.queue(), "the queue is empty")
    texts = mx.bounces()
    tap.equal(reports(), sorted((name + "@example.test", action) for name, action in wanted))
    for folder in ("new", "cur"):
        path = "%s/bounces/%s" % (mx.root, folder)
        for name in os.listdir(path) if os.path.isdir(path) else ():
            os.unlink(os.path.join(path, name))
    return texts


@tap.case("two recipients who keep it: one report each, with ENVID and without the text")
def _():
    submit(["alice", "frank"], "success")
    for text in until_reports(("alice", "delivered"), ("frank", "delivered")):
        tap.contains(text, "Original-Envelope-Id: envid1\n")
        tap.contains(text, "Return-Path: <>\n")
        tap.contains(text, "Subject: hello\n")
        tap.check("secret" not in text, text)


@tap.case("through an alias, of which Postfix reports: the original recipient arrives with the message")
def _():
    submit(["info"], "success")
    until_reports(("info", "expanded"))
    tap.contains(maildir.messages(world.maildir("alice"))[-1].bytes,
                 b"X-Original-To: info@example.test\n")


@tap.case("discarded, and kept beside a redirect: delivered, once")
def _():
    submit(["bob", "dave"], "success")
    until_reports(("bob", "delivered"), ("dave", "delivered"))


@tap.case("none with never or failure, nor to the null sender")
def _():
    submit(["alice", "carol"], "never")
    submit(["alice", "carol"], "failure")
    submit(["alice", "carol"], "success", sender="<>")
    submit(["alice"], "success")
    until_reports(("alice", "delivered"))


@tap.case("refused: the bounce, and no report of success")
def _():
    submit(["erin"], "success,failure")
    until_reports(("erin", "failed"))


@tap.case("sent on by sendmail: the MTA reports, as the parameters went along")
def _():
    submit(["carol"], "success")
    text, = until_reports(("target", "delivered"))
    tap.contains(text, "envid1")


@tap.case("sent on by SMTP to a server without DSN: relayed, and not whereto")
def _():
    bridge.stop()
    configure("smtp:127.0.0.1:25")
    mx.change(smtpd_discard_ehlo_keywords="dsn")
    bridge.start()
    mx.flush()
    submit(["carol"], "success")
    text, = until_reports(("carol", "relayed"))
    tap.contains(text, "Original-Envelope-Id: envid1\n")
    tap.check("target@" not in text, text)


tap.main()
