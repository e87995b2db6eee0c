#!/usr/bin/env python3
# lab: none
# time-limit: 240
"""sieve-lite run for a user of the configuration: everything is as in a delivery, nothing is left.

Needs no root; as root everything runs as somebody else.
"""

import json
import os
import shutil
import subprocess
import tempfile

import tap

BIN = os.environ["STAGE"] + "/usr/local/bin/"
MESSAGE = (b"Return-Path: <bert@example.net>\nFrom: bert@example.net\nTo: anna@example.org\n"
           b"Message-ID: <1@example.net>\nSubject: hello\n\nbody\n")
CONFIG = """\
hostname = "mx.example.test"
first_valid_uid = 1
state_directory = "{top}/state"
spool_directory = "{top}"
plugins = {{"sieve"}}
users "test" {{ driver = "passwd-file"  path = "{top}/users" }}
store {{ location = "maildir:~/Maildir"
  mailbox "Spam" {{ special_use = {{"\\\\Junk"}} }} }}
sieve {{
  before = {{"{top}/site/before.sieve"}}
  after = {{"{top}/site/after.sieve"}}
  global_directory = "{top}/site"
  extensions = {{"-regex", "+vnd.dovecot.execute", "+vnd.dovecot.debug"}}
  max_redirects = 1
  list "urn:friends" {{ file = "{top}/friends" }}
  environment "team" {{ value = "blue" }}
  programs {{ execute_directory = "{top}/programs" }}
}}
record {{ target = "{top}/records" }}
log {{ target = "{top}/log" }}
"""

top = None
uid, gid = os.getuid() or 65534, os.getgid() or 65534


def path(name):
    return top + "/" + name


def write(name, text, mode=0o644):
    whole = path(name)
    os.makedirs(os.path.dirname(whole), exist_ok=True)
    with open(whole, "w", encoding="utf-8") as stream:
        stream.write(text)
    os.chmod(whole, mode)


def run(*arguments, message=MESSAGE, user="anna"):
    """(exit status, output, errors)"""
    identity = {} if os.getuid() else {"user": uid, "group": gid, "extra_groups": []}
    done = subprocess.run([BIN + "sieve-lite", "run", "-c", path("ladle.conf"), "-d", user,
                           *arguments], input=message, capture_output=True, timeout=60, cwd="/",
                          env={"PATH": "/usr/bin:/bin"}, check=False, **identity)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def told(*arguments, **more):
    """What happens, as programs are told it."""
    status, out, errors = run("--json", *arguments, **more)
    tap.equal(errors, "", "errors")
    return status, json.loads(out)


def script(text):
    write("try.sieve", text)
    return path("try.sieve")


def tree():
    """Everything that is there: names, sizes and times."""
    found = {}
    for directory, names, files in os.walk(top):
        for name in names + files:
            seen = os.lstat(os.path.join(directory, name))
            found[os.path.join(directory, name)] = (seen.st_size, seen.st_mtime_ns)
    return found


def actions(text, **more):
    """[(action, folder it is stored in)] of a script of the user's."""
    status, what = told(script(text), "-", **more)
    tap.equal((status, [e for s in what["scripts"] for e in s["errors"]]), (0, []), "errors")
    return [(a["action"], a.get("stored_in")) for a in what["actions"]]


@tap.setup
def setup():
    global top
    if not os.path.exists(BIN + "sieve-lite"):
        tap.skip("sieve-lite is not built")
    top = tempfile.mkdtemp(prefix="ladle-rehearsal.")
    os.chmod(top, 0o755)
    for name in ("anna/Maildir/cur", "anna/Maildir/new", "anna/Maildir/tmp", "state"):
        os.makedirs(path(name))
    for name in (".Spam", ".Known"):
        for part in ("cur", "new", "tmp"):
            os.makedirs(path("anna/Maildir/%s/%s" % (name, part)))
    write("users", "anna:*:%d:%d::%s/anna::\nbare:*:%d:%d::%s/bare::\n" %
          (uid, gid, top, uid, gid, top))
    write("friends", "bert@example.net\n")
    write("ladle.conf", CONFIG.format(top=top))
    write("programs/mark", "#!/bin/sh\ntouch %s/mark\n" % path("state"), 0o755)
    for directory, names, files in os.walk(top):
        for name in names + files:
            os.chown(os.path.join(directory, name), uid, gid)
    os.chown(top, uid, gid)


@tap.case("a user without scripts keeps the mail")
def _():
    status, out, errors = run("-", user="bare")
    tap.equal((status, errors), (0, ""))
    tap.equal(out, 'no script\n\nActions:\n  keep (implicit: nothing cancelled it)\n'
                   '    stored in "INBOX"\n')


@tap.case("what a script may ask is the user's and the site's")
def _():
    needs = ['fileinto', 'mailbox', 'special-use', 'extlists', 'environment', 'mboxmetadata',
             'envelope', 'duplicate', 'ihave', 'include']
    head = "require %s;\n" % json.dumps(needs)
    for test, answer in (
            ('mailboxexists "Known"', True),
            ('mailboxexists "Unknown"', False),
            ('specialuse_exists "\\\\Junk"', True),
            ('specialuse_exists "\\\\Archive"', False),
            ('envelope :list "from" "urn:friends"', True),
            ('environment "vnd.dovecot.config.team" "blue"', True),
            ('environment "host" "mx.example.test"', True),
            ('envelope "to" "anna"', True),
            ('ihave "regex"', False),
            ('ihave "vnd.dovecot.execute"', True),
            ('duplicate', False)):
        tap.equal(actions(head + 'if %s { fileinto "Known"; }' % test),
                  [("fileinto", "Known")] if answer else [("keep", "INBOX")], test)


@tap.case("where the copies would be stored")
def _():
    head = 'require ["fileinto", "mailbox", "special-use"];\n'
    tap.equal(actions(head + 'fileinto :specialuse "\\\\Junk" "Nowhere";'), [("fileinto", "Spam")])
    tap.equal(actions(head + 'fileinto :create "New";'), [("fileinto", "New")])
    tap.equal(actions(head + 'fileinto "Known"; keep;'),
              [("fileinto", "Known"), ("keep", "INBOX")])


@tap.case("the limits are the site's")
def _():
    status, what = told(script('redirect "a@example.org"; redirect "b@example.org";'), "-")
    tap.equal(status, 1)
    tap.check("redirect" in what["scripts"][0]["errors"][0]["message"], what)
    tap.equal([a["action"] for a in what["actions"]], ["keep"])


@tap.case("without a script the whole chain runs, in its order")
def _():
    write("site/before.sieve", 'require ["fileinto", "copy"]; fileinto :copy "Known";\n')
    write("anna/.dovecot.sieve", 'require "include"; include :global "shared";\n')
    write("site/shared.sieve", 'require "fileinto"; fileinto "Spam";\n')
    write("site/after.sieve", "discard;\n")
    status, what = told("-")
    tap.equal(status, 0)
    tap.equal([s["script"] for s in what["scripts"]],
              [path("site/before.sieve"), path("anna/.dovecot.sieve")])
    tap.equal([(a["action"], a["stored_in"]) for a in what["actions"]],
              [("fileinto", "Known"), ("fileinto", "Spam")])
    status, out, errors = run("-")
    tap.equal((status, errors), (0, ""))
    for line in ("%s/site/before.sieve" % top, '    stored in "Spam"'):
        tap.check(line in out.splitlines(), out)
    for name in ("site/before.sieve", "anna/.dovecot.sieve", "site/after.sieve"):
        os.remove(path(name))


@tap.case("a broken script of the chain: its error, and the mail is kept")
def _():
    write("anna/.dovecot.sieve", "bogus;\n")
    status, out, errors = run("-")
    tap.equal((status, errors), (1, ""))
    tap.check(".dovecot.sieve:1:1: error: unknown command 'bogus'" in out, out)
    tap.check("keep (implicit" in out, out)
    os.remove(path("anna/.dovecot.sieve"))


@tap.case("what the sender would be told")
def _():
    status, out, _ = run(script('require "reject"; reject "Not here.";'), "-")
    tap.equal(status, 0)
    tap.check("The sender is told: 550 5.7.1 Not here." in out.splitlines(), out)


@tap.case("a message that would loop is not redirected, and it is told why")
def _():
    looped = b"X-Sieve-Redirected-From: anna@mx.example.test\n" + MESSAGE
    status, what = told(script('redirect "x@example.org";'), "-r", "anna@mx.example.test", "-",
                        message=looped)
    tap.equal([a["action"] for a in what["actions"]], ["keep"], what)
    tap.check("redirected from here before" in what["note"], what)


@tap.case("the script from standard input")
def _():
    write("message", MESSAGE.decode())
    status, what = told("-", path("message"), message=b"discard;")
    tap.equal([a["action"] for a in what["actions"]], ["discard"], what)
    tap.equal(run("-", "-")[0], 2)


@tap.case("nothing is left: no state, no folder, no log, and no program has run")
def _():
    write("anna/.dovecot.sieve", """\
require ["fileinto", "mailbox", "duplicate", "vacation", "copy", "vnd.dovecot.execute",
         "vnd.dovecot.debug", "body"];
debug_log "hello";
if duplicate { discard; }
if execute "mark" { discard; }
redirect :copy "x@example.org";
vacation :addresses "anna@example.org" "Away.";
fileinto :create "New";
""")
    before = tree()
    for _ in range(2):
        status, out, errors = run("-")
        tap.equal(status, 0, out + errors)
        tap.equal(errors, "debug: %s/anna/.dovecot.sieve:3: hello\n" % top)
        tap.check('  vacation "bert@example.net", without a sender' in out, out)
        tap.check("the program mark is not run here" in out, out)
    tap.equal(tree(), before)


@tap.case("who is nobody is told so")
def _():
    status, out, errors = run("-", user="nobody-at-all")
    tap.equal((status, out), (2, ""))
    tap.check("sieve-lite: " in errors, errors)


@tap.case("the end")
def _():
    shutil.rmtree(top)


tap.main()
