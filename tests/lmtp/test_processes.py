#!/usr/bin/env python3
# lab: none
# time-limit: 300
"""lmtp-bridge's processes: deaths, deadlines, signals, sockets, many clients, large messages."""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
import bridge as bridges
import tap
import wire

HELLO = b"Subject: hi\r\n\r\nhello\r\n"
bridge = bridges.Bridge(globals='delivery_timeout = "2s"',
                        lmtp='delivery_processes = "3"  data_timeout = "1s"  command_timeout = "3s"')


@tap.setup
def start():
    bridge.start()


def frozen(work):
    """Runs work() while no delivery process moves; what it returns, and the seconds it took."""
    bridge.signal_deliveries(signal.SIGSTOP)
    began = time.monotonic()
    try:
        return work(), time.monotonic() - began
    finally:
        bridge.signal_deliveries(signal.SIGCONT)


@tap.case("the deadline: every recipient is answered 451 in time, and the connection goes on")
def _():
    with bridge.client() as client:
        client.mail("s@x")
        for user in ("u0@x", "u1@x", "u2@x"):
            tap.equal(client.rcpt(user).code, 250)
        replies, took_s = frozen(lambda: client.data(HELLO, 3))
        tap.equal([(reply.code, reply.enhanced) for reply in replies], [(451, "4.3.0")] * 3)
        tap.check(1.5 < took_s < 30, "took %.1f s" % took_s)
        client.mail("s@x")
        reply, took_s = frozen(lambda: client.rcpt("u0@x"))
        tap.equal(reply.code, 451)
        tap.check(1.5 < took_s < 30, "took %.1f s" % took_s)
        client.command("RSET")
        tap.equal(client.deliver("s@x", ["u0@x"], HELLO)["u0@x"].code, 250)
    # What was answered 451 comes again from the client; delivered late it would come twice.
    tap.equal(len(bridge.stored("u0")), 1)
    tap.equal(bridge.stored("u1"), [])


@tap.case("delivery processes killed under load: one reply each, no 250 without its message")
def _():
    bridge.configure(globals='delivery_timeout = "60s"')
    bridge.process.send_signal(signal.SIGHUP)
    tap.until(lambda: "new configuration" in bridge.log(), "the new configuration")
    saved, others, kills, stop = [], [], [], threading.Event()

    def send(number):
        user = "u%d@x" % (100 + number)
        with bridge.client() as client:
            for message in range(5000):
                if message >= 60 and len(kills) > 10:
                    break
                name = "m-%d-%d" % (number, message)
                got = client.deliver("s@x", [user, "u%d@x" % (120 + number)],
                                     b"Subject: %s\r\n\r\n" % name.encode())
                for reply in (got[key] for key in got if key != "MAIL"):
                    (saved if reply.code == 250 else others).append((name, reply))
            tap.equal(client.quit().code, 221)

    def kill():
        while not stop.wait(0.03):
            victims = bridge.children("lmtp-delivery")
            try:
                os.kill(random.choice(victims), signal.SIGKILL)
                kills.append(1)
            except (IndexError, ProcessLookupError):
                pass

    killer = threading.Thread(target=kill)
    senders = [threading.Thread(target=send, args=(number,)) for number in range(5)]
    for thread in [killer] + senders:
        thread.start()
    for thread in senders:
        thread.join()
    stop.set()
    killer.join()
    stored = [message for number in range(100, 125) for message in bridge.stored("u%d" % number)]
    tap.check(len(kills) > 10, "%d kills" % len(kills))
    for name, reply in others:
        tap.equal(reply.code, 451, name)
    names = [line.split()[-1].decode() for message in stored for line in message.split(b"\n")
             if line.startswith(b"Subject:")]
    tap.equal(sorted({name for name, _ in saved} - set(names)), [], "said to be saved and are not")
    tap.check(len(names) >= len(saved), "%d stored, %d saved" % (len(names), len(saved)))
    tap.check("fork:" not in bridge.log(), "only the supervisor forks")
    print("# %d kills, %d saved, %d deferred, %d stored" % (len(kills), len(saved), len(others),
                                                          len(names)))


@tap.case("a client that stops in the middle is told 421 and let go")
def _():
    with bridge.client() as client:
        client.mail("s@x")
        client.rcpt("u3@x")
        client.command("DATA")
        client.send(b"half a message\r\n.")
        tap.equal(client.reply().code, 421)
        tap.equal(client.socket.recv(100), b"")
    with bridge.client() as client:
        tap.equal(client.reply().code, 421)
    tap.equal(bridge.stored("u3"), [])


@tap.case("a client that sends byte by byte is served")
def _():
    with bridge.client() as client:
        for byte in (b"MAIL FROM:<s@x>\r\nRCPT TO:<u4@x>\r\nDATA\r\n" + wire.dot_stuff(HELLO)):
            client.send(bytes([byte]))
        tap.equal([client.reply().code for _ in range(4)], [250, 250, 354, 250])


@tap.case("a client that goes away leaves nothing behind")
def _():
    for text in ("", "MAIL FROM:<s@x>\r\n", "MAIL FROM:<s@x>\r\nRCPT TO:<u5@x>\r\nDATA\r\nx\r\n"):
        client = bridge.client()
        client.send(text)
        client.close()
    tap.until(lambda: not bridge.children("lmtp-session"), "the sessions end")
    tap.equal(bridge.stored("u5"), [])


@tap.case("200 clients at once")
def _():
    bridge.configure(lmtp='command_timeout = "60s"')
    bridge.process.send_signal(signal.SIGHUP)
    tap.until(lambda: bridge.log().count("new configuration") == 2, "the new configuration")
    clients = [bridge.client() for _ in range(200)]
    for number, client in enumerate(clients):
        client.send("MAIL FROM:<s@x>\r\nRCPT TO:<u%d@x>\r\nDATA\r\n" % (number % 50 + 50))
    for client in clients:
        tap.equal([client.reply().code for _ in range(3)], [250, 250, 354])
        client.send(wire.dot_stuff(HELLO))
    for client in clients:
        tap.equal(client.reply().code, 250)
    tap.equal(len(bridge.children("lmtp-session")), 200)
    for client in clients:
        client.quit()


@tap.case("a message of 200 MB takes no memory")
def _():
    chunk = (b"x" * 998 + b"\r\n") * 1000
    with bridge.client() as client:
        client.mail("s@x")
        client.rcpt("u6@x")
        client.command("DATA")
        for _ in range(200):
            client.send(chunk)
        session = bridge.children("lmtp-session")
        client.send(b".\r\n")
        tap.equal(client.reply().code, 250)
        peaks = [bridges.peak_kb(pid) for pid in session + bridge.children("lmtp-delivery")]
    tap.check(max(peaks) < bridges.memory_factor() * 16 * 1024, "%r KB" % peaks)
    folder = os.path.join(bridge.mail, "u6", "Maildir", "new")
    (name,) = os.listdir(folder)
    tap.check(os.path.getsize(os.path.join(folder, name)) > 199800000, "it is all there")
    os.unlink(os.path.join(folder, name))


@tap.case("a configuration that is bad is refused at HUP, the old one stays")
def _():
    with open(bridge.config, encoding="utf-8") as stream:
        good = stream.read()
    with open(bridge.config, "a", encoding="utf-8") as stream:
        stream.write("nonsense = 1\n")
    bridge.process.send_signal(signal.SIGHUP)
    tap.until(lambda: "stays as it was" in bridge.log(), "it is told")
    with bridge.client() as client:
        tap.equal(client.deliver("s@x", ["u7@x"], HELLO)["u7@x"].code, 250)
    with open(bridge.config, "w", encoding="utf-8") as stream:
        stream.write(good)


@tap.case("a flusher hears that it shall end, however young it is")
def _():
    def pids():
        path = "/proc/%d/task/%d/children" % (bridge.process.pid, bridge.process.pid)
        with open(path, encoding="ascii") as stream:
            return {int(pid) for pid in stream.read().split()}

    for _ in range(10):
        old, told = pids(), set()
        bridge.process.send_signal(signal.SIGHUP)
        # To a delivery process, which may be the first, it says nothing.
        while len(told) < 2:
            for pid in pids() - old - told:
                os.kill(pid, signal.SIGTERM)
                told.add(pid)
        tap.until(lambda: told.isdisjoint(bridge.children("lmtp-flusher")), "it ends", 60)
        tap.until(lambda: bridge.children("lmtp-flusher"), "there is another", 60)


@tap.case("a delivery process of a certain age makes room for a fresh one, and nobody notices")
def _():
    tap.until(lambda: bridge.children("lmtp-delivery"), "there is one")
    first = set(bridge.children("lmtp-delivery"))
    with open(bridge.config, encoding="utf-8") as stream:
        good = stream.read()
    bridge.configure(lmtp='process_age = "1s"')
    taken = bridge.log().count("new configuration")
    bridge.process.send_signal(signal.SIGHUP)
    tap.until(lambda: bridge.log().count("new configuration") > taken, "the new configuration")
    seen = set()

    def is_renewed():
        with bridge.client() as client:
            tap.equal(client.deliver("s@x", ["u7@x"], HELLO)["u7@x"].code, 250)
        seen.update(set(bridge.children("lmtp-delivery")) - first)
        return len(seen) > 4

    tap.until(is_renewed, "new processes", 60)
    tap.check("was ended" not in bridge.log().split("new configuration")[-1], "they go in peace")
    with open(bridge.config, "w", encoding="utf-8") as stream:
        stream.write(good)


def with_settings(work, **settings):
    """Runs work() with other settings, read again before and back after it."""
    with open(bridge.config, encoding="utf-8") as stream:
        good = stream.read()
    bridge.configure(**settings)
    reload()
    try:
        work()
    finally:
        with open(bridge.config, "w", encoding="utf-8") as stream:
            stream.write(good)
        reload()


def reload():
    taken = bridge.log().count("new configuration")
    bridge.process.send_signal(signal.SIGHUP)
    tap.until(lambda: bridge.log().count("new configuration") > taken, "the new configuration")


@tap.case("a delivery process that has served so many makes room for a fresh one")
def _():
    def work():
        seen = set()
        with bridge.client() as client:
            for _ in range(60):
                tap.equal(client.deliver("s@x", ["u7@x"], HELLO)["u7@x"].code, 250)
                seen.update(bridge.children("lmtp-delivery"))
        # Each message is two questions.
        tap.check(len(seen) > 5, "%d processes" % len(seen))
    with_settings(work, lmtp='process_uses = "4"')


@tap.case("sessions of an old configuration take nothing from those of new ones, however many")
def _():
    with bridge.client() as old:
        tap.equal(old.deliver("s@x", ["u7@x"], HELLO)["u7@x"].code, 250)
        for _ in range(20):
            reload()
            with bridge.client() as client:
                tap.equal(client.deliver("s@x", ["u7@x"], HELLO)["u7@x"].code, 250)
        tap.equal(old.deliver("s@x", ["u7@x"], HELLO)["u7@x"].code, 250)


OLD = "421 4.3.2 This session has lasted long enough, connect again"


def begun():
    """A session with a transaction, which it begins before it is too old for that."""
    def begin():
        client = bridge.client(hello=None)
        client.send("LHLO c\r\nMAIL FROM:<s@x>\r\nRCPT TO:<u7@x>\r\n")
        codes = [client.reply().code for _ in range(2)]
        return codes == [250, 250] and client.reply().code == 250 and client
    return tap.until(begin, "a transaction begins")


@tap.case("a session of a certain age: told 421 when it is idle, not within a transaction")
def _():
    def work():
        busy = begun()
        idle = bridge.client(hello=None)
        tap.equal(repr(idle.reply()), OLD)
        tap.equal(idle.socket.recv(10), b"")
        # By now the busy one is older than that.
        before = len(bridge.stored("u7"))
        tap.equal([reply.code for reply in busy.data(HELLO)], [250])
        tap.equal(len(bridge.stored("u7")), before + 1)
        # Its next word says that it has heard; that is obeyed no more, and nothing is remembered.
        tap.equal(repr(busy.command("RSET")), OLD)
        tap.equal(busy.socket.recv(10), b"")
        tap.check("<u7@x> was lost" not in bridge.log(), "no reply was lost")
    with_settings(work, lmtp='session_age = "1s"')


@tap.case("clients of other services: let go behind an answer")
def _():
    def work():
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(30)
            client.connect(bridge.policy)
            answers = 0
            try:
                while answers < 100000:
                    client.sendall(b"request=smtpd_access_policy\nprotocol_state=RCPT\n"
                                   b"recipient=u7@x\n\n")
                    answer = client.recv(1000)
                    if not answer:
                        break
                    tap.equal(answer, b"action=DUNNO\n\n")
                    answers += 1
            except (BrokenPipeError, ConnectionResetError):
                pass
        tap.check(0 < answers < 100000, "%d answers" % answers)
    with_settings(work, lmtp='session_age = "1s"')


@tap.case("the keys of SRS are in the memory of who uses them, not of sessions and deliveries")
def _():
    secret = b"correct-horse-battery-staple"
    with open(bridge.directory + "/keys", "wb") as stream:
        stream.write(secret + b"\n")
    with open(bridge.config, encoding="utf-8") as stream:
        good = stream.read()
    with open(bridge.config, "a", encoding="utf-8") as stream:
        stream.write('srs { key_file = "%s/keys"  listen "unix:%s/srs" {} }\n'
                     % (bridge.directory, bridge.directory))
    old = set(bridge.children("lmtp-delivery"))
    bridge.process.send_signal(signal.SIGHUP)
    tap.until(lambda: os.path.exists(bridge.directory + "/srs"), "the socket")
    with bridge.client() as client, socket.socket(socket.AF_UNIX) as srs:
        tap.equal(client.deliver("s@x", ["u7@x"], HELLO)["u7@x"].code, 250)
        srs.connect(bridge.directory + "/srs")
        tap.until(lambda: bridge.children("lmtp-srs"), "its process")
        try:
            tap.equal(bridges.holds(bridge.children("lmtp-srs")[0], secret), True)
        except PermissionError:
            tap.skip("nobody may look at the memory of others here")
        tap.until(lambda: set(bridge.children("lmtp-delivery")) - old, "a delivery process")
        for kind in ("lmtp-session", "lmtp-delivery"):
            pids = set(bridge.children(kind)) - old
            tap.check(pids, kind)
            for pid in pids:
                tap.equal(bridges.holds(pid, secret), False, kind)
    with open(bridge.config, "w", encoding="utf-8") as stream:
        stream.write(good)


@tap.case("a listener that HUP takes away is gone, one that stays keeps its socket")
def _():
    with open(bridge.config, encoding="utf-8") as stream:
        good = stream.read()
    inode = os.stat(bridge.unix).st_ino
    old = bridge.client()
    old.mail("s@x")
    with open(bridge.config, "w", encoding="utf-8") as stream:
        stream.write(good.replace("%s/plain" % bridge.directory, "%s/new" % bridge.directory))
    bridge.process.send_signal(signal.SIGHUP)
    tap.until(lambda: os.path.exists(bridge.directory + "/new"), "the new socket")
    tap.until(lambda: not os.path.exists(bridge.unix_plain), "the old socket goes")
    tap.equal(os.stat(bridge.unix).st_ino, inode)
    tap.equal(old.rcpt("u8@x").code, 250)
    tap.equal(old.data(HELLO)[0].code, 250)
    bridge.client(bridge.directory + "/new").quit()
    tap.equal(os.stat(bridge.unix).st_mode & 0o777, 0o660)


@tap.case("a live socket is refused, and so is a file that is no socket")
def _():
    second = subprocess.run([bridges.PROGRAM, "-c", bridge.config], stderr=subprocess.PIPE,
                            timeout=30)
    tap.equal(second.returncode, 1)
    tap.contains(second.stderr.decode(), "somebody listens there already")
    bridge.client().quit()
    path = bridge.directory + "/file"
    open(path, "w", encoding="utf-8").close()
    second = subprocess.run([bridges.PROGRAM, "-c", bridge.config, "-o",
                             "policy.listen.unix:%s.mode=0600" % path],
                            stderr=subprocess.PIPE, timeout=30)
    tap.equal(second.returncode, 1)
    tap.check(os.path.isfile(path), "the file is still there")


@tap.case("a link in the place of a socket: what it leads to keeps owner and mode")
def _():
    victim = bridge.directory + "/victim"
    with open(victim, "w", encoding="utf-8"):
        os.chmod(victim, 0o600)
    os.rename(bridge.unix, bridge.unix + ".away")
    os.symlink(victim, bridge.unix)
    with open(bridge.config, encoding="utf-8") as stream:
        good = stream.read()
    with open(bridge.config, "w", encoding="utf-8") as stream:
        stream.write(good.replace('mode = "0660"', 'mode = "0666"'))
    refused = bridge.log().count("stays as it was")
    bridge.process.send_signal(signal.SIGHUP)
    tap.until(lambda: bridge.log().count("stays as it was") > refused, "it is refused")
    tap.equal(os.stat(victim).st_mode & 0o777, 0o600)
    os.rename(bridge.unix + ".away", bridge.unix)
    reload()
    tap.equal(os.stat(bridge.unix).st_mode & 0o777, 0o666)
    with open(bridge.config, "w", encoding="utf-8") as stream:
        stream.write(good)
    reload()
    tap.equal(os.stat(bridge.unix).st_mode & 0o777, 0o660)


@tap.case("TERM finishes the transaction under way, says 421 to the idle, and ends with 0")
def _():
    idle, busy = bridge.client(), bridge.client()
    busy.mail("s@x")
    tap.equal(busy.rcpt("u9@x").code, 250)
    bridge.process.terminate()
    reply = idle.reply()
    tap.equal((reply.code, reply.enhanced), (421, "4.3.2"))
    tap.until(lambda: not os.path.exists(bridge.unix), "the socket file goes")
    tap.equal(busy.data(HELLO)[0].code, 250)
    tap.equal(busy.reply().code, 421)
    tap.equal(bridge.process.wait(60), 0)
    tap.equal(len(bridge.stored("u9")), 1)


@tap.case("a stale socket file is replaced")
def _():
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(bridge.unix)
    tap.check(os.path.exists(bridge.unix), "it is there")
    bridge.start()
    with bridge.client() as client:
        tap.equal(client.deliver("s@x", ["u10@x"], HELLO)["u10@x"].code, 250)


@tap.case("when the supervisor is killed, sessions finish and delivery processes end")
def _():
    deliveries = bridge.children("lmtp-delivery")
    client = bridge.client()
    client.mail("s@x")
    client.rcpt("u11@x")
    bridge.process.kill()
    bridge.process.wait()
    tap.equal(client.data(HELLO)[0].code, 250)
    client.quit()
    tap.until(lambda: not [pid for pid in deliveries if os.path.exists("/proc/%d" % pid)],
              "the delivery processes end")


@tap.case("one session on standard input")
def _():
    talk = b"LHLO c\r\nMAIL FROM:<s@x>\r\nRCPT TO:<u12@x>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n"
    done = subprocess.run([bridges.PROGRAM, "--stdin", "-c", bridge.config], input=talk,
                          stdout=subprocess.PIPE, timeout=30)
    codes = [line[:3] for line in done.stdout.decode().splitlines() if line[3:4] == " "]
    tap.equal((codes, done.returncode), (["220", "250", "250", "250", "354", "250", "221"], 0))
    tap.equal(len(bridge.stored("u12")), 1)


try:
    tap.main()
finally:
    bridge.end()
