#!/usr/bin/env python3
# lab: postfix
# time-limit: 240
"""Sessions and delivery processes are killed (SIGKILL) while Postfix delivers some hundred messages.

Nothing may be lost. A message that is there twice was stored by a process that was killed before
Postfix had its reply; how many is printed.
"""

import collections
import itertools
import os
import random
import re
import signal
import threading

import ladle
import maildir
import postfix
import tap
import wire
import world

USERS = ["u%d" % number for number in range(6)]
STATE = "/var/lib/ladle-test"
MESSAGES = 300
KILLS = 60
BODY = b"x\r\n" * 500


@tap.setup
def servers():
    global mx, bridge
    world.add_virtual_users(dict.fromkeys(USERS, ""))
    ladle.configure(more='state_directory = "%s"' % STATE)
    os.makedirs(STATE)
    os.chown(STATE, world.VMAIL_UID, world.VMAIL_UID)
    bridge = ladle.Bridge().start()
    mx = postfix.Postfix({"virtual_mailbox_domains": "example.test",
                          "virtual_mailbox_maps": "static:all",
                          "virtual_transport": "lmtp:unix:" + ladle.UNIX,
                          "lmtp_destination_concurrency_limit": "10",
                          # Deaths are no reason to leave the destination alone.
                          "lmtp_destination_concurrency_failed_cohort_limit": "0",
                          "transport_retry_time": "1s",
                          "minimal_backoff_time": "1s",
                          "maximal_backoff_time": "2s",
                          "queue_run_delay": "1s",
                          "in_flow_delay": "0s"})
    mx.start()


def victims():
    """Session and delivery processes of our bridge."""
    supervisor = bridge.process.pid
    found = []
    try:
        with open("/proc/%d/task/%d/children" % (supervisor, supervisor), encoding="ascii") as pids:
            for pid in pids.read().split():
                with open("/proc/%s/comm" % pid, encoding="ascii") as comm:
                    if comm.read().strip() in ("lmtp-session", "lmtp-delivery"):
                        found.append(int(pid))
    except OSError:
        pass
    return found


class Killer(threading.Thread):
    def __init__(self):
        super().__init__()
        self.count = 0
        self.is_over = threading.Event()

    def run(self):
        while not self.is_over.wait(0.05):
            try:
                os.kill(random.choice(victims()), signal.SIGKILL)
                self.count += 1
            except (IndexError, ProcessLookupError):
                pass


def recipients(number):
    """Each message goes to three users."""
    return [USERS[(number + k) % len(USERS)] for k in range(3)]


def submit(killer):
    """Messages until there were enough, and enough kills; how many."""
    with wire.Smtp(mx.address) as client:
        for number in itertools.count():
            if number >= MESSAGES and killer.count >= KILLS:
                return number
            replies = client.transaction(
                "a@sender.test", [user + "@example.test" for user in recipients(number)],
                b"Subject: unique-%d-\r\n\r\n%s" % (number, BODY))
            tap.equal([reply.code for reply in replies], [250] * 5, repr(replies))


def empty_queue():
    """What was deferred may wait for a minute, so it is told to go as long as there is any."""
    for _ in range(30):
        mx.flush()
        try:
            return mx.wait_queue_empty(limit_s=5)
        except AssertionError:
            pass
    mx.wait_queue_empty(limit_s=5)


def stored():
    """How often each (user, number) is there."""
    return collections.Counter(
        (user, int(re.search(rb"Subject: unique-(\d+)-", message.bytes).group(1)))
        for user in USERS for message in maildir.messages(world.maildir(user)))


@tap.case("killed under load from Postfix: nothing is lost, and nothing is cut short")
def _():
    killer = Killer()
    killer.start()
    try:
        count = submit(killer)
    finally:
        killer.is_over.set()
        killer.join()
    empty_queue()
    wanted = {(user, number) for number in range(count) for user in recipients(number)}
    counts = stored()
    doubles = sum(counts.values()) - len(counts)
    print("# %d messages for 3 users each, %d kills, %d deferred, %d doubles"
          % (count, killer.count, mx.log().count("status=deferred"), doubles))
    tap.equal(sorted(wanted - set(counts)), [], "lost")
    tap.equal(sorted(set(counts) - wanted), [], "came from nowhere")
    tap.check("status=bounced" not in mx.log(), "nothing bounced")
    # A process stores at most the three copies of one message before its reply.
    tap.check(doubles <= 3 * killer.count, "%d doubles by %d kills" % (doubles, killer.count))
    for user in USERS:
        for message in maildir.messages(world.maildir(user)):
            tap.check(message.bytes.endswith(b"\n\n" + BODY.replace(b"\r\n", b"\n")), repr(message))


@tap.case("the bridge is as before: mail arrives, and it ends when told")
def _():
    for user in USERS:
        maildir.clear(world.maildir(user))
    tap.equal(mx.send("u0@example.test").status, "sent")
    maildir.only_message(world.maildir("u0"))
    tap.equal(bridge.stop(), 0)


tap.main()
