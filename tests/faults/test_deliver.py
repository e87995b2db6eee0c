#!/usr/bin/env python3
# lab: none
# time-limit: 1800
"""Every call of a delivery fails once, each in turn; and the machine dies before each of them.

A delivery with quota and a Sieve script that stores two copies and redirects is run again and again
with inject.c in front of the C library, the nth call failing, until a run ends before its nth call.
No run may end in a bounce, in a success without all copies stored and synced (what is sent is one
of them, in the outbox), or leave anything of a message behind that was not delivered. What may
double is told in doc/design.md: mail whose answer was lost on its way to the MTA.
"""

import ctypes
import errno
import os
import re
import shutil
import struct
import subprocess
import tempfile

import maildir
import tap

DELIVER = os.environ["STAGE"] + "/usr/local/bin/deliver"
HERE = os.path.dirname(os.path.abspath(__file__))
MESSAGE = (b"From: bert@example.net\nTo: anna@example.test\nSubject: report\n\n"
           b"Three lines,\n8-bit \xff and NUL \0,\n" + b"and a long one " * 300 + b"\n")
SCRIPT = """\
require ["fileinto", "copy"];
if header :contains "subject" "report" { fileinto :copy "Work"; redirect :copy "carl@example.net"; }
"""
CONFIG = """\
hostname = "mx.example.test"
first_valid_uid = 1
delivery_timeout = "10s"
state_directory = "{top}/state"
spool_directory = "{top}/spool"
users "test" {{ driver = "passwd-file"  path = "{top}/users" }}
store {{ location = "maildir:~/Maildir"  autocreate = true }}
quota {{ rule "*" {{ storage = "1M"  messages = 1000 }} }}
sieve {{ script = "~/.dovecot.sieve" }}
outbox {{ at_once = false }}
record {{ target = "{top}/log/records" }}
"""

ALL_STORED = {"INBOX": 1, "Work": 1, "outbox": 1}

# The layout of struct control in inject.c.
HEAD = struct.Struct("=c c c 29s I I I I I I")
EVENT = struct.Struct("=I I Q")
EVENT_MAX = 1000
SYNCED, MOVED = 1, 2

# The answer goes from the child to its parent through a pipe. When one of these calls fails there
# the mail is stored and the MTA does not know; so many runs of a sweep may end so.
ANSWERING = ("read", "write")
LOST_ANSWERS_MAX = 2

PR_SET_CHILD_SUBREAPER = 36

# What a run with a failing call is allowed to be slow by: the delivery's own deadline.
RUN_LIMIT_S = 30


class Run:
    """One delivery: how it ended, which call was hit, and what is on disk now."""

    def __init__(self, room, done, control):
        self.status = done.returncode
        self.output = done.stdout.decode("utf-8", "replace")
        _, _, _, name, _, self.hit_at, self.calls, event_count, _, _ = HEAD.unpack_from(control)
        self.name = name.rstrip(b"\0").decode()
        self.events = [EVENT.unpack_from(control, HEAD.size + i * EVENT.size)[::2]
                       for i in range(min(event_count, EVENT_MAX))]
        self.copies = {folder: maildir.messages(room.maildir, folder)
                       for folder in ("INBOX", "Work")}
        self.copies["outbox"] = maildir.messages(room.outbox)
        self.rubbish = maildir.rubbish(room.maildir) + maildir.rubbish(room.outbox)

    def was_hit(self):
        return self.calls >= self.hit_at

    def is_durable(self, message):
        """Synced, then moved to where it is, then the directory synced."""
        inode = os.stat(message.path).st_ino
        directory = os.stat(os.path.dirname(message.path)).st_ino
        events = self.events
        moves = [at for at, event in enumerate(events) if event == (MOVED, inode)]
        if not moves:
            return False
        # Only what came after the last move of another file: the number may have been its.
        start = moves[-2] if len(moves) > 1 else 0
        return ((SYNCED, inode) in events[start:moves[-1]]
                and (SYNCED, directory) in events[moves[-1]:])

    def stored(self):
        return {folder: len(copies) for folder, copies in self.copies.items()}

    def is_answer_lost(self):
        return (self.status == 75 and self.name in ANSWERING
                and self.stored() == ALL_STORED
                and all(self.is_durable(copies[0]) for copies in self.copies.values()))

    def faults(self, is_death):
        """What is wrong with it, in words; empty when it kept every promise."""
        found = []
        stored = self.stored()
        if self.status == 0:
            if stored != ALL_STORED:
                found.append("success with %r stored" % stored)
            for message in sum(self.copies.values(), []):
                if not message.bytes.endswith(MESSAGE) or not message.sizes_are_true():
                    found.append("%r is not what was sent" % message)
                if not self.is_durable(message):
                    found.append("success before %r was durable" % message)
        elif self.status == 75 or (is_death and self.status == -9):
            if any(stored.values()) and not is_death and not self.is_answer_lost():
                found.append("failure with %r stored" % stored)
            # A process without memory ends at once, and is then as good as dead: it cannot tidy
            # up, and if it was the parent it cannot say anything; the status is enough.
            is_mute = is_death or self.name in ("malloc", "calloc", "realloc", "getentropy")
            if self.rubbish and not is_mute:
                found.append("left in tmp: %r" % self.rubbish)
            if not re.match(r"4\.\d\.\d+ \S", self.output) and not (is_mute and not self.output):
                found.append("said %r" % self.output)
            if self.output.count("\n") > 1 or "/" in self.output:
                found.append("said too much: %r" % self.output)
        else:
            found.append("ended with %d" % self.status)
        return found


def wait_for_orphans():
    """A child may outlive a parent that was killed; it must not write into the next run."""
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:
        pass


class Room:
    """A private configuration with one user."""

    def __init__(self):
        self.top = tempfile.mkdtemp(prefix="ladle-faults.")
        os.chmod(self.top, 0o755)
        self.uid = os.getuid() or 65534
        self.gid = os.getgid() or 65534
        self.home = self.path("home")
        self.maildir = self.home + "/Maildir"
        self.outbox = self.path("state/anna/outbox")
        self.injector = self.path("inject.so")
        self.control = self.path("control")
        for name in ("home", "state", "spool", "log"):
            os.mkdir(self.path(name))
            os.chown(self.path(name), self.uid, self.gid)
        self.write("ladle.conf", CONFIG.format(top=self.top))
        self.write("users", "anna:*:%d:%d::%s::\n" % (self.uid, self.gid, self.home))
        self.write("home/.dovecot.sieve", SCRIPT)
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-o", self.injector,
                        HERE + "/inject.c", "-ldl"], check=True)

    def path(self, name):
        return self.top + "/" + name

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as stream:
            stream.write(text)
        os.chmod(self.path(name), 0o644)

    def reset(self, is_new):
        """No Maildir at all, or one as other deliveries have left it, without messages."""
        shutil.rmtree(self.maildir, ignore_errors=True)
        shutil.rmtree(self.path("state"), ignore_errors=True)
        os.mkdir(self.path("state"))
        os.chown(self.path("state"), self.uid, self.gid)
        if not is_new:
            for folder in ("", "/.Work"):
                for part in ("", "/tmp", "/new", "/cur"):
                    os.mkdir(self.maildir + folder + part, 0o700)
                    os.chown(self.maildir + folder + part, self.uid, self.gid)

    def deliver(self, is_new, process="c", group="s", act="e", error=0, hit_at=0):
        self.reset(is_new)
        with open(self.control, "wb") as stream:
            stream.write(HEAD.pack(group.encode(), act.encode(), process.encode(), b"",
                                   error, hit_at, 0, 0, 0, 0))
            stream.truncate(HEAD.size + EVENT_MAX * EVENT.size)
        os.chmod(self.control, 0o666)
        done = subprocess.run(
            [DELIVER, "-c", self.path("ladle.conf"), "-f", "bert@example.net", "-d", "anna"],
            input=MESSAGE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/",
            env={"PATH": "/usr/bin:/bin", "INJECT": self.control, "LD_PRELOAD": self.injector},
            timeout=RUN_LIMIT_S, check=False)
        wait_for_orphans()
        with open(self.control, "rb") as stream:
            return Run(self, done, stream.read())

    def sweep(self, is_new, process, group="s", act="e", error=0):
        """Hits each call in turn; (number of calls, those that were no success, all faults)."""
        faults, failures, lost, number = [], 0, 0, 0
        while True:
            number += 1
            run = self.deliver(is_new, process, group, act, error, number)
            for fault in run.faults(act == "k"):
                faults.append("call %d, %s: %s" % (number, run.name or "none", fault))
            failures += run.status != 0
            lost += run.is_answer_lost() and act != "k"
            if lost > LOST_ANSWERS_MAX:
                faults.append("call %d, %s: one lost answer too many" % (number, run.name))
            if not run.was_hit():
                return number - 1, failures, faults


@tap.setup
def setup():
    global room
    if not os.path.exists(DELIVER):
        tap.skip("deliver is not built")
    if b"libasan" in subprocess.run(["ldd", DELIVER], stdout=subprocess.PIPE, check=True).stdout:
        tap.skip("the sanitizers do not like to be preloaded")
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    room = Room()


@tap.case("the injector sees a delivery, and the delivery is good")
def _():
    for is_new in (True, False):
        for process, group, least in (("p", "s", 5), ("c", "s", 40), ("c", "m", 20)):
            run = room.deliver(is_new, process, group)
            tap.equal(run.status, 0, run.output)
            tap.equal(run.faults(False), [])
            tap.check(run.calls > least, "only %d calls in %s" % (run.calls, process + group))


def judge(is_new, least, **how):
    all_failures, all_faults = 0, []
    for process in "pc":
        calls, failures, faults = room.sweep(is_new, process, **how)
        who = "the parent" if process == "p" else "the child"
        print("# %s: %d calls hit, %d runs temporary, %d faults"
              % (who, calls, failures, len(faults)))
        all_failures += failures
        all_faults += ["%s, %s" % (who, fault) for fault in faults]
    tap.check(not all_faults, "\n".join(all_faults[:20]))
    tap.check(all_failures >= least, "only %d failing calls mattered" % all_failures)


def register(is_new):
    place = "a new mailbox" if is_new else "a mailbox"
    for name in ("EIO", "ENOSPC", "EDQUOT", "EACCES", "EAGAIN", "EMFILE"):
        @tap.case("each call fails with %s, into %s" % (name, place))
        def _(error=getattr(errno, name)):
            judge(is_new, 30, error=error)

    @tap.case("death before each call, into %s" % place)
    def _():
        judge(is_new, 30, act="k")

    @tap.case("each allocation fails, into %s" % place)
    def _():
        judge(is_new, 10, group="m", error=errno.ENOMEM)


for is_new_mailbox in (True, False):
    register(is_new_mailbox)
try:
    tap.main()
finally:
    if "room" in globals():
        shutil.rmtree(room.top, ignore_errors=True)
