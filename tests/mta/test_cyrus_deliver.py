#!/usr/bin/env python3
# lab: exim
"""Cyrus's deliver, as scripts and other agents start it, speaks LMTP to lmtp-bridge."""

import subprocess

import ladle
import maildir
import tap
import world

PROGRAM = "/usr/lib/cyrus/bin/deliver"
CONFIG = "/etc/imapd-ladle.conf"
MESSAGE = b"Subject: x\r\n\r\nbody\r\n.dot\r\n\xe4\r\n"
EX_OK, EX_DATAERR = 0, 65


@tap.setup
def servers():
    world.add_virtual_users({"alice": "", "bob": "", "full": world.SMALL_QUOTA})
    ladle.configure()
    with open(CONFIG, "w", encoding="ascii") as stream:
        stream.write("configdirectory: /var/lib/cyrus\ndefaultpartition: default\n"
                     "partition-default: /var/spool/cyrus/mail\nlmtpsocket: %s\n" % ladle.UNIX)
    ladle.Bridge().start()
    world.fill("full", 150000)
    world.make_folder("bob", "Work")


def deliver(*arguments, text=MESSAGE):
    done = subprocess.run([PROGRAM, "-C", CONFIG, *arguments], input=text, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.decode()


def one_message(user, folder="INBOX"):
    try:
        return maildir.only_message(world.maildir(user), folder).bytes
    finally:
        maildir.clear(world.maildir(user))


@tap.case("one recipient, by name and by address")
def _():
    for recipient in ("alice", "alice@example.test"):
        tap.equal(deliver("-r", "a@sender.test", recipient), (EX_OK, ""))
        stored = one_message("alice")
        tap.contains(stored, b"Return-Path: <a@sender.test>\n")
        tap.check(stored.endswith(b"\nSubject: x\n\nbody\n.dot\n\xe4\n"), stored)


@tap.case("several recipients: those that are refused are told, the others have their mail")
def _():
    status, text = deliver("-r", "a@sender.test", "alice", "nosuch", "bob")
    tap.equal((status, text), (EX_DATAERR, "nosuch: Mailbox does not exist\n"))
    one_message("alice")
    one_message("bob")


@tap.case("a mailbox of the user, as the detail of the address")
def _():
    tap.equal(deliver("-r", "a@sender.test", "-m", "Work", "bob"), (EX_OK, ""))
    tap.contains(one_message("bob", "Work"), b"Delivered-To: bob+Work\n")


@tap.case("a full mailbox is an error, and says so")
def _():
    status, text = deliver("-r", "a@sender.test", "full")
    tap.check(status != EX_OK, text)
    tap.contains(text, "quota", text)


@tap.case("-l: another client's LMTP is passed through")
def _():
    talk = subprocess.Popen([PROGRAM, "-C", CONFIG, "-l"], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE)
    talk.stdin.write(b"LHLO x\r\nMAIL FROM:<a@sender.test>\r\nRCPT TO:<alice>\r\nDATA\r\n"
                     + MESSAGE.replace(b".dot", b"..dot") + b".\r\nQUIT\r\n")
    talk.stdin.flush()
    replies = [line for line in talk.stdout if line[3:4] == b" "]
    tap.equal([reply[:3] for reply in replies],
              [b"220", b"250", b"250", b"250", b"354", b"250", b"221"])
    tap.equal(talk.wait(30), EX_OK)
    tap.check(one_message("alice").endswith(b"\n.dot\n\xe4\n"), "the message is whole")


tap.main()
