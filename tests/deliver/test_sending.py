#!/usr/bin/env python3
# lab: none
# time-limit: 300
"""What a script decides to send is sent, and what it refuses is refused: deliver as a whole program
with a transport of the test's own. Needs no root; as root everything runs as somebody else."""

import email
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading

import maildir
import tap
import wire

BRIDGE = os.environ["STAGE"] + "/usr/local/sbin/lmtp-bridge"
DELIVER = os.environ["STAGE"] + "/usr/local/bin/deliver"
HEADER = (b"Received: from a by b; Sat, 21 Nov 2026 09:30:00 +0000\n"
          b"DKIM-Signature: v=1; bh=abc=;\n\tb=def\nFrom: bert@example.net\nTo: anna@example.test\n"
          b"Subject: =?utf-8?q?odd?=  \t subject\nMessage-ID: <1@example.net>\n")
BODY = b"8-bit \xff\xc3\xa4, NUL \0, CR \r here\n.\n.dots\n" + b"long " * 3000 + b"\nno end of line"
MESSAGE = HEADER + b"\n" + BODY
CONFIG = """\
hostname = "mx.example.test"
first_valid_uid = 1
spool_directory = "{top}"
state_directory = "{top}/state"
users "test" {{ driver = "passwd-file"  path = "{top}/users" }}
store {{ location = "maildir:~/Maildir" }}
quota {{ rule "*" {{ storage = "1M" }} }}
sieve {{ before = {{"{top}/before.sieve"}} }}
outbox {{ sendmail = "{top}/sendmail"  retry_min = "1s"  at_once = "false" }}
record {{ target = "{top}/records" }}
log {{ target = "{top}/log" }}
"""
# Saves what it is given, one directory for each call; ends as the file "status" says.
SENDMAIL = """\
#!/bin/sh
call=$(mktemp -d {top}/sent/XXXXXXXX) || exit 71
printf '%s\\n' "$@" >"$call/arguments"
cat >"$call/message"
[ "$(cat {top}/status)" != kill ] || kill -KILL $PPID
exit $(cat {top}/status)
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


def run(*arguments, message=b""):
    more = {} if os.getuid() else {"user": uid, "group": gid, "extra_groups": []}
    done = subprocess.run([DELIVER, "-c", path("ladle.conf"), *arguments], input=message, cwd="/",
                          env={"PATH": "/usr/bin:/bin"}, timeout=60, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **more)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def deliver(script, *arguments, before="", message=MESSAGE, sender="bert@example.net",
            recipient="anna@example.test"):
    """A fresh world, then one delivery."""
    for name in ("anna/Maildir", "state", "sent"):
        shutil.rmtree(path(name), ignore_errors=True)
    for name in ("state", "sent"):
        os.mkdir(path(name))
        os.chown(path(name), uid, gid)
    for name in ("records", "log"):
        if os.path.exists(path(name)):
            os.unlink(path(name))
    write("status", "0")
    write("anna/.dovecot.sieve", script)
    write("before.sieve", before)
    return run("-d", "anna", "-f", sender, "-r", recipient, *arguments, message=message)


def flush(*arguments):
    return run("--flush-outbox", "-d", "anna", *arguments)


def stored(folder="INBOX"):
    return maildir.messages(home + "/Maildir", folder)


def waiting():
    return maildir.messages(path("state/anna/outbox"))


def announced():
    try:
        return os.listdir(path("state/.pending"))
    except FileNotFoundError:
        return []


class Sent:
    def __init__(self, name):
        with open(name + "/arguments", encoding="utf-8") as stream:
            self.arguments = stream.read().splitlines()
        with open(name + "/message", "rb") as stream:
            self.bytes = stream.read()
        self.sender = self.arguments[self.arguments.index("-f") + 1]
        self.recipient = self.arguments[-1]
        self.message = email.message_from_bytes(self.bytes)


def sent():
    return sorted((Sent(path("sent/" + name)) for name in os.listdir(path("sent"))),
                  key=lambda one: one.recipient)


def has_sent(count):
    """Nothing waits any more, so nothing is half written."""
    return not waiting() and not announced() and len(os.listdir(path("sent"))) == count


def record():
    lines = read("records").splitlines()
    tap.equal(len(lines), 1)
    return lines[0]


@tap.setup
def setup():
    global top, home
    if not os.path.exists(DELIVER):
        tap.skip("deliver is not built")
    top = tempfile.mkdtemp(prefix="ladle-sending.")
    os.chmod(top, 0o755)
    os.chown(top, uid, gid)
    home = path("anna")
    os.mkdir(home)
    os.chown(home, uid, gid)
    write("ladle.conf", CONFIG.format(top=top))
    write("sendmail", SENDMAIL.format(top=top), 0o755)
    write("users", "anna:*:%d:%d::%s::\n" % (uid, gid, home))
    tap.witness("log", lambda: read("log") if os.path.exists(path("log")) else "")
    tap.witness("records", lambda: read("records") if os.path.exists(path("records")) else "")


# -- refusing --------------------------------------------------------------------------------------

REFUSALS = [  # name, reason in the script, the line
    ("one line", "No, thank you.", "5.7.1 No, thank you.\n"),
    ("several lines", "One.\nTwo.", "5.7.1 One. Two.\n"),
    ("no reason", " ", "5.7.1 Message refused by the recipient\n"),
    ("UTF-8", "Grüße", "5.7.1 The recipient's filter refused this message; what it says cannot be "
                       "shown in ASCII\n"),
    ("a code in it", "4.0.0 later", "5.7.1 4.0.0 later\n"),
]
for name, reason, line in REFUSALS:
    for command in ("reject", "ereject"):
        @tap.case("%s, %s: exit status 77 and the reason; nothing is stored or sent" % (command, name))
        def _(command=command, reason=reason, line=line):
            script = 'require "%s";\n%s "%s";\n' % (command, command, reason)
            tap.equal(deliver(script), (77, line))
            tap.equal((stored(), waiting()), ([], []))
            tap.contains(record(), "actions=reject@%s/anna/.dovecot.sieve:2 cause=rejected" % top)


@tap.case("a refusal reserves nothing of the quota")
def _():
    deliver('require "reject"; reject "no";')
    tap.check(not os.path.exists(home + "/Maildir/maildirsize")
              or read("anna/Maildir/maildirsize").count("\n") < 3, "something is reserved")


@tap.case("refused beside a copy of an earlier script: stored, and the notice is mailed")
def _():
    tap.equal(deliver('require "reject"; reject "Nöt\nnow";',
                      before='require ["fileinto", "copy"]; fileinto :copy "All";'), (0, ""))
    tap.equal((len(stored("All")), len(stored()), len(waiting())), (1, 0, 1))
    tap.contains(record(), "refused beside other actions")
    tap.equal(flush(), (0, "1 sent, 0 waiting, 0 given up\n"))
    notice, = sent()
    tap.equal((notice.sender, notice.recipient), ("<>", "bert@example.net"))
    tap.equal(notice.message.get_content_type(), "multipart/report")
    tap.equal(notice.message.get_param("report-type"), "disposition-notification")
    text, disposition, header = notice.message.get_payload()
    tap.contains(text.get_payload(decode=True).decode(), "Nöt\nnow")
    tap.contains(disposition.as_string(), "Final-Recipient: rfc822; anna@example.test")
    tap.contains(header.as_string(), "Message-ID: <1@example.net>")
    tap.contains(notice.message["Subject"], "odd")


@tap.case("refused beside a copy, with a null sender: nobody is told, the message is kept")
def _():
    tap.equal(deliver('require "reject"; reject "no";', sender="",
                      before='require ["fileinto", "copy"]; fileinto :copy "All";'), (0, ""))
    tap.equal((len(stored("All")), len(stored()), len(waiting())), (1, 1, 0))


@tap.case("by setting every refusal is mailed, but to a null sender")
def _():
    script = 'require "reject"; reject "no";'
    tap.equal(deliver(script, "-o", "sieve.reject=mail"), (0, ""))
    tap.equal((stored(), len(waiting())), ([], 1))
    tap.equal(deliver(script, "-o", "sieve.reject=mail", sender="")[0], 77)
    tap.equal((stored(), waiting()), ([], []))


@tap.case("refused and redirected by one script: an error of the script, the message is kept")
def _():
    tap.equal(deliver('require "reject"; redirect "c@example.net"; reject "no";'), (0, ""))
    tap.equal((len(stored()), waiting()), (1, []))


# -- another header --------------------------------------------------------------------------------

@tap.case("editheader: what is stored is the edited message, below our own block")
def _():
    tap.equal(deliver('require ["editheader", "fileinto", "copy"];\n'
                      'fileinto :copy "Before";\n'
                      'deleteheader "Return-Path"; deleteheader "Delivered-To";\n'
                      'deleteheader "Received"; deleteheader "Subject";\n'
                      'addheader "X-First" "1"; addheader "Delivered-To" "mine";\n'), (0, ""))
    before, after = stored("Before")[0].bytes, stored()[0].bytes
    tap.check(before.endswith(MESSAGE), "the copy before the change has changed")
    top_block = before[:len(before) - len(MESSAGE)]
    tap.equal(top_block, b"Return-Path: <bert@example.net>\nDelivered-To: anna@example.test\n")
    tap.equal(after[:len(top_block) + 33], top_block + b"Delivered-To: mine\nX-First: 1\nRec")
    tap.check(after.endswith(BODY), "the body has changed")
    tap.check(b"\nSubject:" not in after, "Subject is still there")


@tap.case("the next script sees the edited message, and a broken one changes nothing of it")
def _():
    before = 'require "editheader"; addheader "X-Seen" "yes";'
    deliver('require ["fileinto", "editheader"]; deleteheader "Subject";\n'
            'if header "x-seen" "yes" { fileinto "Seen"; }', before=before)
    tap.contains(stored("Seen")[0].bytes, b"\nX-Seen: yes\nReceived:")
    tap.check(b"\nSubject:" not in stored("Seen")[0].bytes, "Subject is still there")
    deliver("nonsense", before=before)
    tap.contains(stored()[0].bytes, b"\nX-Seen: yes\nReceived:")


# -- redirecting -----------------------------------------------------------------------------------

MARK = b"X-Sieve-Redirected-From: anna@example.test\n"


@tap.case("redirect: the same bytes below one mark, the same sender; nothing stored")
def _():
    tap.equal(deliver('redirect "carl@example.net";'), (0, ""))
    tap.equal((stored(), len(waiting()), announced()), ([], 1, ["anna"]))
    tap.equal(flush(), (0, "1 sent, 0 waiting, 0 given up\n"))
    redirected, = sent()
    tap.equal(redirected.bytes, MARK + MESSAGE)
    tap.equal(redirected.arguments, ["-i", "-f", "bert@example.net", "--", "carl@example.net"])
    tap.equal((waiting(), announced()), ([], []))
    tap.equal(flush(), (0, "0 sent, 0 waiting, 0 given up\n"))
    tap.equal(len(sent()), 1)


@tap.case("the block of the last MTA does not go on, the rest of the header does")
def _():
    block = b"Return-Path: <x@y>\nX-Original-To: info@example.test\nDelivered-To: anna@example.test\n"
    deliver('redirect "carl@example.net";', message=block + MESSAGE)
    flush()
    tap.equal(sent()[0].bytes, MARK + MESSAGE)


@tap.case("redirect with :copy and to several: one file each, the mailbox has its copy")
def _():
    deliver('require "copy"; redirect :copy "carl@example.net"; redirect :copy "dora@example.net";')
    tap.equal((len(stored()), len(waiting())), (1, 2))
    tap.equal(flush(), (0, "2 sent, 0 waiting, 0 given up\n"))
    tap.equal([one.recipient for one in sent()], ["carl@example.net", "dora@example.net"])
    tap.check(stored()[0].bytes.endswith(MESSAGE), "the stored copy has changed")


@tap.case("redirect of an edited message sends the edited one")
def _():
    deliver('require "editheader"; addheader "X-A" "b"; redirect "carl@example.net";')
    flush()
    tap.equal(sent()[0].bytes, MARK + b"X-A: b\n" + MESSAGE)


@tap.case("a message without Message-ID gets one, the same each time it comes")
def _():
    bare = b"From: bert@example.net\n\nbody\n"
    ids = []
    for message in (bare, bare, bare + b"."):
        deliver('redirect "carl@example.net";', message=message)
        flush()
        ids.append(sent()[0].message["Message-ID"])
        tap.check(sent()[0].bytes.endswith(message), "the message has changed")
    tap.check(re.fullmatch(r"<[0-9a-f]{32}\.redirect@mx\.example\.test>", ids[0]), ids[0])
    tap.equal(ids[0], ids[1])
    tap.check(ids[0] != ids[2], "two messages have the same Message-ID")


def again(*arguments, message=MESSAGE, recipient="anna@example.test"):
    """One more delivery in the same world; how many have been redirected in all, and stored."""
    tap.equal(run("-d", "anna", "-f", "bert@example.net", "-r", recipient, *arguments,
                  message=message), (0, ""))
    flush()
    return len(sent()), len(stored())


@tap.case("the same message again is not redirected again, and the record says so")
def _():
    deliver('redirect "carl@example.net";')
    flush()
    tap.equal((len(sent()), stored()), (1, []))
    tap.equal(again(), (1, 0))
    tap.contains(read("records").splitlines()[-1],
                 "not redirected to <carl@example.net>: the same message was, not long ago")
    count = 1
    for what, message in (
            ("another message", MESSAGE.replace(b"<1@", b"<2@")),
            ("sent again by hand", b"Resent-Message-ID: <9@x>\n" + MESSAGE),
            ("from a mailing list", b"List-Id: <x.y>\n" + MESSAGE),
            ("another subject under the same id", MESSAGE.replace(b"Subject: ", b"Subject: x")),
            ("another body under the same id", MESSAGE + b"x\n")):
        count += 1
        tap.equal(again(message=message), (count, 0), what)
        tap.equal(again(message=b"X-Path: other\n" + message), (count, 0), what + ", again")
    tap.equal(again(recipient="info@example.test"), (7, 0), "to another address")
    bare = MESSAGE.replace(b"Message-ID: <1@example.net>\n", b"")
    tap.equal((again(message=bare), again(message=bare)), ((8, 0), (9, 0)), "without Message-ID")
    tap.equal(again(), (9, 0), "still the same")
    tap.equal(again("-o", "sieve.redirect_duplicate_period=0"), (10, 0), "where it is off")
    write("anna/.dovecot.sieve", 'redirect "carl@example.net"; redirect "dora@example.net";')
    tap.equal(again(), (11, 0), "to one that has not had it")
    write("anna/.dovecot.sieve", 'redirect "carl@example.net"; keep;')
    tap.equal(again(), (11, 1), "a keep beside it is done")


@tap.case("a redirect that failed with its delivery is not remembered")
def _():
    script = 'require ["fileinto", "copy", "mailbox"]; redirect :copy "carl@example.net";'
    deliver(script)
    shutil.rmtree(path("state"))
    os.mkdir(path("state"))
    os.chown(path("state"), uid, gid)
    os.rename(home + "/Maildir", home + "/away")
    write("anna/Maildir", "in the way")
    tap.equal(run("-d", "anna", "-f", "bert@example.net", "-r", "anna@example.test",
                  message=MESSAGE)[0], 75)
    os.unlink(home + "/Maildir")
    os.rename(home + "/away", home + "/Maildir")
    before = len(sent())
    tap.equal(again()[0], before + 1)


@tap.case(":notify and :ret of redirect-dsn reach sendmail and SMTP")
def _():
    script = ('require "redirect-dsn"; redirect :notify "success,failure" :ret "hdrs" '
              '"carl@example.net";')
    deliver(script)
    flush()
    tap.equal(sent()[0].arguments, ["-i", "-f", "bert@example.net", "-N", "success,failure", "-R",
                                    "hdrs", "--", "carl@example.net"])
    server = SmtpServer()
    deliver(script)
    flush("-o", "outbox.transport=smtp:127.0.0.1:%d" % server.port)
    server.join(20)
    tap.check(server.commands[1].startswith("MAIL FROM:<bert@example.net> "), server.commands)
    tap.check(" RET=HDRS" in server.commands[1], server.commands)
    tap.equal(server.commands[2], "RCPT TO:<carl@example.net> NOTIFY=SUCCESS,FAILURE")


SENDERS = [  # setting, envelope sender, more arguments, envelope sender of the redirect
    ("sender", "bert@example.net", [], "bert@example.net"),
    ("recipient", "bert@example.net", [], "anna@example.test"),
    ("original_recipient", "bert@example.net", ["-a", "info@example.test"], "info@example.test"),
    ("original_recipient", "bert@example.net", [], "anna@example.test"),
    ("postmaster", "bert@example.net", [], "postmaster@mx.example.test"),
    ("<fwd@example.test>", "bert@example.net", [], "fwd@example.test"),
    ("recipient", "", [], "<>"),
    ("<fwd@example.test>", "", [], "<>"),
]
for setting, sender, more, wanted in SENDERS:
    @tap.case("redirect_sender = %s, from <%s>%s: sent by %s"
              % (setting, sender, " with -a" if more else "", wanted))
    def _(setting=setting, sender=sender, more=more, wanted=wanted):
        deliver('redirect "carl@example.net";', "-o", "sieve.redirect_sender=" + setting, *more,
                sender=sender)
        flush()
        tap.equal(sent()[0].sender, wanted)


@tap.case("an unknown redirect_sender or transport is told, and mail waits")
def _():
    for setting in ("sieve.redirect_sender=somebody", "outbox.transport=uucp"):
        tap.equal(deliver("keep;", "-o", setting),
                  (75, "4.3.5 Mail system is not configured correctly\n"))
        tap.contains(read("log"), setting.split("=")[0])


LOOPS = [
    ("our own mark", MARK, "redirected from here before"),
    ("our own mark in other letters", MARK.lower(), "redirected from here before"),
    ("101 Received", b"Received: x\n" * 100, "too many Received"),
]
for name, header, why in LOOPS:
    @tap.case("a loop, %s: not redirected, kept, and the record says so" % name)
    def _(header=header, why=why):
        tap.equal(deliver('redirect "carl@example.net";', message=header + MESSAGE), (0, ""))
        tap.equal((len(stored()), waiting()), (1, []))
        tap.contains(record(), why)
        tap.contains(record(), "actions=implicit-keep ")


@tap.case("somebody else's mark, or 100 Received, is no loop")
def _():
    header = b"X-Sieve-Redirected-From: other@example.test\n" + b"Received: x\n" * 99
    deliver('redirect "carl@example.net";', message=header + MESSAGE)
    tap.equal((stored(), len(waiting())), ([], 1))


# -- the outbox ------------------------------------------------------------------------------------

@tap.case("a state directory inside a Maildir or that cannot be made: who needs it waits, others do not")
def _():
    for place in ("~/Maildir/state", "/dev/null"):
        tap.equal(deliver('redirect "c@example.net";', "-o", "state_directory=" + place)[0], 75)
        tap.equal((stored(), sent()), ([], []))
        tap.equal(deliver("keep;", "-o", "state_directory=" + place), (0, ""))


@tap.case("a transport that is down neither blocks nor repeats the delivery; it goes out later")
def _():
    deliver('require "copy"; redirect :copy "carl@example.net";')
    write("status", "75")
    tap.equal(flush(), (75, "0 sent, 1 waiting, 0 given up\n"))
    tap.equal((len(stored()), len(waiting()), announced()), (1, 1, ["anna"]))
    write("status", "0")
    tap.until(lambda: flush()[0] == 0, "it is due again")
    tap.equal((len(stored()), waiting(), announced()), (1, [], []))
    first, second = sent()
    tap.equal(first.bytes, second.bytes)


@tap.case("killed between the transport's acceptance and the removal: sent twice, the same message")
def _():
    deliver('redirect "carl@example.net";', message=b"From: bert@example.net\n\nbody\n")
    write("status", "kill")
    tap.equal(flush()[0], -signal.SIGKILL)
    tap.equal(len(waiting()), 1)
    write("status", "0")
    tap.equal(flush(), (0, "1 sent, 0 waiting, 0 given up\n"))
    first, second = sent()
    tap.equal(first.bytes, second.bytes)
    tap.equal(first.message["Message-ID"], second.message["Message-ID"])
    tap.check(first.message["Message-ID"], "there is none")


@tap.case("what expires comes back to the owner with the whole message")
def _():
    deliver('redirect "carl@example.net";')
    write("status", "75")
    tap.until(lambda: flush("-o", "outbox.expire=1s", "-o", "outbox.retry_max=1s")[0] == 0, "expiry")
    tap.equal((waiting(), announced()), ([], []))
    notice, = stored()
    tap.check(notice.sizes_are_true(), notice)
    parsed = email.message_from_bytes(notice.bytes)
    tap.equal((parsed.get_content_type(), parsed["To"]), ("multipart/report", "anna@example.test"))
    text, status, message = parsed.get_payload()
    tap.contains(text.get_payload(), "carl@example.net")
    tap.contains(status.as_string(), "Action: failed")
    tap.contains(notice.bytes, MARK + MESSAGE)


class SmtpServer(threading.Thread):
    """Takes one message and closes; `refusal` answers RCPT."""

    def __init__(self, refusal=b"250 2.1.5 ok"):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.refusal = refusal
        self.commands = []
        self.text = b""
        self.start()

    def run(self):
        client, _ = self.listener.accept()
        stream = client.makefile("rwb", buffering=0)
        stream.write(b"220 test\r\n")
        for line in stream:
            self.commands.append(line.rstrip().decode())
            verb = line[:4].upper()
            if verb == b"EHLO":
                stream.write(b"250-test\r\n250-8BITMIME\r\n250-DSN\r\n250 SIZE\r\n")
            elif verb == b"RCPT":
                stream.write(self.refusal + b"\r\n")
            elif verb == b"DATA":
                stream.write(b"354 go\r\n")
                while not self.text.endswith(b"\r\n.\r\n"):
                    self.text += stream.readline()
                stream.write(b"250 2.0.0 queued\r\n")
            elif verb == b"QUIT":
                stream.write(b"221 bye\r\n")
                break
            else:
                stream.write(b"250 ok\r\n")
        client.close()


@tap.case("by SMTP: the same bytes, dots doubled, 8BITMIME and SIZE")
def _():
    server = SmtpServer()
    deliver('redirect "carl@example.net";')
    transport = "outbox.transport=smtp:127.0.0.1:%d" % server.port
    tap.equal(flush("-o", transport), (0, "1 sent, 0 waiting, 0 given up\n"))
    server.join(20)
    wire = re.sub(rb"(?m)^\.", b"..", (MARK + MESSAGE).replace(b"\n", b"\r\n")) + b"\r\n.\r\n"
    tap.equal(server.text, wire)
    tap.equal(server.commands[1], "MAIL FROM:<bert@example.net> SIZE=%d BODY=8BITMIME"
              % len((MARK + MESSAGE).replace(b"\n", b"\r\n")))
    tap.equal(sent(), [])


@tap.case("a refusal by SMTP comes back to the owner at once, with its reason; a 450 waits")
def _():
    server = SmtpServer(b"450 4.2.1 not now")
    deliver('redirect "carl@example.net";')
    tap.equal(flush("-o", "outbox.transport=smtp:127.0.0.1:%d" % server.port)[0], 75)
    tap.equal((stored(), len(waiting())), ([], 1))
    server = SmtpServer(b"550 5.1.1 nobody here")
    deliver('redirect "carl@example.net";')
    tap.equal(flush("-o", "outbox.transport=smtp:127.0.0.1:%d" % server.port),
              (0, "0 sent, 0 waiting, 1 given up\n"))
    tap.contains(stored()[0].bytes, b"nobody here")
    tap.contains(stored()[0].bytes, MARK + MESSAGE)


@tap.case("deliver itself sends at once, after its answer")
def _():
    tap.equal(deliver('redirect "carl@example.net";', "-o", "outbox.at_once=true"), (0, ""))
    tap.until(lambda: not waiting() and not announced(), "it is sent")
    tap.equal((sent()[0].recipient, waiting()), ("carl@example.net", []))


@tap.case("root sees to everybody who has announced something")
def _():
    if os.getuid() != 0:
        tap.skip("needs root")
    deliver('redirect "carl@example.net";')
    write("state/.pending/nobody-of-that-name", "")
    done = subprocess.run([DELIVER, "-c", path("ladle.conf"), "--flush-outbox"], cwd="/", timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    tap.equal(done.stdout, b"0 users have mail that waits, 1 could not be seen to\n")
    tap.equal(([one.recipient for one in sent()], announced()), (["carl@example.net"], []))
    found = os.stat(path("sent/" + os.listdir(path("sent"))[0]))
    tap.equal(found.st_uid, uid)


def bridge_options():
    """As root it is somebody; the sanitizers look at themselves in ways the sandbox forbids."""
    libraries = subprocess.run(["ldd", BRIDGE], stdout=subprocess.PIPE, check=True).stdout
    return (('user = "nobody"' if os.getuid() == 0 else "")
            + (' sandbox = "off"' if b"libasan" in libraries else ""))


def ask(place, request):
    """One question to a socketmap."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(place)
        client.sendall(b"%d:%s," % (len(request), request))
        answer = client.recv(1000)
        size, _, rest = answer.partition(b":")
        tap.equal(rest[int(size):], b",")
        return rest[:-1]


def sent_srs():
    """An address signed with the keys there are."""
    shutil.rmtree(path("sent"))
    os.mkdir(path("sent"))
    os.chown(path("sent"), uid, gid)
    options = ["-o", "sieve.redirect_sender=srs", "-o", "srs.key_file=" + path("keys"),
               "-o", "sieve.redirect_duplicate_period=0"]
    run("-d", "anna", "-f", "bert@example.net", "-r", "anna@example.test", *options, message=MESSAGE)
    tap.until(lambda: has_sent(1), "it is sent")
    return sent()[0].sender


@tap.case("srs: the flusher signs, --srs-reverse turns back, forged is refused; null stays null")
def _():
    write("keys", "new key\nold key\n", 0o600)
    options = ["-o", "sieve.redirect_sender=srs", "-o", "srs.key_file=" + path("keys")]
    deliver('redirect "carl@example.net";', *options)
    tap.equal(flush(*options[2:]), (0, "1 sent, 0 waiting, 0 given up\n"))
    sender = sent()[0].sender
    tap.check(re.fullmatch(r"SRS0=[A-Za-z0-9+/]{4}=[A-Z2-7]{2}=example\.net=bert@example\.test", sender),
              sender)
    tap.equal(run("--srs-reverse", sender, *options[2:]), (0, "bert@example.net\n"))
    tap.equal(run("--srs-reverse", sender.replace("bert", "carl"), *options[2:])[0], 1)
    tap.equal(run("--srs-reverse", "bert@example.net", *options[2:])[0], 1)
    write("keys", "newest key\nnew key\n", 0o600)
    tap.equal(run("--srs-reverse", sender, *options[2:]), (0, "bert@example.net\n"))
    deliver('redirect "carl@example.net";', *options, sender="")
    flush(*options[2:])
    tap.equal(sent()[0].sender, "<>")


@tap.case("srs: who may not read the keys leaves the mail to who may, at once")
def _():
    if os.getuid() != 0:
        tap.skip("needs root")
    with open(path("rootkeys"), "w", encoding="ascii") as stream:
        stream.write("secret\n")
    os.chmod(path("rootkeys"), 0o600)
    options = ["-o", "sieve.redirect_sender=srs", "-o", "srs.key_file=" + path("rootkeys"),
               "-o", "outbox.retry_min=1h"]
    deliver('redirect "carl@example.net";', *options)
    tap.equal(flush(*options[2:]), (75, "0 sent, 1 waiting, 0 given up\n"))
    tap.equal(sent(), [])
    done = subprocess.run([DELIVER, "-c", path("ladle.conf"), *options, "--flush-outbox"], cwd="/",
                          timeout=60, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    tap.equal((done.returncode, done.stdout), (0, b""))
    tap.check(sent()[0].sender.startswith("SRS0="), sent()[0].sender)


@tap.case("lmtp-bridge sends what its deliveries leave, and what waited before it was there")
def _():
    deliver('require "copy"; redirect :copy "carl@example.net";')
    write("bridge.conf", read("ladle.conf")
          + 'lmtp { listen "unix:%s" {} %s }\n' % (path("lmtp"), bridge_options())
          + 'srs { key_file = "%s" listen "unix:%s" {} }\n' % (path("keys"), path("srs")))
    write("keys", "key\n", 0o600)
    with subprocess.Popen([BRIDGE, "-c", path("bridge.conf")], cwd="/") as bridge:
        try:
            tap.until(lambda: has_sent(1), "what waited is sent")
            with wire.Lmtp(path("lmtp")) as client:
                reply = client.deliver("bert@example.net", ["anna@example.test"],
                                       MESSAGE.replace(b"<1@", b"<2@").replace(b"\n", b"\r\n"))
                tap.equal(reply["anna@example.test"].code, 250)
            tap.until(lambda: has_sent(2), "it is sent")
            tap.equal(ask(path("srs"), b"srs " + sent_srs().encode()), b"OK bert@example.net")
            tap.equal(ask(path("srs"), b"srs anna@example.test"), b"NOTFOUND ")
            # A new configuration has a new flusher.
            bridge.send_signal(signal.SIGHUP)
            tap.until(lambda: "new configuration" in read("log"), "the new configuration")
            run("-d", "anna", "-f", "bert@example.net",
                message=MESSAGE.replace(b"<1@", b"<3@"))
            tap.until(lambda: has_sent(2), "it is sent")
        finally:
            bridge.terminate()
    tap.equal((bridge.wait(20), len(stored())), (0, 4))
    tap.check("ended" not in read("log"), "a process ended badly")


LETTER = b"From: Bert <bert@example.net>\nTo: anna@example.test\nSubject: Hi\n" \
         b"Message-ID: <2@example.net>\n\nHello\n"


@tap.case("vacation: one answer, from the null sender, then a reason in the record")
def _():
    script = 'require "vacation"; vacation "Away.";'
    tap.equal(deliver(script, message=LETTER), (0, ""))
    tap.equal(flush(), (0, "1 sent, 0 waiting, 0 given up\n"))
    answer = sent()[0]
    tap.equal((answer.sender, answer.recipient), ("<>", "bert@example.net"))
    tap.equal([answer.message[name] for name in ("From", "To", "Subject", "In-Reply-To")],
              ["anna@example.test", "Bert <bert@example.net>", "Auto: Hi", "<2@example.net>"])
    tap.equal(answer.message.get_payload(), "Away.\n")
    tap.equal(len(stored()), 1)
    tap.equal(run("-d", "anna", "-f", "bert@example.net", "-r", "anna@example.test",
                  message=LETTER), (0, ""))
    tap.equal((len(stored()), waiting()), (2, []))
    tap.contains(read("records").splitlines()[1], "answered not long ago")


@tap.case("vacation: one answer by all scripts of a delivery together")
def _():
    script = 'require "vacation"; vacation "%s.";'
    tap.equal(deliver(script % "Of the user", before=script % "Of the site", message=LETTER),
              (0, ""))
    flush()
    tap.equal([one.message.get_payload() for one in sent()], ["Of the site.\n"])
    tap.contains(read("records"), "an earlier script has answered it")


@tap.case("vacation: settings")
def _():
    script = 'require "vacation-seconds"; vacation :seconds 0 "Away.";'
    deliver(script, "-o", "sieve.vacation_subject=Away (%{subject})", "-o",
            "sieve.vacation_from_recipient=true", message=LETTER)
    flush()
    tap.equal((sent()[0].sender, sent()[0].message["Subject"]), ("anna@example.test", "Away (Hi)"))
    run("-d", "anna", "-f", "bert@example.net", "-r", "anna@example.test", message=LETTER)
    tap.equal(len(waiting()), 1)


@tap.case("notify and its filed copy; a redirect to a list")
def _():
    write("friends", "carl@example.net\n# nobody\ndora@example.net\n")
    script = ('require ["enotify", "fcc", "mailbox", "extlists", "redirect-dsn"];'
              'notify :fcc "Sent" :create "mailto:eve@example.net";'
              'redirect :list :notify "never" "urn:x:friends";')
    tap.equal(deliver(script, "-o", "sieve.list.urn:x:friends.file=%s" % path("friends"),
                      message=LETTER), (0, ""))
    flush()
    tap.equal([one.recipient for one in sent()],
              ["carl@example.net", "dora@example.net", "eve@example.net"])
    tap.equal(sent()[2].message["Auto-Submitted"],
              'auto-notified; owner-email="anna@example.test"')
    tap.equal(stored("Sent")[0].bytes, sent()[2].bytes)


try:
    tap.main()
finally:
    if top is not None:
        shutil.rmtree(top, ignore_errors=True)
