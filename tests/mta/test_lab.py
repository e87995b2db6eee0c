#!/usr/bin/env python3
# lab: postfix
"""The laboratory itself: closed to the outside, and its servers work before ours is judged."""

import os
import socket
import subprocess

import corpus
import dovecot
import maildir
import postfix
import tap
import wire
import world


@tap.setup
def servers():
    global mx, imap
    world.add_virtual_users({"alice": ""})
    mx = postfix.Postfix({"virtual_mailbox_domains": "example.test", "virtual_transport": "virtual",
                          "virtual_mailbox_maps": "static:srv/vmail/alice/Maildir/"})
    mx.start()
    imap = dovecot.Dovecot().start()


@tap.case("only the loop-back interface is there")
def _():
    tap.equal([name for _, name in socket.if_nameindex()], ["lo"])


@tap.case("the machine's own processes are not seen")
def _():
    tap.equal(os.readlink("/proc/self"), str(os.getpid()))
    tap.check(len([name for name in os.listdir("/proc") if name.isdigit()]) < 40, "few processes")


@tap.case("the sources cannot be written")
def _():
    tap.check(not os.access(os.environ["TOP"] + "/tests/run.sh", os.W_OK), "read only")


@tap.case("Postfix takes a message by SMTP and delivers it")
def _():
    with wire.Smtp(mx.address) as client:
        replies = client.transaction("a@sender.test", ["alice@example.test"],
                                     b"Subject: hello\r\n\r\nhello\r\n")
    tap.equal([reply.code for reply in replies], [250, 250, 250], repr(replies))
    tap.equal(mx.delivery("alice@example.test").status, "sent")
    mx.wait_queue_empty()
    tap.contains(maildir.only_message(world.maildir("alice")).bytes, b"\nSubject: hello\n")


@tap.case("Dovecot shows it")
def _():
    with imap.login("alice") as reader:
        tap.equal(len(reader.messages()), 1)


@tap.case("swaks and strace are there")
def _():
    for command in (["swaks", "--version"], ["strace", "-f", "-o", "/dev/null", "true"]):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


@tap.case("the corpus is the same every time")
def _():
    tap.check(len(corpus.rows()) >= 200, "200 messages or more")
    tap.equal([row.wire for row in corpus.rows()], [row.wire for row in corpus.rows()])


tap.main()
