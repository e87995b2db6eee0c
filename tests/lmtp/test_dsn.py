#!/usr/bin/env python3
# lab: none
# time-limit: 200
"""DSN (RFC 3461): who asks for NOTIFY=SUCCESS gets one report for each recipient, and nobody else."""

import email
import os
import sys

sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
import bridge as bridges
import tap

HEAD = b"Subject: hi\r\nMessage-ID: <1@x>\r\nFrom: s@x\r\n"
TEXT = HEAD + b"\r\nsecret body\r\n"


class Reporting(bridges.Bridge):
    """Sends by a program that keeps what it is given."""

    def start(self):
        self.sent = os.path.join(self.mail, "sent")
        os.mkdir(self.sent)
        os.chown(self.sent, bridges.ACCOUNT.pw_uid, bridges.ACCOUNT.pw_gid)
        program = os.path.join(self.directory, "sendmail")
        with open(program, "w", encoding="ascii") as stream:
            stream.write('#!/bin/sh\nfile=$(mktemp %s/.XXXXXX)\n{ echo "X-Args: $*"; cat; } >$file\n'
                         'mv $file %s/$(basename $file | tr -d .)\n' % (self.sent, self.sent))
        os.chmod(program, 0o755)
        self.configure(globals='outbox { sendmail = "%s" }' % program)
        return super().start()

    def reports(self, count):
        """What was sent, which is then removed, by the final recipient."""
        tap.until(lambda: len(self.names()) >= count, "%d reports" % count)
        found = {}
        for name in self.names():
            path = os.path.join(self.sent, name)
            with open(path, "rb") as stream:
                report = email.message_from_binary_file(stream)
            os.unlink(path)
            status = report.get_payload()[1]
            found[status.get_payload()[1]["Final-Recipient"]] = report
        tap.equal(len(found), count)
        return found

    def names(self):
        return [name for name in os.listdir(self.sent) if not name.startswith(".")]


bridge = Reporting()
front = Reporting()


@tap.setup
def start():
    bridge.start()
    front.start()


def deliver(client, recipients, sender="s@x", mail=(), text=TEXT):
    """recipients: {address: RCPT's parameters}"""
    tap.equal(client.mail(sender, *mail).code, 250)
    for recipient, parameters in recipients.items():
        tap.equal(client.rcpt(recipient, *parameters).code, 250, recipient)
    return [reply.code for reply in client.data(text, len(recipients))]


@tap.case("a report on each recipient that asks, with what the sender said and the header only")
def _():
    with bridge.client() as client:
        deliver(client, {"u1@x": ["NOTIFY=SUCCESS", "ORCPT=rfc822;al+2Bias@y"],
                         "u2@x": ["NOTIFY=SUCCESS,FAILURE"], "u3@x": []},
                mail=["RET=FULL", "ENVID=QQ+2B314"])
    found = bridge.reports(2)
    tap.equal(sorted(found), ["rfc822; u1@x", "rfc822; u2@x"])
    report = found["rfc822; u1@x"]
    tap.equal(report["X-Args"], "-i -f <> -N never -- s@x")
    tap.equal((report.get_content_type(), report.get_param("report-type"), report["To"]),
              ("multipart/report", "delivery-status", "s@x"))
    tap.check(report["Auto-Submitted"].startswith("auto-"), "nobody answers it")
    text, status, head = report.get_payload()
    tap.equal([part.get_content_type() for part in (text, status, head)],
              ["text/plain", "message/delivery-status", "text/rfc822-headers"])
    message, recipient = status.get_payload()
    tap.equal((message["Reporting-MTA"], message["Original-Envelope-Id"]),
              ("dns; mx.test", "QQ+314"))
    tap.check(message["Arrival-Date"], "Arrival-Date")
    tap.equal({key: recipient[key] for key in ("Original-Recipient", "Final-Recipient", "Action",
                                               "Status")},
              {"Original-Recipient": "rfc822; al+ias@y", "Final-Recipient": "rfc822; u1@x",
               "Action": "delivered", "Status": "2.0.0"})
    tap.equal(head.get_payload().strip().encode(), HEAD.replace(b"\r\n", b"\n").strip())
    tap.check(b"secret" not in report.as_bytes(), "no body")
    tap.equal(found["rfc822; u2@x"].get_payload()[1].get_payload()[1]["Original-Recipient"], None)
    tap.equal(bridge.stored("u1")[0].count(b"X-Original-To: al+ias@y\n"), 1)


@tap.case("none to the null sender, with NEVER, FAILURE, DELAY or nothing, nor for a refusal")
def _():
    with bridge.client() as client:
        deliver(client, {"u4@x": ["NOTIFY=SUCCESS"]}, sender="")
        for asked in (["NOTIFY=NEVER"], ["NOTIFY=FAILURE"], ["NOTIFY=DELAY,FAILURE"], []):
            deliver(client, {"u4@x": asked})
        tap.equal(client.mail("s@x").code, 250)
        tap.equal(client.rcpt("nosuch@x", "NOTIFY=SUCCESS").code, 550)
        client.command("RSET")
        deliver(client, {"u5@x": ["NOTIFY=SUCCESS"]})
    # Mail leaves an outbox at once, so what was owed before this one would be there as well.
    tap.equal(list(bridge.reports(1)), ["rfc822; u5@x"])
    tap.equal(len(bridge.stored("u4")), 5)
    for user in ("u4", "nosuch"):
        tap.check(not os.path.exists(os.path.join(bridge.mail, ".state", user)), user)


@tap.case("a report that cannot be written makes the delivery wait")
def _():
    path = os.path.join(bridge.mail, ".state", "u6")
    with open(path, "w", encoding="ascii"):
        pass
    with bridge.client() as client:
        tap.equal(deliver(client, {"u6@x": ["NOTIFY=SUCCESS"], "u7@x": []}), [451, 250])
    tap.equal(bridge.stored("u6"), [])
    os.unlink(path)
    with bridge.client() as client:
        tap.equal(deliver(client, {"u6@x": ["NOTIFY=SUCCESS"]}), [250])
    tap.equal(list(bridge.reports(1)), ["rfc822; u6@x"])


@tap.case("addresses in UTF-8")
def _():
    bridge.set_users(more=["jürgen "])
    with bridge.client() as client:
        deliver(client, {"jürgen@x": ["NOTIFY=SUCCESS"]}, mail=["SMTPUTF8"])
    tap.until(bridge.names, "the report")
    with open(os.path.join(bridge.sent, bridge.names()[0]), "rb") as stream:
        text = stream.read()
    tap.contains(text, b"Content-Type: message/global-delivery-status\n")
    tap.contains(text, "\nFinal-Recipient: utf-8; jürgen@x\n".encode())
    os.unlink(os.path.join(bridge.sent, bridge.names()[0]))


@tap.case("a replay is reported once")
def _():
    with bridge.client() as client:
        deliver(client, {"u8@x": ["NOTIFY=SUCCESS"]})
        client.close()
    tap.until(lambda: "about <u8@x> was lost, and" in bridge.log(), "the lost reply")
    with bridge.client() as client:
        tap.equal(deliver(client, {"u8@x": ["NOTIFY=SUCCESS"], "u9@x": ["NOTIFY=SUCCESS"]}),
                  [250, 250])
    tap.equal(sorted(bridge.reports(2)), ["rfc822; u8@x", "rfc822; u9@x"])
    tap.equal(len(bridge.stored("u8")), 1)


@tap.case("mail that is handed on: who takes it over reports; else we say that it was relayed")
def _():
    for listener, reporter, action in ((bridge.unix, bridge, "delivered"),
                                       (bridge.unix_plain, front, "relayed")):
        os.chmod(listener, 0o666)
        front.set_users(count=0, more=["u20 userdb_mail=lmtp:unix:" + listener])
        with front.client() as client:
            tap.equal(deliver(client, {"u20@x": ["NOTIFY=SUCCESS", "ORCPT=rfc822;a@y"]},
                              mail=["ENVID=e1"]), [250])
        found = reporter.reports(1)["rfc822; u20@x"].get_payload()[1].get_payload()
        tap.equal((found[0]["Original-Envelope-Id"], found[1]["Original-Recipient"],
                   found[1]["Action"]), ("e1", "rfc822; a@y", action))
        tap.equal((front.names(), bridge.names()), ([], []))
    tap.equal(len(bridge.stored("u20")), 2)


try:
    tap.main()
finally:
    front.end()
    bridge.end()
