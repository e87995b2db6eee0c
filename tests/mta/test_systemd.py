#!/usr/bin/env python3
# lab: postfix
# time-limit: 300
"""The units of etc/systemd under a real systemd: mail of one account, then mail of system users.

Postfix with its own queue connects to the socket that systemd made; what scripts send goes out
through its setgid sendmail, past all that the units confine.
"""

import glob
import json
import os
import pwd
import re
import shutil
import socket

import ladle
import maildir
import postfix
import systemd
import tap
import wire
import world

UNITS = os.environ["TOP"] + "/etc/systemd"
OURS = ("ladle.socket", "ladle.service", "ladle-outbox.service", "ladle-outbox.timer")
HOMES = "/var/vmail"
SOCKET = "/var/spool/postfix/private/ladle"
HELLO = b"From: a@sender.test\r\nTo: bob@example.test\r\nMessage-ID: <%d@sender.test>\r\n\r\nhi\r\n"
CONFIG = """\
postmaster = "postmaster@example.test"
users "virtual" { driver = "passwd-file"  path = "/etc/ladle/users"  username = "%%{user}" }
users "system"  { driver = "passwd" }
outbox { transport = "%s"  retry_min = "1s"  retry_max = "1s" }
lmtp {
  %s
  listen "unix:/var/spool/postfix/private/ladle" {}
}
policy { listen "unix:/var/spool/postfix/private/ladle-policy" {} }
metrics { status_file = "/run/ladle/status" }
"""
SYSTEM = 'session_user = "nobody"'
REDIRECT = 'require "copy"; redirect :copy "%s@example.test";'
VACATION = ('require "vacation"; vacation :addresses ["bob@example.test", "sys1@example.test"] '
            '"Away.";')
number = iter(range(1, 1000))
box = None


def configure(account='user = "vmail"', transport="sendmail", more=""):
    with open(ladle.CONFIG_PATH, "w", encoding="utf-8") as stream:
        stream.write(CONFIG % (transport, account) + more)


def drop_in(name, text, unit="ladle.service"):
    directory = "/etc/systemd/system/%s.d" % unit
    os.makedirs(directory, exist_ok=True)
    with open("%s/%s.conf" % (directory, name), "w", encoding="utf-8") as stream:
        stream.write(text)
    box.run("systemctl", "daemon-reload")


def restart():
    box.run("systemctl", "restart", "ladle.service")


def script(name, text):
    world.write_as("vmail", "%s/%s/.dovecot.sieve" % (HOMES, name), text)


@tap.setup
def start():
    global box, mx
    world.add_virtual_users({"alice": "", "bob": "", "target": ""}, homes=HOMES)
    script("alice", REDIRECT % "target")
    script("bob", VACATION)
    configure()
    for name in OURS:
        shutil.copy("%s/%s" % (UNITS, name), "/etc/systemd/system")
    shutil.copy(UNITS + "/ladle.tmpfiles", "/etc/tmpfiles.d/ladle.conf")
    # Where the units look for programs.
    for path, name in (("bin", "deliver"), ("sbin", "lmtp-bridge")):
        os.symlink("/usr/local/%s/%s" % (path, name), "/usr/%s/%s" % (path, name))
    box = systemd.Systemd()
    box.start()
    drop_in("policy", "[Socket]\nListenStream=%s-policy\n" % SOCKET, "ladle.socket")
    mx = postfix.Postfix.of_the_machine({"virtual_mailbox_domains": "example.test",
                                         "virtual_mailbox_maps": "static:all",
                                         "virtual_transport": "lmtp:unix:private/ladle"})
    mx.start()
    box.run("systemctl", "start", "ladle.socket")


def accounts():
    """The user ids that the processes of the service have."""
    group = box.show("ladle.service", "ControlGroup")
    pids = box.run("cat", "/sys/fs/cgroup%s/cgroup.procs" % group).stdout.split()
    lines = box.run("grep", "-h", "^Uid:", *("/proc/%s/status" % pid for pid in pids)).stdout
    return {int(uid) for line in lines.splitlines() for uid in line.split()[1:]}


def mail_for(name, home=None):
    """How a message for them ended; it must then be there, and is removed."""
    root = home or "%s/%s/Maildir" % (HOMES, name)
    delivery = mx.send(name + "@example.test", message=HELLO % next(number))
    tap.equal((delivery.status, delivery.dsn), ("sent", "2.0.0"), repr(delivery))
    tap.equal(len(maildir.messages(root)), 1)
    maildir.clear(root)


def arrives(name, home=None):
    root = home or "%s/%s/Maildir" % (HOMES, name)
    found = tap.until(lambda: maildir.messages(root), "mail for " + name, 60)
    maildir.clear(root)
    return found[0].bytes


def answered(count):
    """So many answers to the sender have left."""
    paths = mx.root + "/bounces/new/*"
    tap.until(lambda: len(glob.glob(paths)) >= count, "%d answers" % count, 60)


@tap.case("systemd understands the units, word for word")
def _():
    paths = ["/etc/systemd/system/" + name for name in OURS]
    said = box.run("systemd-analyze", "verify", "--man=no", *paths).stdout
    tap.equal([line for line in said.splitlines() if "ladle" in line], [])


@tap.case("nothing runs until a client connects; then the mail is stored, and nothing is root")
def _():
    tap.equal(box.show("ladle.service", "ActiveState"), "inactive")
    found = os.stat(SOCKET)
    tap.equal((found.st_mode & 0o777, pwd.getpwuid(found.st_uid).pw_name), (0o600, "postfix"))
    mail_for("target")
    tap.equal(box.show("ladle.service", "ActiveState"), "active")
    tap.equal(box.show("ladle.service", "StatusText"), "Listening on 2 sockets")
    tap.equal(accounts(), {world.VMAIL_UID})
    tap.equal(wire.policy_ask(SOCKET + "-policy", sender="s@x", recipient="nosuch@example.test"),
              "DUNNO")


@tap.case("redirects and answers leave through the setgid sendmail; the state lies in /var/lib/ladle")
def _():
    mail_for("alice")
    tap.contains(arrives("target"), b"X-Sieve-Redirected-From: alice@example.test")
    mail_for("bob")
    answered(1)
    mail_for("bob")
    mx.wait_queue_empty()
    answered(1)
    tap.check(os.path.isdir("/var/lib/ladle/bob"), "bob's state")


@tap.case("the journal has each line once, with its priority, and without a time of our own")
def _():
    entries = [json.loads(line) for line in
               box.run("journalctl", "-u", "ladle.service", "-o", "json").stdout.splitlines()]
    ours = [one for one in entries if one.get("_COMM", "").startswith("lmtp")]
    tap.check(ours, entries)
    tap.equal({one["SYSLOG_IDENTIFIER"] for one in ours}, {"lmtp-bridge"})
    tap.equal({one["PRIORITY"] for one in ours}, {"6"}, ours)
    tap.equal([one["MESSAGE"] for one in ours if re.match(r"\d{4}-", one["MESSAGE"])], [])
    deliveries = [one["MESSAGE"] for one in ours if "recipient=bob@" in one["MESSAGE"]]
    tap.equal(len(deliveries), 2, [one["MESSAGE"] for one in ours])


@tap.case("--status is there for its account")
def _():
    said = box.run("setpriv", "--reuid=vmail", "--regid=vmail", "--clear-groups",
                   "lmtp-bridge", "--status").stdout
    tap.contains(said, "sessions")


@tap.case("systemctl reload in the middle of a transaction loses nothing; a refused one is told")
def _():
    with wire.Lmtp(SOCKET) as client:
        client.mail("a@sender.test")
        tap.equal(client.rcpt("target@example.test").code, 250)
        pid = box.show("ladle.service", "MainPID")
        box.run("systemctl", "reload", "ladle.service")
        tap.until(lambda: box.show("ladle.service", "ActiveState") == "active", "it is ready", 60)
        tap.equal(client.data(HELLO % 0)[0].code, 250)
    configure(more="nonsense = 1\n")
    box.run("systemctl", "reload", "ladle.service")
    tap.until(lambda: "nonsense" in box.show("ladle.service", "StatusText"), "it is told", 60)
    mail_for("bob")
    configure()
    box.run("systemctl", "reload", "ladle.service")
    tap.until(lambda: "Listening" in box.show("ladle.service", "StatusText"), "it is good", 60)
    tap.equal(box.show("ladle.service", "MainPID"), pid)
    arrives("target")


@tap.case("systemctl restart waits for a message under way; who connects meanwhile is served after")
def _():
    with wire.Lmtp(SOCKET) as client:
        client.mail("a@sender.test")
        client.rcpt("target@example.test")
        tap.equal(client.command("DATA").code, 354)
        pid = box.show("ladle.service", "MainPID")
        box.run("systemctl", "restart", "--no-block", "ladle.service")
        tap.until(lambda: box.show("ladle.service", "ActiveState") == "deactivating", "it stops")
        early = socket.socket(socket.AF_UNIX)
        early.settimeout(60)
        early.connect(SOCKET)
        client.send(wire.dot_stuff(HELLO % 0))
        tap.equal(client.reply().code, 250)
    tap.contains(early.recv(200).decode(), "220 ")
    early.close()
    tap.check(box.show("ladle.service", "MainPID") != pid, "another process")
    arrives("target")


@tap.case("one that hangs is killed by the watchdog, and another takes over")
def _():
    drop_in("shorter", "[Service]\nWatchdogSec=10\nRestartSec=100ms\n")
    restart()
    mail_for("target")
    pid = box.show("ladle.service", "MainPID")
    box.run("kill", "-STOP", pid)
    tap.until(lambda: box.show("ladle.service", "NRestarts") != "0", "it is started again", 60)
    tap.contains(box.run("journalctl", "-u", "ladle.service", "--no-pager").stdout,
                 "Watchdog timeout")
    mail_for("target")
    tap.check(box.show("ladle.service", "MainPID") != pid, "another process")


@tap.case("a configuration that cannot be used: clients wait until it is mended, however often it fails")
def _():
    box.run("systemctl", "stop", "ladle.service")
    drop_in("shorter", "[Service]\nRestartSec=100ms\n")
    configure(more="nonsense = 1\n")
    early = socket.socket(socket.AF_UNIX)
    early.settimeout(60)
    early.connect(SOCKET)
    # More often than systemd starts a service in a row.
    tap.until(lambda: int(box.show("ladle.service", "NRestarts")) > 6, "it is tried", 60)
    tap.equal(box.show("ladle.socket", "ActiveState"), "active")
    tap.contains(box.run("journalctl", "-u", "ladle.service", "--no-pager").stdout,
                 "/etc/ladle.conf:%d: " % (CONFIG.count("\n") + 1))
    configure()
    tap.contains(early.recv(200).decode(), "220 ")
    early.close()
    mail_for("target")
    drop_in("shorter", "")


def tell_exposure(what):
    """A figure of each systemd's own making: for readers, not judged."""
    said = box.run("systemd-analyze", "security", "ladle.service").stdout
    print("# %s: %s" % (what, said.strip().splitlines()[-1]))


@tap.case("with an SMTP transport all that the unit has commented out may be on")
def _():
    with open(UNITS + "/ladle.service", encoding="utf-8") as stream:
        locks = re.findall(r"^#([A-Z]\w+=.*)$", stream.read(), re.M)
    tap.check(len(locks) > 10, locks)
    drop_in("locks", "[Service]\n%s\n" % "\n".join(locks))
    configure(transport="smtp:127.0.0.1:25")
    restart()
    tap.equal(box.show("ladle.service", "NoNewPrivileges"), "yes")
    mail_for("alice")
    tap.contains(arrives("target"), b"X-Sieve-Redirected-From: alice@example.test")
    tell_exposure("locked")
    drop_in("locks", "")
    tell_exposure("as shipped")


def home(name):
    return "/home/%s/Maildir" % name


@tap.case("system-users.conf: mail is stored, redirected and answered as each user")
def _():
    for name in ("sys1", "sys2"):
        world.add_system_user(name)
    world.write_as("sys1", "/home/sys1/.dovecot.sieve", VACATION)
    world.write_as("sys2", "/home/sys2/.dovecot.sieve", REDIRECT % "sys1")
    box.run("systemctl", "stop", "ladle.service")
    box.run("systemd-tmpfiles", "--create", "ladle.conf")
    shutil.copy(UNITS + "/system-users.conf", "/etc/systemd/system/ladle.service.d")
    box.run("systemctl", "daemon-reload")
    configure(SYSTEM)
    count = len(mx.bounces())
    mail_for("sys1", home("sys1"))
    answered(count + 1)
    mail_for("sys2", home("sys2"))
    arrives("sys1", home("sys1"))
    tap.equal(pwd.getpwuid(os.stat(home("sys2")).st_uid).pw_name, "sys2")
    tap.equal(os.listdir("/var/spool/ladle/pending"), [])
    mail_for("alice")
    arrives("target")
    tap.equal(pwd.getpwuid(os.stat("/var/lib/ladle/bob").st_uid).pw_name, "vmail")
    tell_exposure("system users")


@tap.case("ladle-outbox.timer sends what deliver left where no bridge runs")
def _():
    box.run("systemctl", "stop", "ladle.socket", "ladle.service")
    tap.check(not os.path.exists(SOCKET), "the socket goes with its unit")
    mx.main.update(virtual_transport="discard:")
    mx.change()
    configure(SYSTEM, transport="smtp:127.0.0.1:9")
    tap.equal(ladle.deliver(HELLO.replace(b"\r", b"") % next(number), "-f", "a@sender.test", "-r",
                            "sys2@example.test", user="sys2"), (0, ""))
    waiting = "/home/sys2/.local/state/ladle/outbox/new"
    tap.until(lambda: os.listdir(waiting), "it waits")
    configure(SYSTEM, transport="sendmail")
    mx.mark_log()
    # By itself it begins a minute after the machine, and waits for five.
    drop_in("often", "[Timer]\nOnActiveSec=0\nOnUnitInactiveSec=3\nAccuracySec=1\n",
            "ladle-outbox.timer")
    box.run("systemctl", "start", "ladle-outbox.timer")
    tap.until(lambda: not os.listdir(waiting), "it is sent", 60)
    tap.equal(mx.delivery("sys1@example.test").status, "sent")


try:
    tap.main()
finally:
    if box:
        box.end()
