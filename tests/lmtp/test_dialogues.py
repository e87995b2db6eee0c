#!/usr/bin/env python3
# lab: none
# time-limit: 120
"""lmtp-bridge from outside: who is accepted, what is answered, what is stored."""

import os
import signal
import sys

sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
import bridge as bridges
import tap
import wire

HELLO = b"Subject: hi\r\n\r\nhello\r\n"
LF_HELLO = HELLO.replace(b"\r\n", b"\n")
bridge = bridges.Bridge(quota='rule "*" { storage = "20K" }  grace = "0"')


@tap.setup
def start():
    bridge.set_users(50, more=["off delivery=no", "full ", "big "])
    bridge.start()


@tap.case("a message is stored through unix and TCP sockets, IPv4 and IPv6")
def _():
    for number, address in enumerate((bridge.unix, bridge.inet, bridge.inet6)):
        if address is None:
            continue
        user = "u%d" % number
        with bridge.client(address) as client:
            tap.contains(client.banner.text, "mx.test")
            got = client.deliver("s@x.test", [user + "@example.test"], HELLO)
            tap.contains(repr(got[user + "@example.test"]), "250 2.0.0 <%s@example.test> " % user)
            tap.equal(client.quit().code, 221)
        stored = bridge.stored(user)
        tap.equal(len(stored), 1)
        tap.check(stored[0].endswith(LF_HELLO), "the message as it was")
        tap.contains(stored[0], b"Return-Path: <s@x.test>\n")
        tap.contains(stored[0], b"Delivered-To: %s@example.test\n" % user.encode())


@tap.case("the reply to LHLO fits into the 255 bytes that Exim's lmtp transport can take")
def _():
    with bridge.client() as client:
        reply = client.command("LHLO x")
        tap.check(len("\r\n".join(reply.lines)) + 2 <= 255, repr(reply))


@tap.case("extensions: DSN unless the listener has it off")
def _():
    with bridge.client(bridge.unix_plain) as plain, bridge.client() as with_dsn:
        wanted = {"8BITMIME": "", "ENHANCEDSTATUSCODES": "", "PIPELINING": "", "SMTPUTF8": "",
                  "CHUNKING": "", "LIMITS": "RCPTMAX=1000", "SIZE": ""}
        tap.equal(plain.extensions, wanted)
        tap.equal(with_dsn.extensions, dict(wanted, DSN=""))
        plain.mail("s@x")
        tap.equal(plain.rcpt("u3@x", "NOTIFY=NEVER").code, 555)
        with_dsn.mail("s@x")
        tap.equal(with_dsn.rcpt("u3@x", "ORCPT=rfc822;al+2Bias@x", "NOTIFY=NEVER").code, 250)
        tap.equal(with_dsn.data(HELLO)[0].code, 250)
        tap.contains(bridge.stored("u3")[0], b"X-Original-To: al+ias@x\n")


@tap.case("unknown, disabled and empty recipients are refused, the others get their mail")
def _():
    with bridge.client() as client:
        got = client.deliver("s@x", ["u4@x", "nobody@x", "off@x", "", "u5@x"], HELLO)
    tap.equal(repr(got["nobody@x"]), "550 5.1.1 <nobody@x> User doesn't exist: nobody@x")
    tap.equal((got["off@x"].code, got["off@x"].enhanced), (550, "5.2.1"))
    tap.equal(got[""].code, 550)
    tap.equal([got["u4@x"].code, got["u5@x"].code], [250, 250])
    tap.equal(len(bridge.stored("u4")) + len(bridge.stored("u5")), 2)


@tap.case("a full mailbox: refused at RCPT, not to a probe, and then after the dot")
def _():
    big = b"Subject: big\r\n\r\n" + b"x" * 70 + b"\r\n"
    with bridge.client() as client:
        for _ in range(200):
            got = client.deliver("s@x", ["full@x"], big * 20)["full@x"]
            if got.code != 250:
                break
        tap.equal((got.code, got.enhanced), (552, "5.2.2"))
        client.command("RSET")
        client.mail("s@x", "SIZE=2000")
        refusal = client.rcpt("full@x")
        tap.equal((refusal.code, refusal.enhanced), (552, "5.2.2"))
        client.command("RSET")
        for sender in ("", "double-bounce@mx.test"):
            client.mail(sender, "SIZE=2000")
            tap.equal(client.rcpt("full@x").code, 250)
            client.command("RSET")
        got = client.deliver("", ["full@x", "u6@x"], big * 20)
        tap.equal((got["full@x"].code, got["full@x"].enhanced), (552, "5.2.2"))
        tap.equal(got["u6@x"].code, 250)


@tap.case("a message that can never fit is refused at RCPT when it says so, else after the dot")
def _():
    with bridge.client() as client:
        client.mail("s@x", "SIZE=1000000")
        reply = client.rcpt("big@x")
        tap.equal((reply.code, reply.enhanced), (552, "5.2.3"))
        client.command("RSET")
        got = client.deliver("s@x", ["big@x"], b"x" * 1000000)["big@x"]
        tap.equal((got.code, got.enhanced), (552, "5.2.3"))


@tap.case("the policy service: full and too large as LMTP, everything else DUNNO")
def _():
    ask = lambda **attributes: wire.policy_ask(bridge.policy, sender="s@x", **attributes)
    tap.contains(ask(recipient="full@x", size="2000"), "552 5.2.2 ")
    tap.contains(ask(recipient="u7@x", size="10000000"), "552 5.2.3 ")
    for recipient in ("u7@x", "nobody@x", "off@x", "not an address", ""):
        tap.equal(ask(recipient=recipient), "DUNNO")
    tap.equal(ask(recipient="full@x", protocol_state="DATA"), "DUNNO")


@tap.case("a probe leaves no trace")
def _():
    files, log = bridge.files(), bridge.log()
    with bridge.client() as client:
        for sender in ("", "double-bounce@mx.test"):
            for recipient, code in (("u20@x", 250), ("nobody@x", 550), ("off@x", 550)):
                client.mail(sender)
                tap.equal(client.rcpt(recipient).code, code)
                client.command("RSET")
        client.quit()
    tap.equal(bridge.files(), files)
    tap.equal(bridge.log(), log)


@tap.case("pipelined commands are answered together")
def _():
    with bridge.client() as client:
        client.send("MAIL FROM:<>\r\nRCPT TO:<u8@x>\r\nRCPT TO:<nobody@x>\r\nRSET\r\n")
        got = client.socket.recv(65536).decode()
        tap.equal([line[:3] for line in got.splitlines()], ["250", "250", "550", "250"])


@tap.case("twenty recipients, one named twice: one reply each, one message each")
def _():
    names = ["u%d@x" % number for number in range(10, 30)]
    with bridge.client() as client:
        client.mail("s@x")
        for name in names + ["u10@x"]:
            tap.equal(client.rcpt(name).code, 250)
        replies = client.data(HELLO, 21)
        tap.equal([reply.code for reply in replies], [250] * 21)
        tap.equal(repr(replies[0]), repr(replies[20]))
        tap.equal(client.command("NOOP").code, 250)
    for number in range(10, 30):
        tap.equal(len(bridge.stored("u%d" % number)), 1)


@tap.case("every byte survives; CR LF becomes LF")
def _():
    odd = {
        "u31": b"Subject: x\r\n\r\n\0\x01\x80\xff\r\n",
        "u32": b"Subject: x\r\n\r\n" + b"long" * 1500 + b"\r\n",
        "u33": b"Subject: x\r\n\r\na\nb\rc\r\n.\nd\r\n.\re\r\n",
        "u34": b"Subject: x\r\n\r\na\r\n..\r\n.x\r\n",
        "u35": b"\r\n",
    }
    with bridge.client() as client:
        for user, message in odd.items():
            tap.equal(client.deliver("s@x", [user], message)[user].code, 250, user)
            stored = bridge.stored(user)[0]
            tap.check(stored.endswith(message.replace(b"\r\n", b"\n")), "%s: %r" % (user, stored))


@tap.case("nothing but CRLF.CRLF ends the data")
def _():
    with bridge.client() as client:
        for end in (b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n"):
            client.mail("s@x")
            client.rcpt("u36@x")
            client.command("DATA")
            client.send(b"a" + end + b"MAIL FROM:<evil@x>\r\nRCPT TO:<u37@x>\r\nDATA\r\n\r\n.\r\n")
            tap.equal(client.reply().code, 250)
            tap.equal(client.command("NOOP").code, 250)
    tap.equal(len(bridge.stored("u36")), 6)
    tap.equal(bridge.stored("u37"), [])


@tap.case("chunks: CR LF becomes LF over their borders, every other byte survives")
def _():
    message = b"Subject: x\r\n\r\na\r\n.\r\n\0\r\xff\n\r\r\n.."
    with bridge.client() as client:
        for step in (1, 2, 3, 7, len(message)):
            client.mail("s@x")
            for name in ("u41@x", "u42@x", "u41@x"):
                tap.equal(client.rcpt(name).code, 250)
            for at in range(0, len(message), step):
                piece = message[at:at + step]
                client.send(b"BDAT %d\r\n" % len(piece) + piece)
                tap.equal(client.reply().code, 250)
            client.send(b"BDAT 0 LAST\r\n")
            tap.equal([client.reply().code for _ in range(3)], [250] * 3)
    for user in ("u41", "u42"):
        stored = bridge.stored(user)
        tap.equal(len(stored), 5)
        for one in stored:
            tap.check(one.endswith(message.replace(b"\r\n", b"\n")), repr(one))


@tap.case("chunks that were reset or refused are gone; what they held is no command")
def _():
    evil = b"MAIL FROM:<evil@x>\r\nRCPT TO:<u43@x>\r\nDATA\r\n.\r\n"
    with bridge.client() as client:
        for recipient, replies in (("u44@x", [250, 250]), ("nobody@x", [550, 503])):
            client.send(b"MAIL FROM:<s@x>\r\nRCPT TO:<%s>\r\n" % recipient.encode()
                        + b"BDAT %d\r\n%sRSET\r\nBDAT 2 LAST\r\nxy" % (len(evil), evil))
            tap.equal([client.reply().code for _ in range(5)], [250] + replies + [250, 503])
        tap.equal(client.deliver("s@x", ["u44@x"], HELLO)["u44@x"].code, 250)
    tap.equal(bridge.stored("u43"), [])
    tap.equal(len(bridge.stored("u44")), 1)


@tap.case("UTF-8 addresses and headers")
def _():
    bridge.set_users(50, more=["j\u00f6rg "])
    with bridge.client() as client:
        client.mail("s\u00e4nder@x", "SMTPUTF8")
        tap.contains(repr(client.rcpt("unbekannt\u00df@x")), "<unbekannt\u00df@x>")
        tap.equal(client.rcpt("j\u00f6rg@x").code, 250)
        tap.equal(client.data("Subject: gr\u00fc\u00dfe\r\n\r\n".encode())[0].code, 250)
    stored = bridge.stored("j\u00f6rg")[0].decode()
    tap.contains(stored, "Return-Path: <s\u00e4nder@x>")
    tap.contains(stored, "with UTF8LMTP id")
    tap.contains(stored, "Subject: gr\u00fc\u00dfe")


@tap.case("the delivery id of the reply stands in the record")
def _():
    with bridge.client() as client:
        reply = client.deliver("s@x", ["u38@x"], HELLO)["u38@x"]
    delivery_id = reply.text.split()[2]

    def records():
        with open(os.path.join(bridge.mail, "records"), encoding="utf-8") as stream:
            return [line for line in stream if "id=%s " % delivery_id in line]

    # The reply does not wait for the record.
    lines = tap.until(records, "the record")
    tap.equal(len(lines), 1)
    tap.contains(lines[0], "recipient=u38@x")


@tap.case("SIZE: the limit is offered, said at MAIL, and held after the dot")
def _():
    bridge.configure(lmtp='max_message = "10K"')
    bridge.process.send_signal(signal.SIGHUP)
    tap.until(lambda: bridge.client().extensions["SIZE"] == "10240", "the new limit")
    with bridge.client() as client:
        reply = client.mail("s@x", "SIZE=10241")
        tap.equal((reply.code, reply.enhanced), (552, "5.2.3"))
        got = client.deliver("s@x", ["u39@x", "u40@x"], b"x" * 70 * 1000)
        tap.equal([got["u39@x"].code, got["u40@x"].code], [552, 552])
        tap.equal(client.deliver("s@x", ["u39@x"], HELLO)["u39@x"].code, 250)


try:
    tap.main()
finally:
    bridge.end()
