#!/usr/bin/env python3
# lab: none
# time-limit: 200
"""lmtp-bridge for system users: each recipient's own account stores their mail.

Needs root. The accounts are those of a password file of our own, which lies over /etc/passwd in a
mount name space that ends with the test.
"""

import os
import pwd
import shutil
import signal
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
import bridge as bridges
import tap

USERS = 45
UID = 61000
HELLO = b"Subject: hi\r\n\r\nhello\r\n"
why_not = None


def enter():
    """Goes on in a mount name space with our accounts, if that can be had."""
    if os.getuid() != 0:
        return "it needs root"
    if "LADLE_SYSTEM_HOMES" not in os.environ:
        directory = tempfile.mkdtemp(prefix="ladle-homes.")
        os.environ["LADLE_SYSTEM_HOMES"] = directory
        script = 'unshare --mount --propagation private true 2>/dev/null && ' \
                 'exec unshare --mount --propagation private "$0" "$1"; exec "$0" "$1" no'
        os.execvp("sh", ["sh", "-c", script, sys.executable, os.path.abspath(__file__)])
    if len(sys.argv) > 1:
        return "name spaces are not permitted here"
    directory = os.environ["LADLE_SYSTEM_HOMES"]
    os.chmod(directory, 0o755)
    for name, line in (("passwd", "s%d:x:%d:%d::%s/s%d:/bin/sh\n"), ("group", "s%d:x:%d:\n")):
        with open("/etc/" + name, encoding="utf-8") as stream:
            text = stream.read()
        for number in range(USERS):
            values = (number, UID + number, UID + number, directory, number)
            text += line % (values if name == "passwd" else values[:2])
        path = os.path.join(directory, name)
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)
        if os.system("mount --bind %s /etc/%s" % (path, name)) != 0:
            return "nothing can be mounted here"
    for number in range(USERS):
        home = "%s/s%d" % (directory, number)
        os.mkdir(home, 0o700)
        os.chown(home, UID + number, UID + number)
    return None


why_not = enter()
NOBODY = pwd.getpwnam("nobody")
bridges.CONFIG = bridges.CONFIG.replace('user = "{user}"', 'session_user = "nobody"').replace(
    'users "virtual" {{ driver = "passwd-file"  path = "{directory}/users"  '
    'username = "%{{user}}" }}', 'users "system" {{ driver = "passwd"  witness = "s0" }}').replace(
    'first_valid_uid = 1\n', 'first_valid_uid = 60000\n').replace(
    "{directory}/mail/records", "none")
bridge = bridges.Bridge(state="", lmtp='delivery_processes = "6"', globals='delivery_timeout = "60s"')


@tap.setup
def start():
    if why_not is None:
        bridge.start()
        bridge.mail = os.environ["LADLE_SYSTEM_HOMES"]


def case(name):
    def register(function):
        def run():
            if why_not is not None:
                tap.skip(why_not)
            function()
        return tap.case(name)(run)
    return register


def uids(name):
    found = []
    for pid in bridge.children(name):
        try:
            with open("/proc/%d/status" % pid, encoding="ascii") as stream:
                found += [tuple(int(word) for word in line.split()[1:]) for line in stream
                          if line.startswith("Uid:")]
        except OSError:
            pass
    return found


@case("at RCPT a process becomes the user, waits for the message, and stores it as theirs")
def _():
    with bridge.client() as client:
        client.mail("a@x")
        tap.equal(client.rcpt("s1@x").code, 250)
        tap.equal(set(uids("lmtp-session")), {(NOBODY.pw_uid,) * 4})
        tap.equal(uids("lmtp-delivery"), [(UID + 1,) * 4])
        tap.equal(client.data(HELLO)[0].code, 250)
        tap.equal(uids("lmtp-delivery"), [(UID + 1,) * 4], "it waits for a word of the client's")
        tap.equal(client.command("NOOP").code, 250)
        tap.until(lambda: not bridge.children("lmtp-delivery"), "the process goes")
    folder = os.path.join(bridge.mail, "s1", "Maildir", "new")
    (name,) = os.listdir(folder)
    tap.equal(os.stat(os.path.join(folder, name)).st_uid, UID + 1)
    tap.equal(os.stat(folder).st_mode & 0o7777, 0o700)


@case("unknown, root and accounts of the system get no mail; nothing remains after RSET")
def _():
    with bridge.client() as client:
        client.mail("a@x")
        tap.equal(client.rcpt("nosuch@x").code, 550)
        tap.equal(client.rcpt("root@x").code // 100, 4)
        tap.equal(client.rcpt("nobody@x").code, 250 if NOBODY.pw_uid >= 60000 else 451)
        tap.equal(client.rcpt("s2@x").code, 250)
        client.command("RSET")
        tap.until(lambda: not bridge.children("lmtp-delivery"), "the processes go")
        tap.equal(client.command("NOOP").code, 250)
    tap.equal(bridge.stored("s2"), [])


@case("forty recipients through six processes: one reply and one message each")
def _():
    names = ["s%d@x" % number for number in range(3, 43)]
    with bridge.client() as client:
        client.mail("a@x")
        for name in names:
            tap.equal(client.rcpt(name).code, 250, name)
        tap.check(len(bridge.children("lmtp-delivery")) <= 6, "no more processes than allowed")
        tap.equal([reply.code for reply in client.data(HELLO, len(names))], [250] * len(names))
    for name in names:
        tap.equal(len(bridge.stored(name[:-2])), 1, name)


@case("a lost reply is remembered in the user's own place, for the recipients who have the mail")
def _():
    names = ["s%d@x" % number for number in range(40, 43)]
    stored = [len(bridge.stored(name[:-2])) for name in names]
    places = [os.path.join(bridge.mail, name[:-2], ".local/state/ladle/replies") for name in names]
    text = b"Subject: lost\r\n\r\n"
    with bridge.client() as client:
        replies = client.deliver("a@x", names, text)
        tap.equal([replies[name].code for name in names], [250] * 3)
        client.close()
    tap.until(lambda: all(os.path.isdir(place) and os.listdir(place) for place in places),
              "each has a memory")
    tap.equal([os.stat(place).st_uid for place in places], [UID + 40, UID + 41, UID + 42])
    for count in (1, 2):
        with bridge.client() as client:
            replies = client.deliver("a@x", names, text)
            tap.equal([replies[name].code for name in names], [250] * 3)
        tap.equal([len(bridge.stored(name[:-2])) for name in names],
                  [before + count for before in stored])
        tap.check(not any(os.path.exists(place) for place in places), "nothing is left")


@case("a process killed while it waits costs nothing")
def _():
    with bridge.client() as client:
        client.mail("a@x")
        for name in ("s1@x", "s2@x"):
            tap.equal(client.rcpt(name).code, 250)
        bridge.signal_deliveries(signal.SIGKILL)
        tap.equal([reply.code for reply in client.data(HELLO, 2)], [250, 250])
    tap.equal((len(bridge.stored("s1")), len(bridge.stored("s2"))), (2, 1))


@case("a home that the user may not use is their trouble alone")
def _():
    os.chown(bridge.mail + "/s43", 0, 0)
    with bridge.client() as client:
        got = client.deliver("a@x", ["s43@x", "s44@x"], HELLO)
    tap.equal((got["s43@x"].code, got["s44@x"].code), (451, 250))
    os.chown(bridge.mail + "/s43", UID + 43, UID + 43)


@case("sessions that hold all processes and are slow make room for another")
def _():
    slow = [bridge.client() for _ in range(2)]
    for number, client in enumerate(slow):
        client.mail("a@x")
        for name in range(3):
            tap.equal(client.rcpt("s%d@x" % (3 + 3 * number + name)).code, 250)
    tap.equal(len(bridge.children("lmtp-delivery")), 6)
    with bridge.client() as client:
        got = client.deliver("a@x", ["s20@x", "s21@x"], HELLO)
        tap.equal((got["s20@x"].code, got["s21@x"].code), (250, 250))
    for client in slow:
        tap.equal([reply.code for reply in client.data(HELLO, 3)], [250] * 3)
        client.quit()
    tap.equal([len(bridge.stored("s%d" % number)) for number in range(3, 9)], [2] * 6)


@case("without an account for sessions it does not start")
def _():
    with open(bridge.config, encoding="utf-8") as stream:
        text = stream.read().replace('session_user = "nobody"', "")
    with open(bridge.config + "2", "w", encoding="utf-8") as stream:
        stream.write(text)
    out = os.popen("%s --check -c %s2" % (bridges.PROGRAM, bridge.config)).read()
    tap.contains(out, "lmtp.session_user is missing")


@case("TERM: who has a transaction open finishes it")
def _():
    with bridge.client() as client:
        client.mail("a@x")
        client.rcpt("s30@x")
        bridge.process.terminate()
        tap.until(lambda: not os.path.exists(bridge.unix), "the socket file goes")
        tap.equal(client.data(HELLO)[0].code, 250)
    tap.equal(bridge.process.wait(30), 0)
    tap.equal(len(bridge.stored("s30")), 2)


try:
    tap.main()
finally:
    bridge.end()
    shutil.rmtree(os.environ.get("LADLE_SYSTEM_HOMES", bridge.directory), ignore_errors=True)
