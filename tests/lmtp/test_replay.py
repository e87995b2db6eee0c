#!/usr/bin/env python3
# lab: none
# time-limit: 300
"""A reply that the client did not get: when it sends the message again, there is no second copy."""

import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
import bridge as bridges
import tap

bridge = bridges.Bridge(lmtp='delivery_processes = "4"')
MEMORIES = os.path.join(bridge.mail, ".state", ".replies")
users = ("u%d" % number for number in range(1000))


@tap.setup
def start():
    bridge.start()


def memories():
    return sorted(os.listdir(MEMORIES)) if os.path.isdir(MEMORIES) else []


def until_remembered(count=1):
    tap.until(lambda: len(memories()) == count, "%d lost replies are remembered" % count)


def message(text="hello"):
    return b"Received: from x; today\r\nSubject: %s\r\n\r\nhi\r\n" % text.encode()


def deliver(recipients, text, sender="s@x"):
    """In order, with a QUIT that follows the replies."""
    with bridge.client() as client:
        replies = client.deliver(sender, recipients, text)
        client.quit()
    return [replies[recipient].code for recipient in recipients]


def lose(recipients, text, sender="s@x"):
    """The replies reach the client's host, but the connection ends before it says a word more."""
    before = len(memories())
    with bridge.client() as client:
        replies = client.deliver(sender, recipients, text)
        tap.equal([replies[recipient].code for recipient in recipients], [250] * len(recipients))
        client.close()
    until_remembered(before + len(recipients))


def notes(user):
    with open(os.path.join(bridge.mail, "records"), encoding="utf-8") as stream:
        return ["note=replay" in line for line in stream if "recipient=%s@x " % user in line]


@tap.case("the connection ends behind the replies: a second try stores nothing, a third one does")
def _():
    user = next(users)
    lose([user + "@x"], message())
    tap.equal(len(bridge.stored(user)), 1)
    tap.equal(deliver([user + "@x"], message()), [250])
    tap.equal(len(bridge.stored(user)), 1)
    tap.equal(memories(), [])
    tap.equal(deliver([user + "@x"], message()), [250])
    tap.equal(len(bridge.stored(user)), 2)
    tap.until(lambda: notes(user) == [False, True, False], "three records, one of them a replay")


@tap.case("what is not the same message, sender and recipient is no replay")
def _():
    one, other = next(users), next(users)
    lose([one + "@x"], message())
    tap.equal(deliver([one + "@x"], message("else")), [250])
    tap.equal(deliver([one + "@x"], message(), sender="t@x"), [250])
    tap.equal(deliver([other + "@x"], message()), [250])
    tap.equal((len(bridge.stored(one)), len(bridge.stored(other))), (3, 1))
    tap.equal(deliver([one + "@x"], message()), [250])
    tap.equal(len(bridge.stored(one)), 3)
    tap.equal(memories(), [])


@tap.case("several recipients: each is remembered by itself, one that was refused is not")
def _():
    names = [next(users) + "@x" for _ in range(3)]
    with bridge.client() as client:
        replies = client.deliver("s@x", names + ["nosuch@x"], message())
        tap.equal([replies[name].code for name in names + ["nosuch@x"]], [250] * 3 + [550])
        client.close()
    until_remembered(3)
    tap.equal(deliver(names[:1], message()), [250])
    tap.equal(len(memories()), 2)
    # One of the two that are left comes together with a new one.
    more = next(users)
    tap.equal(deliver(names[1:] + [more + "@x"], message()), [250] * 3)
    tap.equal([len(bridge.stored(name[:-2])) for name in names], [1, 1, 1])
    tap.equal(len(bridge.stored(more)), 1)
    tap.equal(memories(), [])


@tap.case("two lost messages that are the same: two memories, two replays")
def _():
    user = next(users)
    lose([user + "@x"], message())
    deliver([user + "@x"], message())
    lose([user + "@x"], message())
    tap.equal(len(bridge.stored(user)), 2)
    deliver([user + "@x"], message())
    tap.equal(len(bridge.stored(user)), 2)
    tap.equal(memories(), [])


@tap.case("a replay whose reply is lost as well is remembered again")
def _():
    user = next(users)
    lose([user + "@x"], message())
    with bridge.client() as client:
        tap.equal(client.deliver("s@x", [user + "@x"], message())[user + "@x"].code, 250)
        client.close()
    # Used up, and remembered anew.
    tap.until(lambda: bridge.log().count("about <%s@x> was lost, and" % user) == 2,
              "it was lost twice")
    deliver([user + "@x"], message())
    tap.equal(len(bridge.stored(user)), 1)
    tap.equal(memories(), [])


def pipelined(user, reads_all, address):
    """As Postfix does it: QUIT goes along with the dot."""
    client = bridge.client(address)
    tap.equal(client.mail("s@x").code, 250)
    tap.equal(client.rcpt(user + "@x").code, 250)
    tap.equal(client.command("DATA").code, 354)
    client.send(message() + b".\r\nQUIT\r\n")
    if reads_all:
        tap.equal([client.reply().code, client.reply().code], [250, 221])
    else:
        # The mail is there, and so is the reply; we go without reading it.
        tap.equal(len(client.socket.recv(1)), 1)
    client.close()


@tap.case("QUIT together with the dot: heard when the client reads to the end, else not")
def _():
    for address in (bridge.unix, bridge.inet):
        user = next(users)
        pipelined(user, True, address)
        tap.equal(deliver([user + "@x"], message()), [250])
        tap.equal(len(bridge.stored(user)), 2)
        pipelined(user, False, address)
        until_remembered()
        tap.equal(len(bridge.stored(user)), 3)
        deliver([user + "@x"], message())
        tap.equal(len(bridge.stored(user)), 3)
        tap.equal(memories(), [])


@tap.case("any command after the replies says that they were heard")
def _():
    user = next(users)
    for command in ("NOOP", "RSET", "MAIL FROM:<s@x>", "nonsense"):
        with bridge.client() as client:
            client.deliver("s@x", [user + "@x"], message())
            client.command(command)
            client.close()
    with bridge.client() as client:
        for _ in range(3):
            client.deliver("s@x", [user + "@x"], message())
        client.quit()
    tap.equal(len(bridge.stored(user)), 7)
    tap.equal(memories(), [])


@tap.case("the session is killed before the client has said a word")
def _():
    user = next(users)
    with bridge.client() as client:
        client.deliver("s@x", [user + "@x"], message())
        for pid in bridge.children("lmtp-session"):
            os.kill(pid, signal.SIGKILL)
        until_remembered()
    tap.equal(deliver([user + "@x"], message()), [250])
    tap.equal(len(bridge.stored(user)), 1)
    tap.equal(memories(), [])


@tap.case("a client that is silent while others are served, and then goes")
def _():
    user, other = next(users), next(users)
    client = bridge.client()
    client.deliver("s@x", [user + "@x"], message())
    for number in range(20):
        tap.equal(deliver([other + "@x"], message(str(number))), [250])
    tap.equal(memories(), [])
    client.close()
    until_remembered()
    tap.equal(deliver([user + "@x"], message()), [250])
    tap.equal((len(bridge.stored(user)), len(bridge.stored(other))), (1, 20))


@tap.case("more silent clients than there are places for them: those that wait longest are let go")
def _():
    names = [next(users) for _ in range(100)]
    clients = []
    for name in names:
        clients.append(bridge.client())
        tap.equal(clients[-1].deliver("s@x", [name + "@x"], message())[name + "@x"].code, 250)
    for client in clients:
        tap.equal(client.quit().code, 221)
    tap.equal(memories(), [])
    tap.equal([len(bridge.stored(name)) for name in names], [1] * 100)


@tap.case("a message that is too long for memory")
def _():
    user = next(users)
    text = message() + b"x" * 70 + b"\r\n"
    text += (b"0123456789" * 7 + b"\r\n") * 10000
    lose([user + "@x"], text)
    tap.equal(deliver([user + "@x"], text[:-3] + b"!\r\n"), [250])
    tap.equal(deliver([user + "@x"], text), [250])
    tap.equal(len(bridge.stored(user)), 2)
    tap.equal(memories(), [])


@tap.case("a time that the client's attempt has put on top makes no other message")
def _():
    user = next(users)
    top = b"Return-path: <s@x>\r\nEnvelope-to: y\r\nDelivery-date: Mon, 2 Feb 2026 10:0%d:00 +0000\r\n"
    lose([user + "@x"], top % 1 + message())
    tap.equal(deliver([user + "@x"], top % 2 + message()), [250])
    tap.equal(len(bridge.stored(user)), 1)
    tap.equal(memories(), [])


@tap.case("a memory outlives the bridge, and no more than five days")
def _():
    user = next(users)
    lose([user + "@x"], message())
    bridge.stop()
    bridge.start()
    tap.equal(deliver([user + "@x"], message()), [250])
    tap.equal(len(bridge.stored(user)), 1)
    lose([user + "@x"], message("old"))
    path = os.path.join(MEMORIES, memories()[0])
    old = os.stat(path).st_mtime - 5 * 86400 - 60
    os.utime(path, (old, old))
    tap.equal(deliver([user + "@x"], message("old")), [250])
    tap.equal(len(bridge.stored(user)), 3)
    tap.equal(memories(), [])


@tap.case("where nothing can be remembered mail is delivered all the same")
def _():
    user = next(users)
    os.rmdir(MEMORIES)
    with open(MEMORIES, "w", encoding="ascii"):
        pass
    with bridge.client() as client:
        client.deliver("s@x", [user + "@x"], message())
        client.close()
    tap.until(lambda: "it is not remembered" in bridge.log(), "the log says so")
    tap.equal(deliver([user + "@x"], message()), [250])
    tap.equal(len(bridge.stored(user)), 2)
    os.unlink(MEMORIES)


@tap.case("standard input that ends without QUIT is a lost connection, too")
def _():
    user = next(users)
    text = b"LHLO x\r\nMAIL FROM:<s@x>\r\nRCPT TO:<%s@x>\r\nDATA\r\n" % user.encode()
    text += message() + b".\r\n"
    command = [bridges.PROGRAM, "--stdin", "-c", bridge.config]
    for end, count in ((b"QUIT\r\n", 0), (b"", 1)):
        subprocess.run(command, input=text + end, check=True, stdout=subprocess.DEVNULL)
        tap.equal((end, len(memories())), (end, count))
    tap.equal(len(bridge.stored(user)), 2)
    # Another bridge's memory is not counted by one that runs; a new one finds it.
    subprocess.run(command, input=text + b"QUIT\r\n", check=True, stdout=subprocess.DEVNULL)
    tap.equal(len(bridge.stored(user)), 2)
    tap.equal(memories(), [])


try:
    tap.main()
finally:
    bridge.end()
