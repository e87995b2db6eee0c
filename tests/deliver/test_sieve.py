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
import time

import maildir
import tap

BIN = os.environ["STAGE"] + "/usr/local/bin/"
SBIN = os.environ["STAGE"] + "/usr/local/sbin/"
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
    """(exit status, output) of a program started as the one who gets the mail. Waits for what goes
    on behind its answer too: until nobody has the pipe any more that all of it inherited."""
    ours, theirs = os.pipe()
    done = subprocess.run([BIN + program, *arguments], input=message, cwd="/", timeout=60,
                          env={"PATH": "/usr/bin:/bin"}, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, pass_fds=(theirs,), **as_user())
    os.close(theirs)
    os.read(ours, 1)
    os.close(ours)
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
                   "userdb_sieve_dir={2}/own\n"
                   "dove:*:{0}:{1}::{2}/anna::userdb_sieve=file:~/scripts;active=~/now.sieve\n"
          .format(uid, gid, top))
    tap.witness("log", lambda: read("log") if os.path.exists(path("log")) else "")


def filing(folder):
    return 'require ["fileinto"]; fileinto "%s";\n' % folder


# -- which scripts run -----------------------------------------------------------------------------

FLAG = 'require ["imap4flags", "fileinto", "copy"]; '
CHAINS = [  # name, before, the user's own, after, {folder: flags}
    ("flags for the inbox", FLAG + 'addflag "\\\\Flagged";', "", "keep;", {"INBOX": "F"}),
    ("flags for what others file", FLAG + 'addflag "\\\\Flagged";',
     'require "fileinto"; fileinto "Work";', None, {"Work": "F"}),
    ("flags that others see", FLAG + 'addflag "\\\\Flagged";',
     FLAG + 'if hasflag "\\\\Flagged" { setflag "\\\\Seen"; }', "", {"INBOX": "S"}),
    ("the flags of an explicit keep", FLAG + 'keep :flags "\\\\Flagged";', "keep;",
     FLAG + 'addflag "\\\\Seen";', {"INBOX": "F"}),
    ("the last keep that knows flags", FLAG + 'keep :flags "\\\\Flagged";',
     FLAG + 'keep :flags "\\\\Seen";', "", {"INBOX": "S"}),
    ("a discard behind a keep", "keep;", "discard;", "", {}),
    ("a copy and a keep", FLAG + 'fileinto :copy :flags "\\\\Seen" "Work";', "keep;", None,
     {"INBOX": "", "Work": "S"}),
]


@tap.case("a chain of scripts: flags and keeps")
def _():
    for name, before, own_script, after, wanted in CHAINS:
        fresh()
        write("site/before/10.sieve", before)
        write("anna/.dovecot.sieve", own_script)
        if after is not None:
            write("site/after.sieve", after)
        tap.equal(deliver(), (0, ""), name)
        root = path("anna/Maildir")
        found = {folder: message.flags for folder in ["INBOX"] + maildir.folders(root)
                 for message in maildir.messages(root, folder)}
        tap.equal(found, wanted, name)


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
    write("anna/scripts/main.sieve", 'require "include"; include "part";\n')
    write("anna/scripts/part.sieve", filing("AsDovecotSaysIt"))
    os.symlink("scripts/main.sieve", path("anna/now.sieve"))
    tap.equal(deliver(user="dove"), (0, ""))
    tap.equal(folders(), {"ByField": 1, "AsDovecotSaysIt": 1})


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


RULES = [  # settings, test, extensions, answer
    (["spamtest.header=X-Score", "spamtest.max_value=10"], 'spamtest :value "ge" "5"', True),
    ([], 'spamtest :value "ge" "5"', False),
    (["virustest.header=X-Clean", "virustest.type=text", "virustest.texts=none,yes,no"],
     'virustest :value "eq" "1"', True),
    (["max_variables=1"], 'string "${a}${b}" "12"', False),
]
NEEDS = {"spamtest": "spamtest", "virustest": "virustest", "string": "variables"}


@tap.case("what extensions leave to the site is in the settings, and checked")
def _():
    fresh()
    message = b"X-Score: 7.5\nX-Clean: yes\n" + MESSAGE
    for settings, test, answer in RULES:
        needs = ["relational", "comparator-i;ascii-numeric", "fileinto"]
        needs += [name for word, name in NEEDS.items() if test.startswith(word)]
        write("anna/.dovecot.sieve", "require [%s];\n%sif %s { fileinto \"True\"; }\n" % (
            ", ".join('"%s"' % name for name in needs),
            'set "a" "1"; set "b" "2";\n' if "string" in test else "",
            test.replace(':value', ':comparator "i;ascii-numeric" :value')))
        options = [part for one in settings for part in ("-o", "sieve." + one)]
        goes_to({"True" if answer else "INBOX": 1}, *options, message=message)
    for wrong in ("spamtest.header=X-Score: (", "spamtest.max_header=X-Max"):
        status, output = deliver("-o", "sieve.spamtest.header=X", "-o",
                                 "sieve.spamtest.max_value=10", "-o", "sieve." + wrong)
        tap.equal((status, output[:6]), (75, "4.3.5 "), wrong)


# -- what they remember ----------------------------------------------------------------------------

DUPLICATE = 'require ["duplicate", "fileinto"]; if duplicate { fileinto "Again"; }\n'


@tap.case("duplicate: seen in an earlier delivery, by whatever process; other ids are not")
def _():
    fresh()
    write("anna/.dovecot.sieve", DUPLICATE)
    goes_to({"INBOX": 1})
    goes_to({"Again": 1})
    goes_to({"Again": 1})
    goes_to({"INBOX": 1}, message=MESSAGE.replace(b"<1@", b"<2@"))
    tap.equal(maildir.rubbish(path("anna/Maildir")), [])
    tap.equal(sorted(os.listdir(path("state"))), ["anna"])


@tap.case("duplicate: only a delivery that succeeded counts, and a script that did not fail")
def _():
    fresh()
    write("anna/.dovecot.sieve", DUPLICATE)
    write("anna/Maildir", "no directory")
    tap.equal(deliver()[0], 75)
    os.unlink(path("anna/Maildir"))
    goes_to({"INBOX": 1})
    fresh()
    write("anna/.dovecot.sieve", 'require ["duplicate", "include"];\n'
                                 'if duplicate {} include "nobody";\n')
    goes_to({"INBOX": 1})
    write("anna/.dovecot.sieve", DUPLICATE)
    goes_to({"INBOX": 1})


@tap.case("duplicate: a period ends, and is bounded by the site")
def _():
    fresh()
    write("anna/.dovecot.sieve", DUPLICATE.replace("duplicate {", "duplicate :seconds 9000 {"))
    bounded = ("-o", "sieve.duplicate_max=1s")
    goes_to({"INBOX": 1}, *bounded)
    time.sleep(2)  # the time of the memory is that of the machine
    goes_to({"INBOX": 1}, *bounded)


@tap.case("duplicate: of two deliveries at once one is the second")
def _():
    fresh()
    write("anna/.dovecot.sieve", DUPLICATE)
    write("records", "")
    command = [BIN + "deliver", "-c", path("ladle.conf"), "-d", "anna"]
    with open(path("message"), "wb") as stream:
        stream.write(MESSAGE)
    running = [subprocess.Popen([*command, "-p", path("message")], stdin=subprocess.DEVNULL,
                                cwd="/", **as_user()) for _ in range(8)]
    tap.equal([one.wait(60) for one in running], [0] * 8)
    tap.until(lambda: len(read("records").splitlines()) == 8, "all are over")
    tap.equal(folders(), {"INBOX": 1, "Again": 7})


@tap.case("duplicate: one message to one user by two addresses, in one process, is kept once")
def _():
    fresh()
    write("anna/.dovecot.sieve", DUPLICATE)
    talk = ("LHLO x\r\nMAIL FROM:<bert@example.net>\r\nRCPT TO:<anna+a@example.test>\r\n"
            "RCPT TO:<anna+b@example.test>\r\nDATA\r\n%s.\r\nQUIT\r\n"
            % MESSAGE.decode().replace("\n", "\r\n"))
    done = subprocess.run([SBIN + "lmtp-bridge", "--stdin", "-c", path("ladle.conf")], cwd="/",
                          input=talk.encode(), stdout=subprocess.PIPE, timeout=60, check=False,
                          **as_user())
    tap.equal(done.stdout.count(b"\r\n250 2.0.0 "), 2, done.stdout)
    tap.equal(folders(), {"INBOX": 1, "Again": 1})


@tap.case("duplicate: without a place for its memory the mail waits, mail that does not ask does not")
def _():
    fresh()
    write("state/anna", "no directory")
    write("anna/.dovecot.sieve", "keep;\n")
    goes_to({"INBOX": 1})
    write("anna/.dovecot.sieve", DUPLICATE)
    status, output = deliver()
    tap.equal((status, output[:6]), (75, "4.3.5 "))


@tap.case("duplicate: a damaged memory is put aside")
def _():
    fresh()
    write("anna/.dovecot.sieve", DUPLICATE)
    goes_to({"INBOX": 1})
    write("state/anna/seen.sqlite", "rubbish " * 1000)
    goes_to({"INBOX": 1})
    goes_to({"Again": 1})
    tap.check(os.path.exists(path("state/anna/seen.sqlite.damaged")), "nothing was put aside")


# -- what they may ask -----------------------------------------------------------------------------

INBOX_ID, WORK_ID, GONE_ID = "a" * 32, "0123456789abcdef" * 2, "c" * 32


def make_folders():
    """A Maildir as Dovecot leaves it: identifiers, annotations, a folder marked as Junk."""
    for folder, identifier in (("", INBOX_ID), ("/.W&APw-st", WORK_ID)):
        for part in ("/cur", "/new", "/tmp"):
            os.makedirs(path("anna/Maildir" + folder + part))
            own("anna/Maildir" + folder + part)
        own("anna/Maildir" + folder)
        write("anna/Maildir%s/dovecot-uidlist" % folder,
              "3 V1700000000 N2 G%s\n1 :1700000000.M1P1.x\n" % identifier)
    write("anna/Maildir/dovecot-attributes",
          "priv/%s/comment\nmy \001tcomment\nshared/%s/comment\n\n"
          "priv/%s/vendor/vendor.dovecot/pvt/server/comment\nof the server\n"
          "priv/%s/specialuse\n\\Junk\npriv/%s/specialuse\n\\Archive \\Junk\n"
          % (WORK_ID, WORK_ID, INBOX_ID, GONE_ID, WORK_ID))


def is_true(test, requires, *arguments, message=MESSAGE):
    """Runs a test of a script's in a delivery to a Maildir of Dovecot's."""
    write("anna/.dovecot.sieve", 'require ["fileinto", %s];\nif %s { fileinto "True"; }\n'
          % (", ".join('"%s"' % name for name in requires), test))
    shutil.rmtree(path("anna/Maildir"), ignore_errors=True)
    make_folders()
    tap.equal(deliver(*arguments, message=message), (0, ""))
    tap.check(" script-error" not in last_record() and "error:" not in last_record(),
              last_record())
    return folders() == {"True": 1}


METADATA = ("mboxmetadata", "servermetadata")
QUESTIONS = [  # test, extensions, answer
    ('metadata "W\u00fcst" "/private/comment" "my \tcomment"', METADATA, True),
    ('metadata "W\u00fcst" "/shared/comment" ""', METADATA, True),
    ('metadataexists "W\u00fcst" "/private/other"', METADATA, False),
    ('metadataexists "INBOX" "/private/comment"', METADATA, False),
    ('metadataexists "Nowhere" "/private/comment"', METADATA, False),
    ('servermetadata "/private/comment" "of the server"', METADATA, True),
    ('servermetadataexists "/shared/comment"', METADATA, False),
    ('specialuse_exists "\\\\Junk"', ("special-use",), True),
    ('specialuse_exists "W\u00fcst" ["\\\\junk", "\\\\archive"]', ("special-use",), True),
    ('specialuse_exists "INBOX" "\\\\Junk"', ("special-use",), False),
    ('specialuse_exists "\\\\Sent"', ("special-use",), False),
    ('mailboxidexists "%s"' % WORK_ID, ("mailboxid",), True),
    ('mailboxidexists ["%s", "%s"]' % (WORK_ID, GONE_ID), ("mailboxid",), False),
    ('environment "host" "mx.example.test"', ("environment",), True),
    ('environment "domain" "example.test"', ("environment",), True),
    ('environment "name" "Ladle"', ("environment",), True),
    ('environment "location" "MDA"', ("environment",), True),
    ('environment "phase" "during"', ("environment",), True),
    ('environment "vnd.dovecot.username" "anna"', ("vnd.dovecot.environment",), True),
    ('environment "vnd.dovecot.default-mailbox" "INBOX"', ("vnd.dovecot.environment",), True),
    ('environment "vnd.dovecot.config.site" "here"', ("vnd.dovecot.environment",), True),
    ('environment :matches "vnd.dovecot.config.other" "*"', ("vnd.dovecot.environment",), False),
]


@tap.case("scripts are told what Dovecot has written about folders, and where they run")
def _():
    fresh()
    wrong = [test for test, requires, answer in QUESTIONS
             if is_true(test, requires, "-o", "sieve.environment.site.value=here") != answer]
    tap.equal(wrong, [])


@tap.case("fileinto by identifier and by special use, the user's marks before the site's")
def _():
    fresh()
    site = ("-o", "store.mailbox.Spam.special_use=\\Junk,\\Sent", "-o", "store.autocreate=no")
    for script, wanted in (
            ('require ["fileinto", "mailboxid"]; fileinto :mailboxid "%s" "X";' % WORK_ID,
             {"W&APw-st": 1}),
            ('require ["fileinto", "mailboxid"]; fileinto :mailboxid "%s" "X";' % GONE_ID,
             {"INBOX": 1}),
            ('require ["fileinto", "special-use"]; fileinto :specialuse "\\\\Junk" "X";',
             {"W&APw-st": 1}),
            ('require ["fileinto", "special-use"]; fileinto :specialuse "\\\\Sent" "X";',
             {"Spam": 1}),
            ('require ["fileinto", "special-use"]; fileinto :specialuse "\\\\Trash" "X";',
             {"INBOX": 1})):
        write("anna/.dovecot.sieve", script)
        shutil.rmtree(path("anna/Maildir"), ignore_errors=True)
        make_folders()
        for part in ("", "/cur", "/new", "/tmp"):
            os.mkdir(path("anna/Maildir/.Spam" + part))
            own("anna/Maildir/.Spam" + part)
        tap.equal(deliver(*site), (0, ""))
        tap.equal(folders(), wanted, script)


LISTS = 'header :list "from" "%s"'
LISTED = [  # the list's file, the list asked for, answer
    ("# friends\nBert@example.net\n", "urn:x:friends", True),
    ("# bert@example.net\nanna@example.net", "urn:x:friends", False),
    ("priv/sieve/extlists/bert@example.net\n1\n", "urn:x:friends", True),
    ("priv/sieve/extlists/anna@example.net\nbert@example.net\n", "urn:x:friends", False),
    ("bert@example.net\n", "urn:x:others", False),
    (None, "urn:x:friends", False),
    ("bert@example.net\n", ":addrbook:default", True),
]


@tap.case("lists of the site's and of users: a line for each entry, or a dictionary of Dovecot's")
def _():
    fresh()
    site = ("-o", "sieve.list.urn:x:friends.file=~/friends", "-o",
            "sieve.list.urn:ietf:params:sieve:addrbook:default.file=~/friends")
    for text, name, answer in LISTED:
        if text is None:
            os.unlink(path("anna/friends"))
        else:
            write("anna/friends", text)
        tap.equal(is_true(LISTS % name, ("extlists",), *site), answer, repr((text, name)))
    tap.equal(is_true('valid_ext_list ["urn:x:friends", ":addrbook:default"]', ("extlists",),
                      *site), True)
    tap.equal(is_true('valid_ext_list "urn:x:others"', ("extlists",), *site), False)
    write("anna/friends", "", mode=0)
    tap.equal(deliver(*site)[0], 0)  # nobody asks
    write("anna/.dovecot.sieve", 'require "extlists"; if %s {}' % LISTS % "urn:x:friends")
    tap.equal(deliver(*site)[0], 75)


# -- what is wrong with them -----------------------------------------------------------------------

BROKEN = 'require "fileinto";\nif header "subject" "x" {\n\tfileinto 1;\n}\n'
TELLS = (".dovecot.sieve:3:11: error: ", "    " + " fileinto 1;\n", "              ^\n")


def user_log():
    name = "anna/.dovecot.sieve.log"
    return read(name) if os.path.exists(path(name)) else ""


@tap.case("an error of a user's script is told beside it, with the line and a caret")
def _():
    fresh()
    write("anna/.dovecot.sieve", BROKEN)
    goes_to({"INBOX": 1})
    for part in TELLS:
        tap.contains(user_log(), part)
    tap.equal(os.stat(path("anna/.dovecot.sieve.log")).st_mode & 0o777, 0o600)
    write("anna/.dovecot.sieve", 'require "include";\nkeep;\ninclude "nobody";\n')
    goes_to({"INBOX": 1})
    tap.contains(user_log(), ".dovecot.sieve:3:1: error: there is no script")
    tap.contains(user_log(), "    include \"nobody\";\n    ^\n")
    write("anna/.dovecot.sieve", 'require "include";\ninclude "part";\n')
    write("anna/sieve/part.sieve", "keep;\n  kepp;\n")
    goes_to({"INBOX": 1})
    tap.contains(user_log(), "part:2:3: error: ")
    tap.contains(user_log(), "      kepp;\n      ^\n")


@tap.case("the log beside a script is turned over, and never somebody else's file")
def _():
    fresh()
    write("anna/.dovecot.sieve", BROKEN)
    write("anna/.dovecot.sieve.log", "old\n" * 3000, mode=0o600)
    goes_to({"INBOX": 1})
    tap.contains(read("anna/.dovecot.sieve.log.0"), "old\n")
    tap.check("old" not in user_log() and user_log().startswith("started at "), user_log())
    os.unlink(path("anna/.dovecot.sieve.log"))
    write("anna/mine", "mine\n")
    os.symlink("mine", path("anna/.dovecot.sieve.log"))
    goes_to({"INBOX": 1})
    tap.equal(read("anna/mine"), "mine\n")
    os.unlink(path("anna/.dovecot.sieve.log"))
    os.link(path("anna/mine"), path("anna/.dovecot.sieve.log"))
    goes_to({"INBOX": 1})
    tap.equal(read("anna/mine"), "mine\n")
    os.unlink(path("anna/.dovecot.sieve.log"))
    goes_to({"INBOX": 1}, "-o", "sieve.user_log=no")
    tap.equal(user_log(), "")


@tap.case("errors of the site's scripts are told to the administrator, not to users")
def _():
    fresh()
    write("site/before/a.sieve", BROKEN)
    write("anna/.dovecot.sieve", "keep;\n")
    goes_to({"INBOX": 1})
    tap.equal(sorted(name for name in os.listdir(path("anna")) if "log" in name), [])
    tap.contains(read("log"), "site/before/a.sieve:3:11: error: ")


@tap.case("by setting the user gets a mail about it once a day")
def _():
    fresh()
    write("anna/.dovecot.sieve", BROKEN)
    goes_to({"INBOX": 2}, "-o", "sieve.error_notice=yes")
    notice = [one.bytes.decode() for one in maildir.messages(path("anna/Maildir"))
              if b"auto-generated" in one.bytes]
    tap.equal(len(notice), 1)
    tap.contains(notice[0], "Subject: Your mail filter has an error\n")
    tap.contains(notice[0], "Return-Path: <>\n")
    tap.contains(notice[0], ".dovecot.sieve:3:11: error: ")
    goes_to({"INBOX": 1}, "-o", "sieve.error_notice=yes")
    yesterday = time.time() - 90000
    os.utime(path("state/anna/script-notice"), (yesterday, yesterday))
    goes_to({"INBOX": 2}, "-o", "sieve.error_notice=yes")


@tap.case("by setting the last good version works on, with what it included")
def _():
    fresh()
    good = ("-o", "sieve.last_good=yes")
    write("anna/.dovecot.sieve", 'require "include"; include "part";\n')
    write("anna/sieve/part.sieve", filing("Good"))
    goes_to({"Good": 1}, *good)
    write("anna/sieve/part.sieve", "kepp;\n")
    goes_to({"Good": 1}, *good)
    tap.contains(user_log(), "part:1:1: error: ")
    write("anna/.dovecot.sieve", BROKEN)
    goes_to({"Good": 1}, *good)
    tap.contains(last_record(), "the last good version is run")
    goes_to({"INBOX": 1})
    write("anna/.dovecot.sieve", filing("New"))
    goes_to({"New": 1}, *good)
    write("anna/.dovecot.sieve", BROKEN)
    goes_to({"New": 1}, *good)


@tap.case("debug_log of a user's script goes to the user's log")
def _():
    fresh()
    write("anna/.dovecot.sieve", 'require "vnd.dovecot.debug";\ndebug_log "one\r\ntwo";\n')
    goes_to({"INBOX": 1})
    tap.contains(user_log(), ".dovecot.sieve:2: one  two\n")


# -- what they change ------------------------------------------------------------------------------

CHANGING = """\
require ["fileinto", "copy", "foreverypart", "mime", "replace", "enclose", "body"];
fileinto :copy "Old";
foreverypart {
    if header :mime :param "filename" :matches "Content-Disposition" "*.exe" { replace "Gone."; }
}
fileinto :copy "Cleaned";
enclose :subject "Read this" "It was changed.";
if body :contains "needle" { fileinto "Enclosed"; }
"""


@tap.case("parts replaced, the message enclosed: each copy whole, under its own size")
def _():
    for size in (10, 1000000):
        line = b"x" * 70 + b"\n"
        head = b"Subject: parts\nContent-Type: multipart/mixed; boundary=b\n\nprologue\n--b\n"
        evil = b"Content-Disposition: attachment; filename=a.exe\n\n" + line * 3
        rest = b"\n--b\n\nneedle\n" + line * (size // 71) + b"\r\r\n\n--b--\nepilogue"
        message = head + evil + rest
        fresh()
        write("anna/.dovecot.sieve", CHANGING)
        goes_to({"Old": 1, "Cleaned": 1, "Enclosed": 1}, message=message)
        old, cleaned, enclosed = (maildir.only_message(path("anna/Maildir"), name)
                                  for name in ("Old", "Cleaned", "Enclosed"))
        stored = rest.replace(b"\r\n", b"\n")
        tap.check(old.bytes.endswith(head + evil + stored), "unchanged")
        tap.check(cleaned.bytes.endswith(stored) and b"\nGone.\n" in cleaned.bytes, "replaced")
        tap.check(b"x.exe" not in cleaned.bytes, "without the part")
        tap.check(cleaned.bytes in enclosed.bytes, "enclosed")
        tap.check(b"\nIt was changed.\n" in enclosed.bytes, "text")
        for copy in (old, cleaned, enclosed):
            tap.check(copy.tags and copy.sizes_are_true(), copy)


# -- what they may cost ----------------------------------------------------------------------------

@tap.case("a script over its budget: kept, recorded; again and again: left out until it changes")
def _():
    fresh()
    heavy = 'require ["fileinto"];\n' + "if size :over 1G { discard; }\n" * 600
    few = ("-o", "sieve.max_steps=1000", "-o", "sieve.max_overruns=2")
    write("anna/.dovecot.sieve", heavy + 'fileinto "Done";\n')
    goes_to({"Done": 1})
    for _ in range(2):
        goes_to({"INBOX": 1}, *few)
        tap.contains(last_record(), "too many steps")
    goes_to({"INBOX": 1}, *few)
    tap.contains(last_record(), "over its budget again and again")
    write("anna/.dovecot.sieve", filing("Done"))
    goes_to({"Done": 1}, *few)


tap.main()
