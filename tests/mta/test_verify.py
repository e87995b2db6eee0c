#!/usr/bin/env python3
# lab: postfix
"""Recipients are verified while the sender is still there: reject_unverified_recipient asks
lmtp-bridge whether they exist, the policy service whether their mailbox is full."""

import os

import ladle
import maildir
import postfix
import tap
import wire
import world

ALIASES = ("inline:{{info@example.test = alice@example.test}"
           " {old@example.test = nosuch@example.test}"
           " {team@example.test = alice@example.test, bob@example.test}"
           " {@catchall.test = carol@example.test} {@lost.test = nosuch@example.test}}")


@tap.setup
def servers():
    global mx
    world.add_virtual_users({"alice": "", "bob": "", "carol": "", "full": world.SMALL_QUOTA,
                             "crowded": world.SMALL_QUOTA})
    ladle.configure()
    ladle.Bridge().start()
    world.fill("full", 150000)
    world.fill("crowded", 95000)
    mx = postfix.Postfix({
        "virtual_mailbox_domains": "example.test",
        "virtual_mailbox_maps": "static:all",
        "virtual_alias_domains": "catchall.test lost.test",
        "virtual_alias_maps": ALIASES,
        "virtual_transport": "lmtp:unix:" + ladle.UNIX,
        "smtpd_recipient_restrictions": "reject_unverified_recipient",
        "unverified_recipient_reject_code": "550"})
    mx.start()


def rcpt(recipient, sender="a@sender.test", *mail_parameters):
    """The reply to RCPT; nothing is sent."""
    with wire.Smtp(mx.address) as client:
        tap.equal(client.mail(sender, *mail_parameters).code, 250)
        return client.rcpt(recipient)


def restrict(restrictions):
    mx.change(smtpd_recipient_restrictions=restrictions)


def ask_bridge(recipient, sender, *mail_parameters):
    with wire.Lmtp(ladle.UNIX) as client:
        tap.equal(client.mail(sender, *mail_parameters).code, 250, "MAIL FROM")
        return client.rcpt(recipient)


@tap.case("an existing recipient is accepted")
def _():
    tap.equal(rcpt("alice@example.test").code, 250)


@tap.case("an unknown one is refused with our text in the SMTP reply")
def _():
    reply = rcpt("nosuch@example.test")
    tap.equal((reply.code, reply.enhanced), (550, "5.1.1"), repr(reply))
    tap.contains(reply.text, "550 5.1.1 <nosuch@example.test> User doesn't exist")


@tap.case("a verified recipient gets the message")
def _():
    tap.equal(mx.send("bob@example.test").status, "sent")
    maildir.only_message(world.maildir("bob"))


@tap.case("an alias to an existing recipient is accepted")
def _():
    tap.equal(rcpt("info@example.test").code, 250)


@tap.case("an alias to an unknown one is refused with our text")
def _():
    reply = rcpt("old@example.test")
    tap.equal(reply.code, 550, repr(reply))
    tap.contains(reply.text, "User doesn't exist")


@tap.case("a catch-all is accepted, one that leads nowhere is refused")
def _():
    tap.equal(rcpt("anyone@catchall.test").code, 250)
    reply = rcpt("anyone@lost.test")
    tap.equal(reply.code, 550, repr(reply))
    tap.contains(reply.text, "User doesn't exist")


@tap.case("an alias with two targets is accepted, and both get the message")
def _():
    maildir.clear(world.maildir("bob"))
    tap.equal(rcpt("team@example.test").code, 250)
    mx.mark_log()
    with wire.Smtp(mx.address) as client:
        client.transaction("a@sender.test", ["team@example.test"], postfix.MESSAGE)
    for name in ("alice", "bob"):
        tap.equal(mx.delivery(name + "@example.test").status, "sent")
        maildir.only_message(world.maildir(name))


@tap.case("the probe of a full mailbox is accepted: it does exist")
def _():
    tap.equal(rcpt("full@example.test").code, 250)
    for sender in ("double-bounce@mx.example.test", ""):
        tap.equal(ask_bridge("full@example.test", sender).code, 250, "from <%s>" % sender)


@tap.case("for a real sender a full mailbox is refused at RCPT")
def _():
    reply = ask_bridge("full@example.test", "a@sender.test")
    tap.equal((reply.code, reply.enhanced), (552, "5.2.2"), repr(reply))


@tap.case("an announced size that does not fit now, and one that never will")
def _():
    never = ask_bridge("crowded@example.test", "a@sender.test", "SIZE=900000000")
    tap.equal((never.code, never.enhanced), (552, "5.2.3"), repr(never))
    tap.equal(ask_bridge("crowded@example.test", "a@sender.test", "SIZE=1000").code, 250)


@tap.case("mail that follows a probe's 250 is refused after the dot")
def _():
    with wire.Lmtp(ladle.UNIX) as client:
        outcome = client.deliver("", ["full@example.test"], b"Subject: x\r\n\r\nx\r\n")
    tap.equal((outcome["full@example.test"].code, outcome["full@example.test"].enhanced),
              (552, "5.2.2"), repr(outcome))


@tap.case("a probe leaves no trace")
def _():
    maildir.clear(world.maildir("carol"))
    os.system("rm -rf " + world.maildir("carol"))
    before = len(ladle.records())
    tap.equal(ask_bridge("carol@example.test", "double-bounce@mx.example.test").code, 250)
    tap.equal(ask_bridge("nosuch@example.test", "").code, 550)
    tap.equal(os.listdir(os.path.dirname(world.maildir("carol"))), [])
    tap.equal(len(ladle.records()), before, "records")


@tap.case("the policy service: a full mailbox is refused, all else is none of its business")
def _():
    def ask(recipient, sender="a@sender.test", size="1000"):
        return wire.policy_ask(ladle.POLICY, recipient=recipient, sender=sender, size=size)
    action = ask("full@example.test")
    tap.check(action.startswith("552 5.2.2 "), action)
    tap.equal(ask("alice@example.test"), "DUNNO")
    tap.equal(ask("nosuch@example.test"), "DUNNO")
    tap.equal(ask("full@sub.example.test@"), "DUNNO")


@tap.case("through Postfix the policy service refuses at SMTP time")
def _():
    restrict("reject_unverified_recipient, check_policy_service unix:" + ladle.POLICY)
    tap.equal(rcpt("alice@example.test").code, 250)
    reply = rcpt("full@example.test")
    tap.equal((reply.code, reply.enhanced), (552, "5.2.2"), repr(reply))
    maildir.clear(world.maildir("full"))
    tap.equal(rcpt("full@example.test").code, 250, "emptied behind our back; nothing was cached")


@tap.case("when the bridge is away, verification is temporary")
def _():
    restrict("reject_unverified_recipient")
    os.rename(ladle.UNIX, ladle.UNIX + ".away")
    reply = rcpt("another@example.test")
    os.rename(ladle.UNIX + ".away", ladle.UNIX)
    tap.equal(reply.code // 100, 4, repr(reply))


tap.main()
