"""Ladle as a postmaster has it: installed programs, /etc/ladle.conf, a running lmtp-bridge."""

import json
import os
import subprocess

import tap
import wire
import world

DELIVER = "/usr/local/bin/deliver"
BRIDGE = "/usr/local/sbin/lmtp-bridge"
CONFIG_PATH = "/etc/ladle.conf"
# The block at the top of a message as Postfix and deliver write it together.
BLOCK = ("Return-Path", "X-Original-To", "Delivered-To")

RECORDS = "/var/log/ladle/records"
LOG = "/var/log/ladle/log"
SOCKETS = "/run/ladle-test"
UNIX = SOCKETS + "/lmtp"
INET = ("127.0.0.1", 24)
POLICY = SOCKETS + "/policy"

# One transport of master.cf for the pipe front; the recipient and its parts come as arguments.
PIPE_TRANSPORT = """\
ladle      unix  - n n - 10 pipe
  flags=DORXu user=vmail null_sender=
  argv=%s -f ${sender} -a ${original_recipient} -r ${recipient} -d ${user} -m ${extension}
""" % DELIVER

CONFIG = """\
postmaster = "postmaster@example.test"
recipient_delimiter = "+"
plugins = {{{plugins}}}

users "virtual" {{ driver = "passwd-file"  path = "{users}"  username = "%{{user}}" }}
users "system"  {{ driver = "passwd" }}

store {{ location = "{store}" }}

quota {{
  driver = "maildir++"
  over   = "{over}"
  rule "*" {{ storage = "{storage}" }}
}}

log {{ target = "{log}"  level = "info" }}
record {{ target = "{records}"  format = "json" }}

lmtp {{
  {account}
  listen "unix:{unix}" {{ mode = "0666" }}
  listen "inet:127.0.0.1:24" {{}}
  {lmtp}
}}
policy {{ listen "unix:{policy}" {{ mode = "0666" }} }}
{more}
"""


def configure(plugins='"quota", "sieve"', over="refuse", storage="1G", more="", lmtp="",
              store="maildir:~/Maildir", account='user = "vmail"'):
    """Writes /etc/ladle.conf and the directories it names."""
    world.in_lab()
    for path in (SOCKETS, os.path.dirname(RECORDS)):
        os.makedirs(path, exist_ok=True)
        os.chmod(path, 0o755)
    os.chown(SOCKETS, world.VMAIL_UID, world.VMAIL_UID)
    for path in (RECORDS, LOG):
        open(path, "a", encoding="utf-8").close()
        os.chmod(path, 0o666)  # deliver writes it as whoever runs it
    with open(CONFIG_PATH, "w", encoding="utf-8") as stream:
        stream.write(CONFIG.format(plugins=plugins, over=over, storage=storage, more=more, lmtp=lmtp,
                                   store=store, account=account, users=world.USERS_FILE,
                                   records=RECORDS, log=LOG, unix=UNIX, policy=POLICY))
    tap.witness("log of ladle", read_log)
    if not os.path.exists(DELIVER):
        tap.skip("deliver is not installed in the lab")


def read_log():
    with open(LOG, encoding="utf-8", errors="replace") as stream:
        return stream.read()


def deliver(message, *arguments, user="vmail", env=None, under=()):
    """Runs deliver with the message on stdin, as pipe(8) would; returns (exit status, output)."""
    entry = {"PATH": "/usr/bin:/bin"}
    entry.update(env or {})
    done = subprocess.run([*under, DELIVER, *arguments], input=message, env=entry, user=user,
                          group=world.ids(user)[1], cwd="/", timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.decode("utf-8", "replace")


class Bridge:
    """A running lmtp-bridge; `under` may put another program (strace) in front."""

    def __init__(self, under=(), arguments=()):
        self.command = [*under, BRIDGE, *arguments]
        self.log_path = "/var/log/lmtp-bridge.out"
        self.process = None
        tap.witness("output of lmtp-bridge", self.output)

    def start(self):
        if not os.path.exists(BRIDGE):
            tap.skip("lmtp-bridge is not installed in the lab")
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT, cwd="/")
        tap.until(self._answers, "lmtp-bridge answers on its socket")
        return self

    def _answers(self):
        if self.process.poll() is not None:
            raise AssertionError("lmtp-bridge ended with %d: %s"
                                 % (self.process.returncode, self.output()))
        try:
            wire.Lmtp(UNIX, hello=None).quit()
            return True
        except (OSError, wire.Closed):
            return False

    def stop(self):
        self.process.terminate()
        return self.process.wait(30)

    def output(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as stream:
            return stream.read()


def records():
    """All delivery records written so far."""
    with open(RECORDS, encoding="utf-8") as stream:
        return [json.loads(line) for line in stream if line.startswith("{")]
