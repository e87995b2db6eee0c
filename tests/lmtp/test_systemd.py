#!/usr/bin/env python3
# lab: none
# time-limit: 200
"""What systemd passes to lmtp-bridge and hears from it: sockets, readiness, reloads, the watchdog.

A launcher of a few lines stands for systemd: it puts listening sockets where sd_listen_fds(3) looks
for them, says so in the environment, and becomes lmtp-bridge.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
import bridge as bridges
import tap
import wire

HELLO = b"Subject: hi\r\n\r\nhello\r\n"
LAUNCHER = """
import fcntl, os, sys
fds = [fcntl.fcntl(int(fd), fcntl.F_DUPFD_CLOEXEC, 100) for fd in sys.argv[1].split()]
for fd in sys.argv[1].split():
    os.set_inheritable(int(fd), False)
for number, fd in enumerate(fds):
    os.dup2(fd, 3 + number)
os.environ["LISTEN_PID"] = os.environ["WATCHDOG_PID"] = str(os.getpid())
os.execv(sys.argv[2], sys.argv[2:])
"""
bridge = bridges.Bridge(lmtp='listen "systemd:relay" {}')
given = []


def listening(address):
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    one = socket.socket(family)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind(address)
    one.listen(100)
    return one


class Manager:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self):
        self.path = bridge.directory + "/notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        os.chmod(self.path, 0o777)
        self.socket.settimeout(60)

    def hear(self, wanted):
        """What comes up to the first notice with `wanted` in it; that one is the last."""
        heard = []
        while not heard or wanted not in heard[-1]:
            heard.append(self.socket.recv(4096).decode())
        return heard


manager = Manager()


def launch(sockets, arguments=(), **environment):
    """Starts lmtp-bridge with these sockets; as Popen."""
    fds = [one.fileno() for one in sockets]
    known = dict(os.environ, LISTEN_FDS=str(len(fds)), NOTIFY_SOCKET=manager.path, **environment)
    return subprocess.Popen([sys.executable, "-c", LAUNCHER, " ".join(map(str, fds)),
                             bridges.PROGRAM, "-c", bridge.config, *arguments],
                            pass_fds=fds, env=known, stdin=subprocess.DEVNULL,
                            stderr=subprocess.PIPE)


@tap.setup
def start():
    given.append(listening(bridge.unix))
    given.append(listening(bridge.inet))
    given.append(listening("\0ladle-test-%d" % os.getpid()))
    given.append(listening(bridge.directory + "/nobody-names-it"))
    os.chmod(bridge.unix, 0o666)
    bridge.process = launch(given, LISTEN_FDNAMES="ladle.socket:ladle.socket:relay:other",
                            WATCHDOG_USEC="400000")


@tap.case("READY=1 comes when clients are served, and tells what there is")
def _():
    (ready,) = manager.hear("READY=1")
    tap.contains(ready, "STATUS=Listening on ")
    with bridge.client() as client:
        tap.equal(client.deliver("s@x", ["u0@x"], HELLO)["u0@x"].code, 250)


@tap.case("a socket is found by its address, on a path and on TCP, or by its name")
def _():
    for address in (bridge.unix, bridge.inet, "\0ladle-test-%d" % os.getpid()):
        with wire.Lmtp(address) as client:
            tap.equal(client.deliver("s@x", ["u1@x"], HELLO)["u1@x"].code, 250, address)
    tap.equal(len(bridge.stored("u1")), 3)
    tap.equal(os.stat(bridge.unix).st_mode & 0o777, 0o666, "its mode is systemd's")
    tap.contains(bridge.log(), 'no "listen" wants the socket "other" that systemd has given us')


@tap.case("sockets that systemd has not given are made")
def _():
    wire.Lmtp(bridge.unix_plain).quit()


@tap.case("who is forked from it has none of these sockets")
def _():
    inodes = {"socket:[%d]" % os.fstat(one.fileno()).st_ino for one in given}

    def held(pid):
        where = "/proc/%d/fd/" % pid
        return inodes & {os.readlink(where + fd) for fd in os.listdir(where)}

    tap.equal(held(bridge.process.pid), inodes)
    with bridge.client():
        pids = bridge.children("lmtp-session") + bridge.children("lmtp-delivery")
        tap.check(len(pids) > 1, pids)
        for pid in pids:
            tap.equal(held(pid), set(), pid)


@tap.case("the watchdog is told while it works, and not while it hangs")
def _():
    for _ in range(3):
        manager.hear("WATCHDOG=1")
    os.kill(bridge.process.pid, signal.SIGSTOP)
    manager.socket.settimeout(2)
    try:
        while manager.socket.recv(4096):
            pass
    except TimeoutError:
        pass
    manager.socket.settimeout(60)
    os.kill(bridge.process.pid, signal.SIGCONT)
    manager.hear("WATCHDOG=1")


@tap.case("a reload is told from its beginning to its end, a refused one with the reason")
def _():
    inode = os.stat(bridge.unix).st_ino
    bridge.process.send_signal(signal.SIGHUP)
    told = manager.hear("READY=1")
    tap.check(any(re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", one) for one in told), told)
    tap.contains(told[-1], "STATUS=Listening on ")
    tap.equal(os.stat(bridge.unix).st_ino, inode)
    with open(bridge.config, "a", encoding="utf-8") as stream:
        stream.write("nonsense = 1\n")
    bridge.process.send_signal(signal.SIGHUP)
    told = manager.hear("READY=1")
    tap.contains(told[-1], "STATUS=The configuration stays as it was: ")
    tap.contains(told[-1], "nonsense")
    bridge.configure()
    with bridge.client() as client:
        tap.equal(client.deliver("s@x", ["u2@x"], HELLO)["u2@x"].code, 250)


@tap.case("a listener that goes with a reload comes back with the next")
def _():
    bridge.configure(lmtp="")
    bridge.process.send_signal(signal.SIGHUP)
    manager.hear("READY=1")
    bridge.configure(lmtp='listen "systemd:relay" {}')
    bridge.process.send_signal(signal.SIGHUP)
    manager.hear("READY=1")
    wire.Lmtp("\0ladle-test-%d" % os.getpid()).quit()


@tap.case("STOPPING=1; its sockets stay, and who connects meanwhile is served by the next")
def _():
    bridge.process.terminate()
    manager.hear("STOPPING=1")
    tap.equal(bridge.process.wait(60), 0)
    tap.check(os.path.exists(bridge.unix), "the file is systemd's")
    early = socket.socket(socket.AF_UNIX)
    early.settimeout(60)
    early.connect(bridge.unix)
    bridge.process = launch(given, LISTEN_FDNAMES="a:b:relay:c")
    tap.contains(early.recv(200).decode(), "220 ")
    early.close()
    bridge.stop()


@tap.case("what is no listening socket, or is not there, is told at the start")
def _():
    rows = [
        ([given[0]], "systemd:relay: systemd has given us no socket of that name"),
        ([manager.socket], "sockets of systemd: "),
        ([socket.socket(socket.AF_UNIX)], "sockets of systemd: "),
    ]
    for sockets, words in rows:
        process = launch(sockets)
        tap.contains(process.communicate(timeout=60)[1].decode(), words)
        tap.equal(process.returncode, 1)


@tap.case("sockets and notices meant for another process are left alone")
def _():
    bridge.configure(lmtp="")
    os.unlink(bridge.unix)
    given[1].close()
    known = dict(os.environ, LISTEN_FDS="3", LISTEN_PID="1", WATCHDOG_PID="1",
                 WATCHDOG_USEC="1000", NOTIFY_SOCKET="nonsense")
    bridge.process = subprocess.Popen([bridges.PROGRAM, "-c", bridge.config], env=known,
                                      stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    tap.until(bridge._answers, "it answers")
    tap.equal(bridge.stop(), 0)


@tap.case("systemd understands the units")
def _():
    verify = shutil.which("systemd-analyze")
    if not verify:
        tap.skip("there is no systemd-analyze")
    units = os.path.join(os.environ["TOP"], "etc", "systemd")
    room = bridge.directory + "/units"
    os.mkdir(room)
    for name in os.listdir(units):
        if name.rsplit(".", 1)[-1] not in ("service", "socket", "timer"):
            continue
        with open(os.path.join(units, name), encoding="utf-8") as stream:
            text = stream.read()
        # What they start need not be installed here.
        text = re.sub(r"^(Exec\w+)=/usr/s?bin/\S+", r"\1=/bin/true", text, flags=re.M)
        with open(os.path.join(room, name), "w", encoding="utf-8") as stream:
            stream.write(text.replace("man:", "https://example.test/"))
    names = sorted(os.path.join(room, name) for name in os.listdir(room))
    done = subprocess.run([verify, "verify", *names], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=100)
    ours = [line for line in done.stdout.decode().splitlines() if room in line or "ladle" in line]
    tap.equal(ours, [])


try:
    tap.main()
finally:
    bridge.end()
