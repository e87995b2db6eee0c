"""Who is measured: Ladle, Dovecot and Cyrus, each as a server in a lab with its own mailboxes.

All have the same users, a quota of 1 GB and the same script; what they write lies below SCRATCH,
on a real disk. Nothing is removed before the end.
"""

import itertools
import os
import re
import subprocess

import ladle
import tap
import wire
import world

SCRATCH = os.environ["LAB_SCRATCH"]
USERS = 2000
# smtp-source -N makes the recipients 1u@..., 2u@... of "u@...".
NAME = "%du"
# The same mailbox for every message; one with many before the first; one for a message of 1 GB.
# With what else stands in their lines of the password file.
MORE_USERS = {"last": "", "huge": "", "roomy": "userdb_quota_rule=*:storage=8G"}

DOVECOT_ROOT = "/var/lib/bench-dovecot"
DOVECOT = DOVECOT_ROOT + "/dovecot.conf"
CYRUS_ROOT = "/var/lib/bench-cyrus"
# Five rules, of which none matches until the last: the usual case is the whole script.
SIEVE = """\
require ["fileinto", "envelope"];
if header :contains "X-Spam-Flag" "YES" { fileinto "Junk"; stop; }
if header :contains "List-Id" "<announce.example.org>" { fileinto "Lists"; stop; }
if address :is "from" "boss@example.com" { fileinto "Boss"; stop; }
if header :matches "Subject" "*[ticket #*]*" { fileinto "Tickets"; stop; }
if anyof (size :over 100M, envelope :is "from" "nobody@example.com") { discard; }
"""

DOVECOT_CONFIG = """\
base_dir = {root}/run
state_dir = {root}/state
log_path = {root}/log
protocols = lmtp
ssl = no
auth_username_format = %n
first_valid_uid = 500
mail_location = maildir:~/Maildir
mail_temp_dir = {scratch}/spool
mail_plugins = quota
recipient_delimiter = +
postmaster_address = postmaster@example.test
userdb {{
  driver = passwd-file
  args = username_format=%n {users}
}}
passdb {{
  driver = passwd-file
  args = username_format=%n {users}
}}
namespace inbox {{
  inbox = yes
}}
service auth {{
  unix_listener auth-userdb {{
    mode = 0666
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0666
  }}
}}
protocol lmtp {{
  mail_plugins = quota sieve
}}
protocol lda {{
  mail_plugins = quota sieve
}}
plugin {{
  quota = maildir:User quota
  quota_rule = *:storage=1G
  sieve = file:~/.dovecot.sieve
}}
"""

# Users come to be with their first message. The databases are twoskip, as they are by default.
CYRUS_CONFIG = """\
configdirectory: {data}
partition-default: {data}/mail
defaultpartition: default
proc_path: {root}/proc
mboxname_lockpath: {root}/lock
lmtpsocket: {root}/lmtp
sievedir: {data}/sieve
admins: admin
defaultdomain: example.test
servername: lab.example.test
virtdomains: off
autocreate_post: yes
autocreate_quota: 1048576
autocreate_sieve_script: {root}/rules.sieve
conversations: no
duplicatesuppression: no
singleinstancestore: no
unix_group_enable: no
"""

CYRUS_SERVICES = """\
START {{
  recover cmd="ctl_cyrusdb -r"
}}
SERVICES {{
  lmtpunix cmd="lmtpd" listen="{root}/lmtp" prefork=20
}}
"""

LADLE_MORE = """\
spool_directory = "{scratch}/spool"
state_directory = "{scratch}/state"
""".format(scratch=SCRATCH)


def homes_of(contender):
    return "%s/%s" % (SCRATCH, contender)


def users_of(contender):
    return "/etc/ladle/users-" + contender


def write_users(contender, count, more=MORE_USERS):
    """The password file of a contender; homes are made by make_home."""
    with open(users_of(contender) + ".new", "w", encoding="ascii") as stream:
        for name in itertools.chain((NAME % n for n in range(1, count + 1)), more):
            stream.write("%s:{PLAIN}x:%d:%d::%s/%s::%s\n" % (
                name, world.VMAIL_UID, world.VMAIL_UID, homes_of(contender), name,
                more.get(name, "")))
    os.rename(users_of(contender) + ".new", users_of(contender))


def make_home(contender, name):
    home = "%s/%s" % (homes_of(contender), name)
    make_own(home)
    world_file(home + "/.dovecot.sieve", SIEVE)
    return home


def make_homes(contender):
    write_users(contender, USERS)
    for name in itertools.chain((NAME % n for n in range(1, USERS + 1)), MORE_USERS):
        make_home(contender, name)


def make_maildir(home):
    for kind in ("", "/cur", "/new", "/tmp"):
        make_own(home + "/Maildir" + kind)


def make_own(directory, mode=0o700):
    os.makedirs(directory)
    os.chown(directory, world.VMAIL_UID, world.VMAIL_UID)
    os.chmod(directory, mode)


def world_file(path, text):
    with open(path, "w", encoding="ascii") as stream:
        stream.write(text)
    os.chown(path, world.VMAIL_UID, world.VMAIL_UID)


class Ladle:
    name = "ladle"
    socket = ladle.UNIX

    def __init__(self):
        world.USERS_FILE = users_of(self.name)
        make_homes(self.name)
        make_own(SCRATCH + "/spool", 0o1777)
        make_own(SCRATCH + "/state")  # as the unit's StateDirectory is made before the start
        ladle.configure(more=LADLE_MORE)
        text = open(ladle.CONFIG_PATH, encoding="utf-8").read()
        text = text.replace("lmtp {\n", "lmtp {\n  sessions = 1100\n", 1)
        text = text.replace('users "system"  { driver = "passwd" }\n', "")
        world_file(ladle.CONFIG_PATH, text)
        world_file("/etc/ladle-plain.conf", re.sub(r"plugins = .*", "plugins = {}", text))
        os.chmod(ladle.CONFIG_PATH, 0o644)
        self.bridge = ladle.Bridge(arguments=["-F"]).start()

    def processes(self):
        return tree_of(self.bridge.process.pid)


class Dovecot:
    name = "dovecot"
    socket = DOVECOT_ROOT + "/run/lmtp"

    def __init__(self):
        make_homes(self.name)
        for directory in ("run", "state"):
            os.makedirs("%s/%s" % (DOVECOT_ROOT, directory))
        world_file(DOVECOT, DOVECOT_CONFIG.format(root=DOVECOT_ROOT, users=users_of(self.name),
                                                  scratch=SCRATCH))
        world_file(DOVECOT_ROOT + "/log", "")  # dovecot-lda writes it as vmail
        subprocess.run(["dovecot", "-c", DOVECOT], check=True, stdin=subprocess.DEVNULL)
        tap.until(lambda: os.path.exists(self.socket), "Dovecot has its socket")

    def processes(self):
        with open(DOVECOT_ROOT + "/run/master.pid", encoding="ascii") as stream:
            return tree_of(int(stream.read()))


class Cyrus:
    """Its users come to be in the round that warms it up."""
    name = "cyrus"
    socket = CYRUS_ROOT + "/lmtp"

    def __init__(self):
        data = homes_of(self.name)
        for directory in (data + "/db", data + "/socket", data + "/log", data + "/mail",
                          data + "/sieve", CYRUS_ROOT + "/proc", CYRUS_ROOT + "/lock"):
            os.makedirs(directory)
        world_file("/etc/imapd.conf", CYRUS_CONFIG.format(root=CYRUS_ROOT, data=data))
        world_file("/etc/cyrus.conf", CYRUS_SERVICES.format(root=CYRUS_ROOT))
        world_file(CYRUS_ROOT + "/rules.sieve", SIEVE)
        subprocess.run(["chown", "-R", "cyrus:mail", data, CYRUS_ROOT], check=True)
        with open(CYRUS_ROOT + "/log", "wb") as log:
            self.process = subprocess.Popen(["/usr/sbin/cyrmaster"], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        tap.until(self._answers, "Cyrus answers", limit_s=60)

    def _answers(self):
        try:
            wire.Lmtp(self.socket, hello=None).quit()
            return True
        except (OSError, wire.Closed):
            return False


def tree_of(pid):
    """A process and its children's, but those that end meanwhile."""
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as stream:
            children = stream.read().split()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [pid] + [each for child in children for each in tree_of(int(child))]
