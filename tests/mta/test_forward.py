#!/usr/bin/env python3
# lab: postfix
# time-limit: 240
"""`|deliver` in .forward: local(8) runs it as the user, who has scripts that redirect, answer and
refuse. What goes out is submitted by the user, with the sendmail of the machine and, but for the
last cases, without any configuration of ours."""

import os
import pwd
import re

import ladle
import maildir
import postfix
import tap
import world

USERS = ("anna", "bert", "target")
FORWARD = "|%s\n" % ladle.DELIVER
MESSAGE = (b"From: a@sender.test\r\nTo: anna@example.test\r\nSubject: hello\r\n"
           b"Date: Sat, 21 Nov 2026 09:30:00 +0000\r\n"
           b"Message-ID: <%d@sender.test>\r\n\r\nhello\r\n.dot\r\n\r\n")
number = iter(range(1, 1000))


@tap.setup
def servers():
    global mx
    world.in_lab()
    for name in USERS:
        world.add_system_user(name)
        world.write_as(name, "/home/%s/.forward" % name, FORWARD, 0o644)
    if os.path.exists(ladle.CONFIG_PATH):
        os.unlink(ladle.CONFIG_PATH)
    mx = postfix.Postfix.of_the_machine({"mydestination": "example.test",
                                         "recipient_delimiter": "+",
                                         "local_transport": "local:$myhostname"})
    mx.start()


def script(name, text):
    world.write_as(name, "/home/%s/.dovecot.sieve" % name, text)


def home(name):
    return "/home/%s/Maildir" % name


def take(name, count=1):
    """What they have by now, which is then removed."""
    tap.until(lambda: len(maildir.messages(home(name))) >= count, "mail for " + name, 60)
    found = [message.bytes for message in maildir.messages(home(name))]
    maildir.clear(home(name))
    tap.equal(len(found), count)
    return found


def send(name, message=None, **options):
    delivery = mx.send(name + "@example.test", message=message or MESSAGE % next(number),
                       **options)
    return delivery.status, delivery.dsn


def submitted(name):
    """Senders of what this user has given to sendmail since the last mark."""
    return re.findall(r"pickup.*: uid=%d from=<(.*)>" % pwd.getpwnam(name).pw_uid,
                      mx.log()[mx.mark:])


@tap.case("redirect: byte for byte, from the same sender, submitted by the user; nothing is stored")
def _():
    script("anna", 'redirect "target@example.test";')
    message = MESSAGE % next(number)
    tap.equal(send("anna", message), ("sent", "2.0.0"))
    got, = take("target")
    tap.check(got.endswith(message.replace(b"\r\n", b"\n")), repr(got))
    tap.contains(got, b"\nX-Sieve-Redirected-From: anna@example.test\n")
    tap.contains(got, b"Return-Path: <a@sender.test>\n")
    tap.equal(submitted("anna"), ["a@sender.test"])
    tap.equal(maildir.messages(home("anna")), [])


@tap.case("redirect :copy to one who redirects back: each has one copy")
def _():
    script("anna", 'require "copy"; redirect :copy "bert@example.test";')
    script("bert", 'require "copy"; redirect :copy "anna@example.test";')
    tap.equal(send("anna"), ("sent", "2.0.0"))
    take("bert")
    mx.wait_queue_empty()
    tap.until(lambda: len(maildir.messages(home("anna"))) == 2, "it has come back", 60)
    mx.wait_queue_empty()
    tap.equal([len(maildir.messages(home(name))) for name in ("anna", "bert")], [2, 0])
    for name in ("anna", "bert"):
        os.unlink("/home/%s/.dovecot.sieve" % name)
    maildir.clear(home("anna"))


@tap.case("redirect with a detail, and of the null sender's mail")
def _():
    script("anna", 'redirect "target+lists@example.test";')
    tap.equal(send("anna", sender=""), ("sent", "2.0.0"))
    got, = take("target")
    tap.contains(got, b"Return-Path: <>\n")
    tap.equal(submitted("anna"), [""])


@tap.case("vacation: one answer from the null sender, submitted by the user; the mail is kept")
def _():
    script("anna", 'require "vacation"; vacation "Away, and glad of it.";')
    mx.mark_log()
    before = len(mx.bounces())
    tap.equal(send("anna"), ("sent", "2.0.0"))
    answers = tap.until(lambda: mx.bounces()[before:], "the answer arrives", 60)
    tap.contains(answers[0], "Away, and glad of it.")
    tap.contains(answers[0], "Auto-Submitted: auto-replied")
    tap.contains(answers[0], "Return-Path: <>")
    tap.contains(answers[0], "From: anna@example.test")
    tap.equal(submitted("anna"), [""])
    tap.equal(send("anna"), ("sent", "2.0.0"))
    take("anna", 2)
    mx.wait_queue_empty()
    tap.equal((len(mx.bounces()) - before, submitted("anna")), (1, []))


@tap.case("reject: the sender gets local(8)'s bounce with the script's words; nothing is stored")
def _():
    script("anna", 'require "reject"; reject "Not here.\nNot now.";')
    tap.equal(send("anna"), ("bounced", "5.7.1"))
    bounce = mx.bounce_for("anna@example.test")
    tap.contains(" ".join(bounce.split()), "Not here. Not now.")
    tap.contains(bounce, "Status: 5.7.1")
    tap.equal((maildir.messages(home("anna")), submitted("anna")), ([], []))
    count = len(mx.bounces())
    tap.equal(send("anna", sender=""), ("bounced", "5.7.1"))
    mx.wait_queue_empty()
    tap.equal(len(mx.bounces()), count, "nobody is told")


@tap.case("a broken script: the mail is kept, with the error beside the script")
def _():
    script("anna", "redirect;\n")
    tap.equal(send("anna"), ("sent", "2.0.0"))
    take("anna")
    with open("/home/anna/.dovecot.sieve.log", encoding="utf-8") as stream:
        tap.contains(stream.read(), "dovecot.sieve:1:1: error: ")


@tap.case("a script that cannot be read, or whose state cannot be made, defers; then it is done")
def _():
    script("anna", 'redirect "target@example.test";')
    os.chown("/home/anna/.dovecot.sieve", 0, 0)
    tap.equal(send("anna")[0], "deferred")
    os.chown("/home/anna/.dovecot.sieve", *world.ids("anna"))
    os.rename("/home/anna/.local", "/home/anna/.away")
    with open("/home/anna/.local", "w", encoding="utf-8"):
        pass
    tap.equal(send("anna")[0], "deferred")
    os.unlink("/home/anna/.local")
    os.rename("/home/anna/.away", "/home/anna/.local")
    mx.flush()
    mx.wait_queue_empty()
    take("target", 2)
    tap.equal(maildir.messages(home("anna")), [])


@tap.case("while sendmail is away: delivered once, and sent with the next mail when it is due")
def _():
    script("anna", 'require "copy"; redirect :copy "target@example.test";')
    os.rename("/usr/sbin/sendmail", "/usr/sbin/sendmail.away")
    try:
        tap.equal(send("anna"), ("sent", "2.0.0"))
        take("anna")
        waiting = "/home/anna/.local/state/ladle/outbox/new"
        tap.equal(len(os.listdir(waiting)), 1)
    finally:
        os.rename("/usr/sbin/sendmail.away", "/usr/sbin/sendmail")
    with open(ladle.CONFIG_PATH, "w", encoding="utf-8") as stream:
        stream.write('outbox { retry_min = "1s"  retry_max = "1s" }\n')
    script("anna", "keep;")

    def is_sent():
        tap.equal(send("anna"), ("sent", "2.0.0"))
        return not os.listdir(waiting)

    tap.until(is_sent, "it is sent", 60)
    take("target")


@tap.case("a full mailbox bounces with 5.2.2, and by setting waits")
def _():
    world.write_as("anna", "/home/anna/.dovecot.sieve", "keep;")
    for over, end in (("refuse", ("bounced", "5.2.2")), ("defer", ("deferred", "4.2.2"))):
        with open(ladle.CONFIG_PATH, "w", encoding="utf-8") as stream:
            stream.write('quota { over = "%s"  grace = "0"  rule "*" { messages = 1 } }\n' % over)
        tap.equal(send("anna"), end)
    mx.clear_queue()


tap.main()
