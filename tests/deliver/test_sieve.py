#!/usr/bin/env python3
# lab: none
# time-limit: 240
"""Scripts inside a delivery: which ones run, what they may ask, what their errors do.

Needs no root; as root everything runs as somebody else.
"""

import os
import shutil
import subprocess
import tempfile

import maildir
import tap

BIN = os.environ["STAGE"] + "/usr/local/bin/"
MESSAGE = b"From: bert@example.net\nMessage-ID: <1@example.net>\nSubject: hello\n\nbody\n"
CONFIG = """\
hostname = "mx.example.test"
first_valid_uid = 1
state_directory = "{top}/state"
spool_directory = "{top}"
plugins = {{"sieve"}}
users "test" {{ driver = "passwd-file"  path = "{top}/users" }}
store {{ location = "maildir:~/Maildir" }}
sieve {{
  before = {{"{top}/site/before"}}
  default = "{top}/site/default.sieve"
  after = {{"{top}/site/after.sieve"}}
  global_directory = "{top}/site/global"
}}
record {{ target = "{top}/records" }}
log {{ target = "{top}/log" }}
"""

top = None
uid, gid = os.getuid() or 65534, os.getgid() or 65534


def path(name):
    return top + "/" + name


def own(name):
    os.chown(path(name), uid, gid, follow_symlinks=False)


def write(name, text, mode=0o644):
    whole = path(name)
    if not os.path.isdir(os.path.dirname(whole)):
        os.makedirs(os.path.dirname(whole))
        own(os.path.dirname(name))
    with open(whole, "w", encoding="utf-8") as stream:
        stream.write(text)
    os.chmod(whole, mode)
    own(name)


def read(name):
    with open(path(name), encoding="utf-8", errors="replace") as stream:
        return stream.read()


def as_user():
    return {} if os.getuid() else {"user": uid, "group": gid, "extra_groups": []}


def run(*arguments, message=MESSAGE, program="deliver"):
    """(exit status, output) of a program started as the one who gets the mail."""
    done = subprocess.run([BIN + program, *arguments], input=message, cwd="/", timeout=60,
                          env={"PATH": "/usr/bin:/bin"}, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **as_user())
    return done.returncode, done.stdout.decode("utf-8", "replace")


def deliver(*arguments, message=MESSAGE, user="anna"):
    return run("-c", path("ladle.conf"), "-d", user, *arguments, message=message)


def check(*arguments, user="anna"):
    return run("-c", path("ladle.conf"), "--check", "-d", user, *arguments)


def folders():
    """{folder: number of messages}, the inbox and what scripts filed into."""
    root = path("anna/Maildir")
    names = ["INBOX"] + maildir.folders(root)
    found = {name: len(maildir.messages(root, name)) for name in names}
    return {name: count for name, count in found.items() if count}


def last_record():
    return read("records").splitlines()[-1]


def fresh():
    """Nobody has a script, nothing was delivered, nothing is remembered."""
    for name in ("anna", "site", "state"):
        shutil.rmtree(path(name), ignore_errors=True)
        os.mkdir(path(name))
        own(name)


def goes_to(wanted, *arguments, message=MESSAGE):
    shutil.rmtree(path("anna/Maildir"), ignore_errors=True)
    tap.equal(deliver(*arguments, message=message), (0, ""))
    tap.equal(folders(), wanted, last_record())


@tap.setup
def setup():
    global top
    if not os.path.exists(BIN + "deliver"):
        tap.skip("deliver is not built")
    top = tempfile.mkdtemp(prefix="ladle-sieve.")
    os.chmod(top, 0o755)
    os.chown(top, uid, gid)
    fresh()
    write("ladle.conf", CONFIG.format(top=top))
    write("users", "anna:*:{0}:{1}::{2}/anna::\nown:*:{0}:{1}::{2}/anna::userdb_sieve={2}/own.sieve "
                   "userdb_sieve_dir={2}/own\n".format(uid, gid, top))
    tap.witness("log", lambda: read("log") if os.path.exists(path("log")) else "")


def filing(folder):
    return 'require ["fileinto"]; fileinto "%s";\n' % folder


# -- which scripts run -----------------------------------------------------------------------------

@tap.case("before, the user's own, after, each only while the message is to be kept")
def _():
    fresh()
    write("site/before/20.sieve", 'require ["fileinto", "copy"]; fileinto :copy "B20";\n')
    write("site/before/10.sieve", 'require ["fileinto", "copy"]; fileinto :copy "B10";\n')
    write("site/before/readme", "this is no script")
    write("site/after.sieve", filing("After"))
    goes_to({"B10": 1, "B20": 1, "After": 1})
    write("anna/.dovecot.sieve", filing("Own"))
    goes_to({"B10": 1, "B20": 1, "Own": 1})


@tap.case("the default is for those who have no script")
def _():
    fresh()
    write("site/default.sieve", filing("Default"))
    goes_to({"Default": 1})
    os.symlink("sieve/gone.sieve", path("anna/.dovecot.sieve"))
    goes_to({"Default": 1})
    os.unlink(path("anna/.dovecot.sieve"))
    write("anna/.dovecot.sieve", "keep;\n")
    goes_to({"INBOX": 1})


@tap.case("Dovecot's layout: ~/.dovecot.sieve is a link into ~/sieve, which includes its neighbours")
def _():
    fresh()
    write("anna/sieve/main.sieve", 'require "include"; include "filing";\n')
    write("anna/sieve/filing.sieve", filing("Included"))
    os.symlink("sieve/main.sieve", path("anna/.dovecot.sieve"))
    goes_to({"Included": 1})


@tap.case("include finds the user's and the site's scripts, and nothing by a path")
def _():
    fresh()
    write("site/global/shared.sieve", filing("Shared"))
    write("anna/.dovecot.sieve", 'require "include"; include :global "shared";\n')
    goes_to({"Shared": 1})
    write("anna/secret.sieve", filing("Secret"))
    for name in ("../secret", "/" + path("anna/secret"), ".hidden", ""):
        write("anna/.dovecot.sieve", 'require "include"; include "%s";\n' % name)
        goes_to({"INBOX": 1})
        tap.contains(last_record(), "is no name for a script")
    write("anna/.dovecot.sieve", 'require "include"; include :optional "secret"; discard;\n')
    goes_to({})


@tap.case("an included script that cannot be read defers the mail: it may hold rules")
def _():
    fresh()
    write("anna/.dovecot.sieve", 'require "include"; include "locked";\n')
    write("anna/sieve/locked.sieve", "discard;\n", mode=0)
    status, output = deliver()
    tap.equal((status, output[:6]), (75, "4.3.5 "))
    tap.contains(read("log"), "anna/sieve/locked.sieve: Permission denied")


@tap.case("a user source says where the scripts of a user are")
def _():
    fresh()
    write("own.sieve", 'require "include"; include "x";\n')
    write("own/x.sieve", filing("ByField"))
    tap.equal(deliver(user="own"), (0, ""))
    tap.equal(folders(), {"ByField": 1})


@tap.case("--check shows the scripts in their order, what they include and what is wrong")
def _():
    fresh()
    write("site/before/10.sieve", "keep;\n")
    write("site/after.sieve", "keep;\n")
    write("anna/.dovecot.sieve", 'require "include";\ninclude "a";\ninclude :optional "b";\n')
    write("anna/sieve/a.sieve", "keep;\n")
    status, output = check()
    tap.equal(status, 0, output)
    lines = [line for line in output.splitlines() if line.startswith(("script", "  ", "include"))]
    tap.equal(lines, [
        "script 1  before    " + path("site/before/10.sieve"),
        "script 2  personal  " + path("anna/.dovecot.sieve"),
        "            includes " + path("anna/sieve/a.sieve"),
        "            includes " + path("anna/sieve/b.sieve") + ", which does not exist",
        "script 3  after     " + path("site/after.sieve"),
        "include   personal %s, global %s" % (path("anna/sieve"), path("site/global"))])
    write("anna/sieve/a.sieve", "kepp;\n")
    status, output = check()
    tap.equal(status, 1)
    tap.contains(output, "a:1:1: error: ")
    tap.contains(output, "    kepp;\n    ^\n")
    tap.contains(output, ".dovecot.sieve has errors")


# -- what they may require -------------------------------------------------------------------------

@tap.case("extensions are switched for users and for the site apart from each other")
def _():
    fresh()
    script = 'require ["fileinto", "copy"]; fileinto :copy "%s";\n'
    off = ("-o", "sieve.extensions=-copy")
    write("site/before/a.sieve", script % "Site")
    write("anna/.dovecot.sieve", script % "Own")
    goes_to({"Site": 1, "Own": 1, "INBOX": 1})
    goes_to({"Site": 1, "INBOX": 1}, *off)
    goes_to({"INBOX": 1}, "-o", "sieve.global_extensions=fileinto,-copy")
    write("site/global/g.sieve", script % "Global")
    write("anna/.dovecot.sieve", 'require "include"; include :global "g";\n')
    goes_to({"Site": 1, "Global": 1, "INBOX": 1}, *off)
    status, output = deliver("-o", "sieve.extensions=+copi")
    tap.equal((status, output[:6]), (75, "4.3.5 "))


@tap.case("sieve-lite extensions shows what is on for whom")
def _():
    write("more.conf", 'sieve { extensions = {"-copy"}  global_extensions = {"copy", "fileinto"} }')
    status, output = run("extensions", "-c", path("more.conf"), program="sieve-lite")
    tap.equal(status, 0, output)
    rows = {line.split()[0]: line.split()[1:3] for line in output.splitlines()}
    tap.equal(rows["copy"], ["-", "global"])
    tap.equal(rows["date"], ["personal", "-"])
    tap.equal(rows["fileinto"], ["personal", "global"])


tap.main()
