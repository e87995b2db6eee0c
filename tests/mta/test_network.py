#!/usr/bin/env python3
# lab: postfix
# time-limit: 240
"""Postfix delivers over a network: TLS, passwords, XFORWARD, many recipients, load."""

import os
import re
import subprocess

import credentials
import ladle
import maildir
import postfix
import tap
import wire
import world

KNOWN = "[127.0.0.1]:2401"    # trusted
SECURE = "[127.0.0.1]:2402"   # TLS and a password
IMPLICIT = "[127.0.0.1]:2403"  # TLS from the start
NAMES = ["n%d" % number for number in range(50)]
DIRECTORY = "/var/lib/test-ladle"


@tap.setup
def servers():
    global mx, bridge
    os.makedirs(DIRECTORY)
    certificate, key = credentials.certificate(DIRECTORY, "server", "mx.example.test")
    sasl = credentials.sasl(DIRECTORY + "/sasl", "mx.example.test", "mta", "secret",
                            world.VMAIL_UID, world.VMAIL_UID)
    world.add_virtual_users(dict.fromkeys(["alice", "bob"] + NAMES, ""))
    ladle.configure(lmtp="""
  sasl_path = "%s"
  listen "inet:127.0.0.1:2401" { trusted = {"127.0.0.0/8"} }
  listen "inet:127.0.0.1:2402" { tls = "required"  auth = "required" }
  listen "inet:127.0.0.1:2403" { tls = "implicit" }
""" % sasl, more="""
hostname = "mx.example.test"
tls { certificate = "%s"  key = "%s" }
""" % (certificate, key))
    bridge = ladle.Bridge().start()
    mx = postfix.Postfix({"virtual_mailbox_domains": "example.test",
                          "virtual_mailbox_maps": "static:all",
                          "lmtp_send_xforward_command": "yes",
                          "lmtp_tls_CAfile": certificate,
                          "lmtp_tls_loglevel": "1",
                          "lmtp_sasl_password_maps":
                          "inline:{{%s = mta:secret}}" % SECURE,
                          "lmtp_sasl_security_options": "noanonymous",
                          "virtual_transport": "lmtp:inet:" + KNOWN},
                         master="tlsmgr unix - - n 1000? 1 tlsmgr\n")
    mx.start()


def one_message(user):
    try:
        return maildir.only_message(world.maildir(user)).bytes
    finally:
        maildir.clear(world.maildir(user))


def delivered(user="alice"):
    delivery = mx.send(user + "@example.test")
    tap.equal((delivery.status, delivery.dsn), ("sent", "2.0.0"), repr(delivery))
    return one_message(user)


@tap.case("XFORWARD: our record has Postfix's queue id and the client it got the mail from")
def _():
    delivered()
    queue_id = re.search(r": ([0-9A-Z]{6,}): to=<alice@example.test>", mx.log()[mx.mark:]).group(1)
    record = tap.until(lambda: [one for one in ladle.records() if one["queue_id"] == queue_id],
                       "the record")[0]
    tap.equal((record["recipient"], record["client"]), ("alice@example.test", "127.0.0.1"))


@tap.case("lmtp_tls_security_level = encrypt, lmtp_sasl_auth_enable: each mechanism")
def _():
    mx.change(virtual_transport="lmtp:inet:" + SECURE, lmtp_tls_security_level="encrypt")
    delivery = mx.send("alice@example.test")
    tap.equal(delivery.status, "deferred", repr(delivery))
    tap.contains(delivery.text, "430 4.7.0 Authentication required")
    mx.clear_queue()
    for mechanism in ("plain", "login", "scram-sha-1", "scram-sha-256"):
        mx.change(lmtp_sasl_auth_enable="yes", lmtp_sasl_mechanism_filter=mechanism,
                  lmtp_sasl_tls_security_options="noanonymous")
        tap.contains(delivered(), b"with LMTPSA id")
        tap.contains(mx.log()[mx.mark:], "TLS connection established to 127.0.0.1")
    mx.change(lmtp_sasl_mechanism_filter="")


@tap.case("a wrong password waits: it is the site's fault, not the sender's")
def _():
    mx.change(lmtp_sasl_password_maps="inline:{{%s = mta:wrong}}" % SECURE)
    delivery = mx.send("alice@example.test")
    tap.equal(delivery.status, "deferred", repr(delivery))
    tap.contains(delivery.text, "535 5.7.8")
    mx.change(lmtp_sasl_password_maps="inline:{{%s = mta:secret}}" % SECURE)
    mx.flush()
    mx.wait_queue_empty()
    one_message("alice")


@tap.case("TLS from the start: lmtp_tls_wrappermode")
def _():
    mx.change(virtual_transport="lmtp:inet:" + IMPLICIT, lmtp_tls_wrappermode="yes",
              lmtp_sasl_auth_enable="no")
    tap.contains(delivered(), b"with LMTPS id")
    mx.change(lmtp_tls_wrappermode="no", virtual_transport="lmtp:inet:" + KNOWN,
              lmtp_tls_security_level="none")


@tap.case("fifty recipients of one message")
def _():
    mx.mark_log()
    addresses = [name + "@example.test" for name in NAMES]
    with wire.Smtp(mx.address) as client:
        replies = client.transaction("a@sender.test", addresses, postfix.MESSAGE)
    tap.equal({reply.code for reply in replies}, {250})
    for name, address in zip(NAMES, addresses):
        tap.equal(mx.delivery(address).status, "sent")
        tap.contains(one_message(name), b"Delivered-To: " + address.encode())


@tap.case("smtp-source speaks LMTP to us: 8 sessions, 500 messages, 3 recipients")
def _():
    # What it makes of bob and -r 3.
    users = ("bob", "2bob", "3bob")
    world.add_virtual_users({"2bob": "", "3bob": ""})
    subprocess.run(["smtp-source", "-L", "-c", "-s", "8", "-m", "500", "-r", "3", "-l", "4096",
                    "-f", "a@sender.test", "-t", "bob@example.test", "inet:127.0.0.1:24"],
                   check=True, stdout=subprocess.DEVNULL, timeout=120)
    stored = [len(maildir.messages(world.maildir(user))) for user in users]
    tap.equal(stored, [500, 500, 500])
    maildir.clear(world.maildir("bob"))


@tap.case("swaks: LMTP by unix socket and TCP; the PROXY protocol where it is not wanted")
def _():
    def swaks(*arguments):
        done = subprocess.run(["swaks", "--protocol", "LMTP", "--to", "bob@example.test", "--from",
                               "a@sender.test", *arguments], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        return done.returncode, done.stdout.decode("utf-8", "replace")

    for arguments in (("--socket", ladle.UNIX), ("--server", "127.0.0.1:24")):
        status, text = swaks(*arguments)
        tap.equal(status, 0, text)
        tap.contains(text, "250 2.0.0 <bob@example.test>")
        tap.contains(one_message("bob"), b"Subject: test")
    status, text = swaks("--server", "127.0.0.1:24", "--proxy-version", "1", "--proxy-family",
                         "TCP4", "--proxy-source", "192.0.2.1", "--proxy-source-port", "1",
                         "--proxy-dest", "127.0.0.1", "--proxy-dest-port", "24")
    tap.check(status != 0, text)


tap.main()
