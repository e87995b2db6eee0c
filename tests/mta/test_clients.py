#!/usr/bin/env python3
# lab: postfix
"""Small LMTP clients: OpenSMTPD's mail.lmtp, and swaks with TLS and a password."""

import os
import subprocess

import credentials
import ladle
import maildir
import tap
import wire
import world

MAIL_LMTP = "/opt/opensmtpd/usr/libexec/opensmtpd/mail.lmtp"
DIRECTORY = "/var/lib/test-ladle"
EX_TEMPFAIL = 75


@tap.setup
def servers():
    os.makedirs(DIRECTORY)
    certificate, key = credentials.certificate(DIRECTORY, "server", "mx.example.test")
    sasl = credentials.sasl(DIRECTORY + "/sasl", "mx.example.test", "mta", "secret",
                            world.VMAIL_UID, world.VMAIL_UID)
    world.add_virtual_users({"alice": "", "bob": ""})
    ladle.configure(lmtp="""
  sasl_path = "%s"
  listen "inet:127.0.0.1:2402" { tls = "required"  auth = "required" }
  listen "inet:127.0.0.1:2403" { tls = "implicit" }
""" % sasl, more="""
hostname = "mx.example.test"
tls { certificate = "%s"  key = "%s" }
""" % (certificate, key))
    ladle.Bridge().start()


def one_message(user):
    try:
        return maildir.only_message(world.maildir(user)).bytes
    finally:
        maildir.clear(world.maildir(user))


def mail_lmtp(recipient, *arguments, user="bob"):
    """As smtpd starts it: one recipient in the environment, the message on standard input."""
    if not os.path.exists(MAIL_LMTP):
        tap.skip("mail.lmtp is not there")
    done = subprocess.run([MAIL_LMTP, *arguments], input=b"Subject: x\n\nbody\n.dot\n",
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, user="nobody",
                          timeout=60, env={"SENDER": "a@sender.test", "RECIPIENT": recipient,
                                           "USER": user, "LOGNAME": user})
    return done.returncode, done.stdout.decode()


@tap.case("mail.lmtp: by unix socket and TCP, to the address or the user")
def _():
    for where in (ladle.UNIX, "127.0.0.1:24"):
        tap.equal(mail_lmtp("alice@example.test", "-d", where, "-r"), (0, ""))
        stored = one_message("alice")
        tap.check(stored.endswith(b"\nSubject: x\n\nbody\n.dot\n"), stored)
        tap.contains(stored, b"Return-Path: <a@sender.test>\n")
        tap.equal(mail_lmtp("alice@example.test", "-d", where, "-u"), (0, ""))
        tap.contains(one_message("bob"), b"Delivered-To: bob\n")


@tap.case("mail.lmtp: a refusal is told in our words (its exit status is always 75)")
def _():
    status, text = mail_lmtp("nosuch@example.test", "-d", ladle.UNIX, "-r")
    tap.equal(status, EX_TEMPFAIL, text)
    tap.contains(text, "550 5.1.1 <nosuch@example.test> User doesn't exist")


def swaks(*arguments):
    done = subprocess.run(["swaks", "--protocol", "LMTP", "--to", "alice@example.test", "--from",
                           "a@sender.test", *arguments], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    return done.returncode, done.stdout.decode("utf-8", "replace")


@tap.case("swaks: STARTTLS and AUTH, TLS from the start, a wrong password")
def _():
    password = ("--auth", "PLAIN", "--auth-user", "mta", "--auth-password")
    status, text = swaks("--server", "127.0.0.1:2402", "--tls", *password, "secret")
    tap.equal(status, 0, text)
    tap.contains(one_message("alice"), b"with LMTPSA id")
    status, text = swaks("--server", "127.0.0.1:2403", "--tls-on-connect")
    tap.equal(status, 0, text)
    tap.contains(one_message("alice"), b"with LMTPS id")
    status, text = swaks("--server", "127.0.0.1:2402", "--tls", *password, "wrong")
    tap.check(status != 0, text)
    tap.contains(text, "535 5.7.8")


tap.main()
