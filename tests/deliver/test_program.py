#!/usr/bin/env python3
# lab: none
# time-limit: 180
"""deliver as a whole program: every exit status, the one line, what it reads and what it leaves.

Needs no root; as root everything runs as somebody else.
"""

import os
import resource
import shutil
import signal
import subprocess
import tempfile
import time

import maildir
import tap

DELIVER = os.environ["STAGE"] + "/usr/local/bin/deliver"
HERE = os.path.dirname(os.path.abspath(__file__))
MESSAGE = b"From: bert@example.net\nSubject: hello\n\nbody\n"
CONFIG = """\
hostname = "mx.example.test"
first_valid_uid = 1
spool_directory = "{top}"
users "test" {{ driver = "passwd-file"  path = "{top}/users" }}
store {{ location = "maildir:~/Maildir" }}
quota {{ grace = 0  rule "*" {{ storage = "10K" }} }}
record {{ target = "{top}/records" }}
log {{ target = "{top}/log" }}
"""

top = home = None
uid, gid = os.getuid() or 65534, os.getgid() or 65534


def path(name):
    return top + "/" + name


def write(name, text, mode=0o644):
    with open(path(name), "w", encoding="utf-8") as stream:
        stream.write(text)
    os.chmod(path(name), mode)
    os.chown(path(name), uid, gid)


def read(name):
    with open(path(name), encoding="utf-8", errors="replace") as stream:
        return stream.read()


def own_user():
    """How to start a program as the one who gets the mail."""
    return {} if os.getuid() else {"user": uid, "group": gid, "extra_groups": []}


def run(*arguments, message=MESSAGE, env=None, config="ladle.conf", timeout=30, **more):
    """(exit status, output) as an MTA sees them: both outputs in one pipe."""
    options = ["-c", path(config)] if config else []
    done = subprocess.run([DELIVER, *options, *arguments], input=message, cwd="/",
                          env={"PATH": "/usr/bin:/bin", **(env or {})}, timeout=timeout,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          **{**own_user(), **more})
    return done.returncode, done.stdout.decode("utf-8", "replace")


def stored(folder="INBOX"):
    return maildir.messages(home + "/Maildir", folder)


def empty():
    shutil.rmtree(home + "/Maildir", ignore_errors=True)


def is_sanitized():
    return b"libasan" in subprocess.run(["ldd", DELIVER], stdout=subprocess.PIPE,
                                        check=True).stdout


@tap.setup
def setup():
    global top, home
    if not os.path.exists(DELIVER):
        tap.skip("deliver is not built")
    top = tempfile.mkdtemp(prefix="ladle-program.")
    os.chmod(top, 0o755)
    os.chown(top, uid, gid)
    home = path("anna")
    os.mkdir(home)
    os.chown(home, uid, gid)
    write("ladle.conf", CONFIG.format(top=top))
    write("users", "anna:*:{0}:{1}::{2}::\noff:*:{0}:{1}::{2}::delivery=no\n"
                   "hold:*:{0}:{1}::{2}::delivery=hold\nother:*:{3}:{1}::{2}::\n"
          .format(uid, gid, home, uid + 1))
    tap.witness("log", lambda: read("log") if os.path.exists(path("log")) else "")


# -- how it ends -----------------------------------------------------------------------------------

@tap.case("stored: exit status 0, no word")
def _():
    tap.equal(run("-d", "anna"), (0, ""))
    tap.equal(len(stored()), 1)
    tap.check(stored()[0].bytes.endswith(MESSAGE), repr(stored()[0].bytes))


ENDS = [  # name, arguments, exit status, the one line
    ("unknown user", ["-d", "nobody"], 67, "5.1.1 <nobody> User doesn't exist: nobody"),
    ("disabled user", ["-d", "off"], 77, "5.2.1 "),
    ("user on hold", ["-d", "hold"], 75, "4.2.1 "),
    ("somebody else's uid", ["-d", "other"], 75, "4.3.5 "),
    ("several recipients", ["-d", "anna", "bert@example.test"], 75,
     "4.3.5 several recipients: set <transport>_destination_recipient_limit = 1\n"),
    ("unknown option", ["-d", "anna", "-x"], 75, "4.3.5 "),
    ("unknown long option", ["-d", "anna", "--frobnicate"], 75, "4.3.5 "),
    ("option without its value", ["-d"], 75, "4.3.5 "),
    ("wrong setting", ["-d", "anna", "-o", "quota.ovr=defer"], 75, "4.3.5 "),
    ("missing configuration file", ["-c", "/nowhere/ladle.conf", "-d", "anna"], 75, "4.3.5 "),
    ("missing message file", ["-d", "anna", "-p", "/nowhere/message"], 75, "4.3.5 "),
    ("full mailbox", ["-d", "anna", "-o", "quota.rule.*.messages=1"], 77, "5.2.2 "),
    ("full mailbox, deferred",
     ["-d", "anna", "-o", "quota.rule.*.messages=1", "-o", "quota.over=defer"], 75, "4.2.2 "),
]


def register_end(name, arguments, status, line):
    @tap.case("%s: exit status %d, one line" % (name, status))
    def _():
        before = len(stored())
        got, output = run(*arguments)
        tap.equal(got, status, output)
        tap.check(output.startswith(line), repr(output))
        tap.equal(output.count("\n"), 1, repr(output))
        tap.check("/" not in output and str(uid) not in output, "tells too much: " + output)
        tap.equal(len(stored()), before)
        tap.equal(maildir.rubbish(home + "/Maildir"), [])


for row in ENDS:
    register_end(*row)


@tap.case("a message that can never fit: exit status 77, 5.2.3")
def _():
    status, output = run("-d", "anna", message=MESSAGE + b"x" * 20000)
    tap.equal((status, output[:6]), (77, "5.2.3 "), output)


@tap.case("a broken configuration: 75, and --check says file, line and remedy")
def _():
    write("bad.conf", CONFIG.format(top=top) + '\nquota {\n')
    write("bad.conf", 'quota {\n  ovr = "defer"\n}\n')
    status, output = run("-d", "anna", config="bad.conf")
    tap.equal((status, output.count("\n")), (75, 1), output)
    tap.check(output.startswith("4.3.5 ") and top not in output, output)
    status, output = run("--check", config="bad.conf")
    tap.equal(status, 1, output)
    tap.contains(output, path("bad.conf") + ':2: there is no setting "ovr" in section "quota"; '
                 'did you mean "over"?')


@tap.case("a configuration nobody may read: 75, and --check says so")
def _():
    write("closed.conf", CONFIG.format(top=top), mode=0)
    tap.equal(run("-d", "anna", config="closed.conf")[0], 75)
    status, output = run("--check", config="closed.conf")
    tap.equal(status, 1)
    tap.contains(output, "closed.conf: Permission denied; ")


@tap.case("a half-written libconfuse: 75, 4.3.0")
def _():
    if is_sanitized():
        tap.skip("the sanitizers' libraries come first")
    pipeline = os.environ["STAGE"] + "/usr/local/lib/ladle/deliver.so"
    found = subprocess.run(["ldd", pipeline], stdout=subprocess.PIPE, check=True).stdout.decode()
    whole = next(line.split()[2] for line in found.splitlines() if "libconfuse" in line)
    os.makedirs(path("lib"), exist_ok=True)
    before = len(stored())
    for size in (0, 100, 4096, os.path.getsize(whole) // 2):
        with open(whole, "rb") as stream, open(path("lib/libconfuse.so.2"), "wb") as half:
            half.write(stream.read(size))
        os.chmod(path("lib/libconfuse.so.2"), 0o755)
        status, output = run("-d", "anna", env={"LD_LIBRARY_PATH": path("lib")})
        tap.equal((status, output[:6], output.count("\n")), (75, "4.3.0 ", 1), output)
        status, output = run("--check", env={"LD_LIBRARY_PATH": path("lib")})
        tap.check(status not in (0, 127), "--check ended with %d" % status)
    tap.equal(len(stored()), before)


def running():
    """Processes of ours."""
    found = []
    for number in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % number, "rb") as stream:
                if path("ladle.conf").encode() in stream.read():
                    found.append(number)
        except OSError:
            pass
    return found


def preload(how):
    if is_sanitized():
        tap.skip("the sanitizers do not like to be preloaded")
    library = path("hold.so")
    if not os.path.exists(library):
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, HERE + "/hold.c"], check=True)
    return {"LD_PRELOAD": library, "HOLD": how}


@tap.case("a store that never answers: 75 at the deadline, and nothing is left running")
def _():
    empty()
    started = time.monotonic()
    status, output = run("-d", "anna", "-o", "delivery_timeout=1s", env=preload("sleep"))
    took = time.monotonic() - started
    tap.equal((status, output[:6], output.count("\n")), (75, "4.3.0 ", 1), output)
    tap.check(0.9 < took < 6, "took %.1f s" % took)
    tap.equal(stored(), [])
    tap.until(lambda: not running(), "the child is gone", 5)


@tap.case("a crash: 75, 4.3.0")
def _():
    status, output = run("-d", "anna", env=preload("crash"))
    tap.equal((status, output[:6], output.count("\n")), (75, "4.3.0 ", 1), output)


@tap.case("a signal: 75, not a death that an MTA bounces")
def _():
    entry = {"PATH": "/usr/bin:/bin", **preload("sleep")}
    with subprocess.Popen([DELIVER, "-c", path("ladle.conf"), "-d", "anna"], env=entry, cwd="/",
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, **own_user()) as process:
        process.stdin.write(MESSAGE)
        process.stdin.close()
        try:
            tap.until(lambda: len(running()) == 2, "parent and child")
        finally:
            process.send_signal(signal.SIGTERM)
        output = process.stdout.read().decode()
        tap.equal(process.wait(10), 75, output)
        tap.equal(output[:2], "4.", output)
    empty()


@tap.case("a file size limit: 75, and nothing is left")
def _():
    empty()
    status, output = run("-d", "anna", "-o", "quota.rule.*.storage=1G",
                         message=MESSAGE + b"x" * 300000,
                         preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE,
                                                               (102400, 102400)))
    tap.equal((status, output[:2]), (75, "4."), output)
    tap.equal((stored(), maildir.rubbish(home + "/Maildir")), ([], []))


@tap.case("all of standard input is read, however it ends")
def _():
    big = MESSAGE + b"x" * (4 * 1024 * 1024)
    for arguments, status in ((["-d", "nobody"], 67), (["-x"], 75),
                              (["-c", "/nowhere", "-d", "anna"], 75), (["-d", "off"], 77)):
        with subprocess.Popen([DELIVER, "-c", path("ladle.conf"), *arguments], cwd="/",
                              stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, bufsize=0,
                              **own_user()) as process:
            sent = 0
            while sent < len(big):
                sent += process.stdin.write(big[sent:sent + 65536])
            process.stdin.close()
            tap.equal(process.wait(10), status)


# -- what it makes of options, environment and the top of the message ------------------------------

NULL_SENDERS = [
    ("-f ''", ["-f", ""], b""), ("-f '<>'", ["-f", "<>"], b""),
    ("-f MAILER-DAEMON", ["-f", "MAILER-DAEMON"], b""),
    ("From_ MAILER-DAEMON", [], b"From MAILER-DAEMON Sat Nov 21 09:00:00 2026\n"),
    ("Return-Path: <>", [], b"Return-Path: <>\n"),
    ("Return-Path: <MAILER-DAEMON>", [], b"Return-Path: <MAILER-DAEMON>\n"),
]


@tap.case("every form of the null sender")
def _():
    for name, arguments, block in NULL_SENDERS:
        empty()
        tap.equal(run("-d", "anna", *arguments, message=block + MESSAGE), (0, ""), name)
        record = read("records").splitlines()[-1]
        tap.contains(record, ' sender="" ', name)
        text = stored()[0].bytes
        tap.equal(text.count(b"Return-Path:"), 1, name)
        tap.check(not text.startswith(b"From "), name)


@tap.case("the environment, where neither -d nor root is in play")
def _():
    empty()
    env = {"USER": "anna", "HOME": home, "SENDER": "bert@example.net", "EXTENSION": "x",
           "RECIPIENT": "anna+x@example.test", "ORIGINAL_RECIPIENT": "info@example.test"}
    tap.equal(run(env=env), (0, ""))
    block, _below = maildir.header_block(stored()[0].bytes, {"Return-Path", "X-Original-To",
                                                             "Delivered-To"})
    tap.equal(dict(block), {"Return-Path": "<bert@example.net>",
                            "X-Original-To": "info@example.test",
                            "Delivered-To": "anna+x@example.test"})
    empty()
    tap.equal(run("-f", "carl@example.net", "-m", "Work", env={**env, "SENDER": ""}), (0, ""))
    tap.check(stored("Work")[0].bytes.startswith(b"Return-Path: <carl@example.net>\n"),
              repr(stored("Work")[0].bytes))


@tap.case("no configuration file at all")
def _():
    if os.path.exists("/etc/ladle.conf"):
        tap.skip("there is an /etc/ladle.conf")
    empty()
    tap.equal(run(config=None, env={"USER": "anna", "HOME": home}), (0, ""))
    tap.equal(len(stored()), 1)


@tap.case("-p takes the message from a file, and standard input is still read")
def _():
    empty()
    write("message", "Subject: from a file\n\nx\n")
    tap.equal(run("-d", "anna", "-p", path("message")), (0, ""))
    tap.contains(stored()[0].bytes, b"Subject: from a file\n")


@tap.case("-m with an empty value is the inbox; a folder that cannot be is too")
def _():
    for name in ("", "../../x", "~root"):
        empty()
        tap.equal(run("-d", "anna", "-m", name), (0, ""))
        tap.equal(len(stored()), 1, name)


@tap.case("as root: the child becomes the user, and -o is not read")
def _():
    if os.getuid():
        tap.skip("not root")
    empty()
    tap.equal(run("-d", "anna", "-o", "store.location=maildir:/nowhere",
                  **{"user": 0, "group": 0}), (0, ""))
    found = os.stat(stored()[0].path)
    tap.equal((found.st_uid, found.st_gid), (uid, gid))
    status, output = run(**{"user": 0, "group": 0})
    tap.equal((status, output[:6]), (75, "4.3.5 "), output)


# -- records and --check ---------------------------------------------------------------------------

@tap.case("one record per delivery, also of refusals")
def _():
    empty()
    before = len(read("records").splitlines())
    run("-d", "anna", "-f", "bert@example.net", "-r", "anna@example.test")
    run("-d", "nobody")
    records = read("records").splitlines()[before:]
    tap.equal(len(records), 2)
    for part in (" front=deliver ", " sender=bert@example.net recipient=anna@example.test ",
                 " user=anna ", " actions=implicit-keep mailbox=new/", " cause=delivered "):
        tap.contains(records[0], part)
    tap.contains(records[1], " cause=user-unknown code=5.1.1 ")


@tap.case("--check -d USER shows source, store, quota and scripts")
def _():
    write("anna/.dovecot.sieve", "keep;\n")
    status, output = run("--check", "-d", "anna")
    tap.equal(status, 0, output)
    for part in ('source "test"', "uid %d" % uid, home + "/Maildir", "of 10K",
                 home + "/.dovecot.sieve"):
        tap.contains(output, part)


@tap.case("--check -d USER ends with 1 where something is wrong")
def _():
    write("anna/.dovecot.sieve", "keep;\nfileinto 1;\n")
    status, output = run("--check", "-d", "anna")
    tap.equal(status, 1, output)
    tap.contains(output, home + "/.dovecot.sieve:2:")
    write("anna/.dovecot.sieve", "keep;\n", mode=0)
    status, output = run("--check", "-d", "anna")
    tap.equal(status, 1, output)
    tap.contains(output, home + "/.dovecot.sieve: Permission denied")
    tap.equal(run("-d", "anna")[0], 75, "a script that cannot be read may hold rules")
    os.unlink(path("anna/.dovecot.sieve"))
    tap.equal(run("--check", "-d", "nobody")[0], 1)


def fresh_place(name):
    """A directory of the delivering account's, with a configuration that puts everything there."""
    place = path(name)
    for directory in (place, place + "/anna"):
        os.mkdir(directory)
        os.chown(directory, uid, gid)
    write(name + "/users", "anna:*:%d:%d::%s/anna::\n" % (uid, gid, place))
    write(name + "/ladle.conf", CONFIG.format(top=place) +
          'state_directory = "%s/state"\noutbox { pending = "%s/pending" }\n' % (place, place))
    return place


def tree(place):
    """Every file and its owner."""
    return {name: os.lstat(name).st_uid
            for directory, directories, files in os.walk(place)
            for name in (directory + "/" + entry for entry in directories + files)}


@tap.case("--check leaves nothing behind, nor does --explain")
def _():
    place = fresh_place("checked")
    before = tree(place)
    users = [own_user()] if os.getuid() else [own_user(), {"user": 0, "group": 0}]
    for user in users:
        for arguments in (["--check"], ["--check", "-d", "anna"]):
            tap.equal(run(*arguments, config="checked/ladle.conf", **user)[0], 0)
        tap.equal(run("--explain", "x", "-d", "anna", config="checked/ladle.conf", **user)[0], 1)
        tap.equal(tree(place), before)


@tap.case("as root: log and records belong to whoever owns their directory")
def _():
    if os.getuid():
        tap.skip("not root")
    for name, arguments in (("flushed", ["--flush-outbox"]), ("delivered", ["-d", "anna"])):
        place = fresh_place(name)
        before = tree(place)
        tap.equal(run(*arguments, config=name + "/ladle.conf", user=0, group=0), (0, ""))
        made = {file: owner for file, owner in tree(place).items() if file not in before}
        tap.check(place + "/log" in made, repr(made))
        tap.equal(set(made.values()), {uid}, repr(made))
        tap.equal(run("-d", "anna", config=name + "/ladle.conf"), (0, ""))
        tap.contains(read(name + "/records"), " cause=delivered ")


@tap.case("as root: a file with another name elsewhere is no log in a directory of another account")
def _():
    if os.getuid():
        tap.skip("not root")
    place = fresh_place("linked")
    write("precious", "as it was\n", 0o600)
    os.chown(path("precious"), 0, 0)
    os.symlink(path("precious"), place + "/log")
    os.link(path("precious"), place + "/records")
    tap.equal(run("-d", "anna", config="linked/ladle.conf", user=0, group=0), (0, ""))
    tap.equal(read("precious"), "as it was\n")


@tap.case("--help and --version speak to a person")
def _():
    for option, part in (("--help", "usage: deliver"), ("--version", "deliver (ladle) ")):
        status, output = run(option, config=None)
        tap.equal(status, 0, output)
        tap.contains(output, part)


try:
    tap.main()
finally:
    if top:
        shutil.rmtree(top, ignore_errors=True)
