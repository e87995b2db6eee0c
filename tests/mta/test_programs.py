#!/usr/bin/env python3
# lab: postfix
# time-limit: 240
"""Scripts run programs of the site's: what they read, what becomes of their output, and when."""

import os

import ladle
import maildir
import tap
import world

SCRIPTS = "/srv/scripts"
PROGRAMS = "/srv/programs"
MESSAGE = b"From: a@sender.test\nSubject: hello\nX-Spam-Score: 7.5\n\ntext\n"


@tap.setup
def servers():
    world.add_virtual_users({name: "" for name in USERS})
    for path in (SCRIPTS, PROGRAMS):
        os.makedirs(path, exist_ok=True)
        os.chmod(path, 0o755)
    ladle.configure(more="""
state_directory = "~/state"
sieve {
  script = "%s/%%{user}.sieve"
  extensions = {"+vnd.dovecot.pipe", "+vnd.dovecot.filter", "+vnd.dovecot.execute"}
  spamtest { header = "X-Spam-Score"  max_value = "10" }
  programs { pipe_directory = "%s"  filter_directory = "%s"  execute_directory = "%s"
             timeout = "60s"  output_max = "1M" }
}
outbox { retry_min = "1s"  retry_max = "1s" }
""" % (SCRIPTS, PROGRAMS, PROGRAMS, PROGRAMS))


USERS = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan"]


def program(name, text, mode=0o755):
    path = "%s/%s" % (PROGRAMS, name)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write("#!/bin/sh\n" + text + "\n")
    os.chmod(path, mode)
    return path


def script(user, text):
    with open("%s/%s.sieve" % (SCRIPTS, user), "w", encoding="utf-8") as stream:
        stream.write('require ["vnd.dovecot.pipe", "vnd.dovecot.filter", "vnd.dovecot.execute", '
                     '"copy", "fileinto", "variables", "editheader", "spamtestplus"];\n' + text)


def deliver(user, message=MESSAGE):
    tap.equal(ladle.deliver(message, "-f", "a@sender.test", "-a", "alias@example.test",
                            "-r", user + "@example.test", "-d", user), (0, ""))


def flush(user):
    status, output = ladle.deliver(b"", "--flush-outbox", "-d", user)
    tap.check(status in (0, 75), output)  # 75: something waits


def waiting(user):
    """Files in the outbox."""
    path = "%s/%s/state/outbox/new" % (world.HOMES, user)
    return os.listdir(path) if os.path.exists(path) else []


@tap.case("filter makes another message; our trace stays on top")
def _():
    program("upper", "tr a-z A-Z")
    script("alice", 'filter "upper"; addheader "X-After" "filter";')
    deliver("alice")
    block, below = maildir.header_block(
        maildir.only_message(world.maildir("alice")).bytes, ladle.BLOCK)
    tap.equal(dict(block)["Delivered-To"], "alice@example.test")
    tap.contains(below, b"SUBJECT: HELLO\n")
    tap.check(below.endswith(b"\n\nTEXT\n"), repr(below))
    tap.contains(below, b"X-After: filter\n")
    tap.check(b"DELIVERED-TO" not in below, repr(below))


@tap.case("a program that fails, writes nothing or too much leaves the message as it was")
def _():
    program("fail", "cat; exit 3")
    program("nothing", "cat > /dev/null")
    program("flood", "yes")
    script("bob", 'if filter "fail" { discard; } filter "nothing"; filter "flood"; '
           'if execute :output "x" "flood" { discard; }')
    deliver("bob")
    _, below = maildir.header_block(maildir.only_message(world.maildir("bob")).bytes, ladle.BLOCK)
    tap.equal(below, MESSAGE)
    note = ladle.records()[-1]["note"]
    for text in ("exit status 3", "wrote nothing", "more than"):
        tap.contains(note, text)


@tap.case("execute reads what the script says, and its output is a variable")
def _():
    program("say", 'printf "%s %s %s %s %s" "$SENDER" "$RECIPIENT" "$ORIG_RECIPIENT" "$USER" "$HOME"'
            '\nid -un; cat')
    script("carol", 'execute :output "x" :input "input" "say";'
           'addheader "X-Said" "${x}";')
    deliver("carol")
    message = maildir.only_message(world.maildir("carol")).bytes.replace(b"\n ", b" ")
    tap.contains(message, b"a@sender.test carol@example.test alias@example.test carol "
                 b"/srv/vmail/carolvmail")
    tap.contains(message, b"input")


@tap.case("pipe comes after the copies, once")
def _():
    target = world.HOMES + "/piped"
    program("take", 'cat > "$1.$$" && ls "$HOME/Maildir/new" | wc -l > "$1"')
    script("dave", 'pipe :copy "take" ["%s"];' % target)
    deliver("dave")
    tap.until(lambda: os.path.exists(target) and open(target).read().strip(), "it was piped")
    tap.equal(open(target, encoding="ascii").read().strip(), "1")
    tap.until(lambda: not waiting("dave"), "nothing waits")
    copies = [name for name in os.listdir(world.HOMES) if name.startswith("piped.")]
    tap.equal(len(copies), 1)
    with open(world.HOMES + "/" + copies[0], "rb") as stream:
        _, below = maildir.header_block(stream.read().replace(b"\r\n", b"\n"), ladle.BLOCK)
    tap.equal(below, MESSAGE)


@tap.case("a program that fails is tried again, and the mail waits for it")
def _():
    target = world.HOMES + "/later"
    program("moody", 'test -e "$1" && cat > "$1"')
    script("erin", 'pipe "moody" ["%s"];' % target)
    deliver("erin")
    tap.equal(maildir.messages(world.maildir("erin")), [])
    tap.equal(len(waiting("erin")), 1)
    world.write_as("vmail", target, "")
    def was_piped():
        flush("erin")
        return not waiting("erin")
    tap.until(was_piped, "it was piped")
    with open(target, "rb") as stream:
        tap.contains(stream.read(), b"Subject: hello\r\n")


@tap.case("with :try it is tried once; whoever has no copy gets one")
def _():
    script("frank", 'pipe :try "fail";')
    deliver("frank")
    def has_notice():
        flush("frank")
        return maildir.messages(world.maildir("frank"))
    tap.contains(tap.until(has_notice, "the message comes back")[0].bytes, b"Subject: hello\n")
    tap.equal(waiting("frank"), [])


@tap.case("a program that is not there, or that may not be run, is an error: the mail is kept")
def _():
    program("open", "cat", 0o777)
    os.symlink("/bin/cat", PROGRAMS + "/link")
    for name in ("no-such", "open", "link"):
        for command in ("pipe", "filter", "execute"):
            script("grace", '%s "%s"; discard;' % (command, name))
            deliver("grace")
    tap.equal(len(maildir.messages(world.maildir("grace"))), 9)
    tap.equal(waiting("grace"), [])


@tap.case("spamtest reads the score where the settings say")
def _():
    script("heidi", 'if spamtest :percent "75" { fileinto "Junk"; }')
    deliver("heidi")
    tap.equal(len(maildir.messages(world.maildir("heidi"), "Junk")), 1)


@tap.case("a program that hangs is killed with all its children")
def _():
    ladle.configure(more="""
sieve {
  script = "%s/%%{user}.sieve"
  extensions = {"+vnd.dovecot.execute"}
  programs { execute_directory = "%s"  timeout = "1s" }
}
""" % (SCRIPTS, PROGRAMS))
    program("hang", "sleep 4711 & sleep 4711")
    with open(SCRIPTS + "/ivan.sieve", "w", encoding="utf-8") as stream:
        stream.write('require "vnd.dovecot.execute"; execute "hang";')
    deliver("ivan")
    tap.equal(len(maildir.messages(world.maildir("ivan"))), 1)
    tap.contains(ladle.records()[-1]["note"], "took too long")
    left = [pid for pid in os.listdir("/proc") if pid.isdigit() and
            b"4711" in open("/proc/%s/cmdline" % pid, "rb").read()]
    tap.equal(left, [])
    with open(SCRIPTS + "/ivan.sieve", "w", encoding="utf-8") as stream:
        stream.write('require "vnd.dovecot.filter"; discard;')
    deliver("ivan")
    tap.equal(len(maildir.messages(world.maildir("ivan"))), 2)
    tap.contains(ladle.records()[-1]["note"], "vnd.dovecot.filter")


tap.main()
