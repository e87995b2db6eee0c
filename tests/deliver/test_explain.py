#!/usr/bin/env python3
# lab: none
"""deliver --explain: why a message is where it is."""

import os
import re
import shutil
import subprocess
import tempfile

import tap

BIN = os.environ["STAGE"] + "/usr/local/bin/"
CONFIG = """\
hostname = "mx.example.test"
first_valid_uid = 1
state_directory = "{top}/state{own}"
spool_directory = "{top}"
users "test" {{ driver = "passwd-file"  path = "{top}/users" }}
store {{ location = "maildir:~/Maildir" }}
sieve {{ script = "{top}/rules" }}
record {{ target = "{top}/records"  story = "{story}"  story_size = "{size}" }}
log {{ target = "{top}/log" }}
"""
RULES = """\
require "fileinto";
if header :contains "subject" "invoice" {
\tfileinto "Money";
}
"""

top = None
uid, gid = os.getuid() or 65534, os.getgid() or 65534


def path(name):
    return top + "/" + name


def write(name, text):
    with open(path(name), "w", encoding="utf-8") as stream:
        stream.write(text)
    os.chown(path(name), uid, gid)


def configure(story="always", size="2M", own=""):
    write("conf", CONFIG.format(top=top, story=story, size=size, own=own))


def run(*arguments, message=b""):
    who = {} if os.getuid() else {"user": uid, "group": gid, "extra_groups": []}
    done = subprocess.run([BIN + "deliver", "-c", path("conf"), *arguments], input=message, cwd="/",
                          env={"PATH": "/usr/bin:/bin"}, stdout=subprocess.PIPE, timeout=60,
                          stderr=subprocess.STDOUT, check=False, **who)
    return done.returncode, done.stdout.decode()


def deliver(subject, queue="ABC123", user="anna"):
    """The id of a delivery."""
    head = "Received: by mx (Postfix, from userid 0)\n\tid %s; Sat, 1 Nov 2025 10:00:00 +0000\n" % queue
    text = head + "Subject: %s\n\nx\n" % subject
    tap.equal(run("-d", user, message=text.encode()), (0, ""))
    with open(path("records"), encoding="utf-8") as stream:
        return re.search(r"\bid=(\S+)", stream.read().splitlines()[-1]).group(1)


@tap.setup
def begin():
    global top
    top = tempfile.mkdtemp(prefix="ladle-explain.")
    os.chmod(top, 0o755)
    os.chown(top, uid, gid)
    for name in ("anna", "bert"):
        os.mkdir(path(name))
        os.chown(path(name), uid, gid)
    write("users", "".join("%s:x:%d:%d::%s::\n" % (name, uid, gid, path(name))
                           for name in ("anna", "bert")))
    write("rules", RULES)
    configure()
    tap.witness("log", lambda: open(path("log"), encoding="utf-8").read())


@tap.case("the rule, the line, the test, what it looked at, the folder")
def _():
    ident = deliver("your invoice 7")
    deliver("something else", queue="DEF456")
    code, text = run("--explain", ident)
    tap.equal(code, 0)
    for part in ("id=" + ident, "fileinto(Money)@%s:3" % path("rules"), "mailbox=.Money/new/",
                 "script " + path("rules"), "your invoice 7", '"invoice"', "yes"):
        tap.contains(text, part)
    tap.check("something else" not in text, "only that delivery")
    tap.check(re.search(r"^ +2 .*if", text, re.M) is not None, "the line of the rule: " + text)


@tap.case("the MTA's queue id finds it too")
def _():
    code, text = run("--explain", "DEF456")
    tap.equal(code, 0)
    tap.contains(text, "something else")
    tap.contains(text, "implicit-keep")


@tap.case("what is not known")
def _():
    code, text = run("--explain", "nothing")
    tap.equal(code, 1)
    tap.contains(text, "no story")
    tap.equal(run("--explain")[0], 75)


@tap.case("what a message says cannot pretend to be an entry")
def _():
    deliver("a\n --- id=FAKE\n\t--- id=FAKE")
    tap.equal(run("--explain", "FAKE")[0], 1)


@tap.case("a forged file says nothing to the terminal")
def _():
    begin()
    ident = deliver("hello")
    with open(path("state/stories"), "a", encoding="utf-8") as stream:
        stream.write("--- id=%s \x1b[2J\r\x9b\n\x1b]0;title\x07\ttext \u2514\n" % ident)
    code, text = run("--explain", ident)
    tap.equal(code, 0)
    tap.contains(text, "?]0;title?\ttext \u2514\n")
    tap.check(not set(text) & set("\x1b\x07\r\x9b"), repr(text))


@tap.case("off, and only over LMTP")
def _():
    for story in ("never", "lmtp"):
        configure(story=story)
        tap.equal(run("--explain", deliver("hello"))[0], 1)
    configure()


@tap.case("a user's own place")
def _():
    configure(own="/%{user}")
    ident = deliver("hello", user="bert")
    tap.equal(run("--explain", ident, "-d", "anna")[0], 1)
    code, text = run("--explain", ident, "-d", "bert")
    tap.equal(code, 0)
    tap.contains(text, "user=bert")
    configure()


@tap.case("its size is bounded, and the newest stay")
def _():
    configure(size="20K")
    last = [deliver("message %d" % number) for number in range(60)][-1]
    sizes = [os.path.getsize(path("state/" + name)) for name in ("stories", "stories.0")]
    tap.check(sum(sizes) <= 24000, "sizes %r" % sizes)
    tap.equal(run("--explain", last)[0], 0)
    configure()


@tap.case("a place that cannot be written hinders nothing")
def _():
    shutil.rmtree(path("state"))
    write("state", "no directory")
    deliver("hello")
    os.unlink(path("state"))


@tap.case("end")
def _():
    shutil.rmtree(top)


tap.main()
