#!/usr/bin/env python3
# lab: postfix
# time-limit: 240
"""What README.md and etc/postfix tell a postmaster to write, word for word, into the machine's own
Postfix: mail arrives, and unknown users are refused as promised."""

import os
import re

import ladle
import maildir
import postfix
import tap
import wire
import world

TOP = os.environ["TOP"]
USERS = 'users "virtual" { driver = "passwd-file"  path = "/etc/ladle/users"  ' \
        'username = "%{user}@%{domain}" }\n'
# Of a site with a domain of its own, that strangers send to.
SITE = {"virtual_mailbox_domains": "example.test", "mynetworks": "192.0.2.0/24",
        "mydestination": "local.example.test", "smtpd_relay_restrictions": "reject_unauth_destination",
        "address_verify_poll_count": "30"}
bridge = mx = None


def readme(title):
    """The pieces of a recipe by the file they go to."""
    with open(TOP + "/README.md", encoding="utf-8") as stream:
        text = stream.read().split("\n**%s**" % title)[1].split("\n**")[0]
    pieces, where = {}, None
    for line in re.findall(r"^    (.*)$", text, re.M):
        if re.fullmatch(r"# \S+", line):
            where = os.path.basename(line[2:])
            pieces[where] = ""
        else:
            pieces[where] = pieces.get(where, "") + line + "\n"
    return pieces


def shipped(name):
    """A file of etc/postfix, and what its head wants of other files: by "needs" and "In"."""
    with open("%s/etc/postfix/%s" % (TOP, name), encoding="utf-8") as stream:
        text = stream.read()
    wanted = re.search(r"(?:needs|In main.cf:)\n((?:#   .*\n)+)", text)
    return text, re.sub("^#   ", "", wanted.group(1), flags=re.M) if wanted else ""


@tap.setup
def start():
    world.add_virtual_users({"anna@example.test": ""})
    world.add_system_user("sys1")
    for path, name in (("bin", "deliver"), ("sbin", "lmtp-bridge")):
        os.symlink("/usr/local/%s/%s" % (path, name), "/usr/%s/%s" % (path, name))
    tap.witness("configuration", lambda: open(ladle.CONFIG_PATH, encoding="utf-8").read())


def serve(config="", main="", master=""):
    """Starts what a recipe says and nothing else."""
    global bridge, mx
    if mx:
        mx.command("postfix", "stop")
    if bridge:
        bridge.stop()
        bridge = None
    with open(ladle.CONFIG_PATH, "w", encoding="utf-8") as stream:
        stream.write(config)
    mx = postfix.Postfix.of_the_machine(SITE, master)
    added = re.sub(r"^#.*\n", "", main, flags=re.M)
    for name in re.findall(r"^(\w+) =", added, re.M):
        mx.main.pop(name, None)
    write = mx._write
    mx._write = lambda name, text: write(name, text + (added if name == "main.cf" else ""))
    mx.start()
    if "listen" in config:
        bridge = ladle.Bridge()
        bridge._answers = lambda: os.path.exists("/var/spool/postfix/private/ladle")
        bridge.start()


def take(root):
    tap.equal(len(maildir.messages(root)), 1)
    maildir.clear(root)


def stores():
    delivery = mx.send("anna@example.test")
    tap.equal((delivery.status, delivery.dsn), ("sent", "2.0.0"), repr(delivery))
    take(world.maildir("anna@example.test"))


def refuses():
    with wire.Smtp(mx.address) as client:
        client.mail("a@sender.test")
        reply = client.rcpt("nosuch@example.test")
        tap.equal(reply.code, 550, repr(reply))
        tap.contains(reply.text, "User doesn't exist")


@tap.case("README: Postfix, LMTP, with verification")
def _():
    recipe = readme("Postfix, LMTP, with verification")
    serve(recipe["ladle.conf"], recipe["main.cf"])
    stores()
    refuses()


@tap.case("README: Postfix, pipe")
def _():
    recipe = readme("Postfix, pipe")
    serve(USERS, recipe["main.cf"], recipe["master.cf"])
    stores()
    delivery = mx.send("nosuch@example.test")
    tap.equal((delivery.status, delivery.dsn), ("bounced", "5.1.1"), repr(delivery))


@tap.case("README: .forward")
def _():
    world.write_as("sys1", "/home/sys1/.forward", readme("`.forward`")[None], 0o644)
    os.rename(ladle.CONFIG_PATH, ladle.CONFIG_PATH + ".away")
    delivery = mx.send("sys1@local.example.test")
    os.rename(ladle.CONFIG_PATH + ".away", ladle.CONFIG_PATH)
    os.unlink("/home/sys1/.forward")
    tap.equal((delivery.status, delivery.dsn), ("sent", "2.0.0"), repr(delivery))
    take("/home/sys1/Maildir")


@tap.case("etc/postfix/lmtp-main.cf")
def _():
    main, config = shipped("lmtp-main.cf")
    serve(USERS + config, main)
    stores()
    refuses()


@tap.case("etc/postfix/pipe-master.cf, and verify-main.cf with it")
def _():
    master, pipe_main = shipped("pipe-master.cf")
    main, config = shipped("verify-main.cf")
    serve(USERS + config, pipe_main + main, master)
    stores()
    refuses()


@tap.case("etc/postfix/local-main.cf")
def _():
    serve(USERS + 'users "system" { driver = "passwd" }\n', shipped("local-main.cf")[0])
    delivery = mx.send("sys1@local.example.test")
    tap.equal((delivery.status, delivery.dsn), ("sent", "2.0.0"), repr(delivery))
    take("/home/sys1/Maildir")


tap.main()
