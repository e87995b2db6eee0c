#!/usr/bin/env python3
# lab: postfix
# time-limit: 240
"""Mail that waits in the homes of system users, sent by root: as each user, whatever others have
made of their homes. By lmtp-bridge's flusher, and by `deliver --flush-outbox` from a timer."""

import os
import re
import shutil
import signal
import subprocess

import ladle
import maildir
import postfix
import tap
import world

# What has happened to their homes when root comes.
ODD = ("gone", "locked", "linked", "inner", "junk", "pipes", "stopper", "deleted")
GOOD = ("anna", "zoe")
OUTBOX = ".local/state/ladle/outbox"
PENDING = "/var/spool/ladle/pending"
SENDMAIL = "/usr/local/bin/lab-sendmail"
SENT = "/var/tmp/sent"
# It notes who runs it with which rights; "stopper" stops whoever came as them.
SENDMAIL_TEXT = """#!/bin/sh
if [ "$(id -un)" = stopper ]; then kill -STOP $PPID; exit 75; fi
echo "$(id -u):$(id -g):$(id -G)" >>%s
exec /usr/sbin/sendmail "$@"
""" % SENT
MESSAGE = b"From: a@sender.test\nTo: %s@example.test\nMessage-ID: <%d@sender.test>\n\nhello\n"
number = iter(range(1, 1000))


def configure():
    world.in_lab()
    with open(ladle.CONFIG_PATH, "w", encoding="utf-8") as stream:
        stream.write("""
users "system" { driver = "passwd" }
outbox { sendmail = "%s"  retry_min = "1s"  retry_max = "2s" }
lmtp { session_user = "nobody"  listen "unix:%s" { mode = "0666" } }
log { target = "%s" }
""" % (SENDMAIL, ladle.UNIX, ladle.LOG))


@tap.setup
def servers():
    global mx
    os.makedirs(ladle.SOCKETS, exist_ok=True)
    os.makedirs(os.path.dirname(ladle.LOG), exist_ok=True)
    for path in (ladle.LOG, SENT):
        open(path, "w", encoding="utf-8").close()
        os.chmod(path, 0o666)
    configure()
    tap.witness("log of ladle", ladle.read_log)
    with open(SENDMAIL, "w", encoding="utf-8") as stream:
        stream.write(SENDMAIL_TEXT)
    os.chmod(SENDMAIL, 0o755)
    shutil.copy(os.environ["TOP"] + "/etc/systemd/ladle.tmpfiles", "/etc/tmpfiles.d/ladle.conf")
    subprocess.run(["systemd-tmpfiles", "--create", "/etc/tmpfiles.d/ladle.conf"], check=True)
    world.add_system_user("target")
    world.add_system_user("victim")
    for name in (*ODD, *GOOD):
        world.add_system_user(name)
    mx = postfix.Postfix.of_the_machine({"mydestination": "example.test",
                                         "local_transport": "local:$myhostname",
                                         "mailbox_command": ladle.DELIVER})
    mx.start()


def outbox(name):
    return "/home/%s/%s/new" % (name, OUTBOX)


def leave_mail(names):
    """A message that each of them redirects, and that is not sent at once."""
    open(SENT, "w", encoding="utf-8").close()
    for name in names:
        world.write_as(name, "/home/%s/.dovecot.sieve" % name, 'redirect "target@example.test";')
        message = MESSAGE % (name.encode(), next(number))
        tap.equal(ladle.deliver(message, "-o", "outbox.at_once=false", "-f", "a@sender.test", "-r",
                                name + "@example.test", user=name), (0, ""))


def spoil():
    """Only once: what cannot be mended stays for all cases."""
    shutil.rmtree("/home/gone")
    os.chown("/home/locked", 0, 0)
    os.chmod("/home/locked", 0)
    # The whole home is another's; the outbox is another's.
    shutil.rmtree("/home/linked")
    os.symlink("/home/victim", "/home/linked")
    shutil.rmtree("/home/inner/" + OUTBOX)
    os.symlink("/home/victim/" + OUTBOX, "/home/inner/" + OUTBOX)
    for index in range(3000):
        world.write_as("junk", "%s/%d.junk" % (outbox("junk"), index), "no item\n" * 3)
    for index in range(30):
        path = "%s/%d.pipe" % (outbox("pipes"), index)
        os.mkfifo(path)
        os.chown(path, *world.ids("pipes"))
        os.symlink("/dev/zero", "%s/%d.zero" % (outbox("pipes"), index))
        os.makedirs("%s/%d.dir/new" % (outbox("pipes"), index))
    subprocess.run(["userdel", "-r", "deleted"], check=True, stderr=subprocess.DEVNULL)
    # What is announced as another's, or as nobody's.
    for name in ("victim~0000000000000001", "root", "%2Fetc", "nosuch", "a" * 200):
        world.write_as("junk", "%s/%s" % (PENDING, name), "")


def arrived(names):
    """Each of these users' message is with the target, once, and was submitted with their rights."""
    def all_there():
        return len(maildir.messages("/home/target/Maildir")) >= len(names)

    tap.until(all_there, "the mail arrives", 90)
    mx.wait_queue_empty()
    found = sorted(message.bytes.split(b"X-Sieve-Redirected-From: ")[1].split(b"@")[0].decode()
                   for message in maildir.messages("/home/target/Maildir"))
    tap.equal(found, sorted(names))
    with open(SENT, encoding="ascii") as stream:
        rights = sorted(set(stream.read().split("\n")) - {""})
    tap.equal(rights, sorted("%d:%d:%d" % (world.ids(name) + world.ids(name)[1:])
                             for name in names))
    maildir.clear("/home/target/Maildir")


def stopped():
    """Processes of the user "stopper" that are."""
    uid = world.ids("stopper")[0]
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/status" % pid, encoding="utf-8") as stream:
                text = stream.read()
        except OSError:
            continue
        if re.search(r"^State:\tT", text, re.M) and re.search(r"^Uid:\t%d\t" % uid, text, re.M):
            found.append(int(pid))
    return found


@tap.case("deliver --flush-outbox of root: who has an ordinary home is served, as themselves")
def _():
    leave_mail([*ODD, *GOOD, "victim"])
    tap.equal([name for name in (*ODD, *GOOD, "victim") if len(os.listdir(outbox(name))) != 1], [])
    spoil()
    done = subprocess.Popen([ladle.DELIVER, "--flush-outbox"], stdin=subprocess.DEVNULL)
    arrived([*GOOD, "victim", "junk", "pipes"])
    # It still waits for the one that was stopped.
    pid, = tap.until(stopped, "one is stopped", 60)
    tap.equal(done.poll(), None)
    os.kill(pid, signal.SIGKILL)
    tap.equal(done.wait(60), 75)


@tap.case("nothing of it was touched but by its owners")
def _():
    tap.equal(os.listdir("/home/victim/%s/new" % OUTBOX), [])
    tap.equal(os.path.islink("/home/linked"), True)
    tap.check(not os.path.lexists("/home/gone"), "no home is made")
    tap.equal(os.listdir("/home/locked/.local/state/ladle/outbox/new") != [], True)
    for name in ("deleted", "nosuch", *GOOD, "victim"):
        tap.check(not os.path.exists("%s/%s" % (PENDING, name)), name)
    tap.equal(ladle.read_log().count(".junk has no envelope block"), 1)


@tap.case("lmtp-bridge: the same, again and again, while the odd ones stay")
def _():
    bridge = ladle.Bridge().start()
    for _ in range(3):
        leave_mail([*GOOD, "victim"])
        arrived([*GOOD, "victim"])
    tap.equal(bridge.stop(), 0)


tap.main()
