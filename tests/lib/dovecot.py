"""A private Dovecot: by IMAP on the Maildirs Ladle delivers to, or with mailboxes of its own and
an LMTP server.

In the first case it reads the same password file and counts quota by the same maildirsize files.
"""

import imaplib
import os
import re
import subprocess

import tap
import world

CONFIG = """\
base_dir = {root}/run
state_dir = {root}/state
log_path = {root}/log
info_log_path = {root}/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain
auth_username_format = %n
first_valid_uid = 500
mail_location = maildir:~/Maildir
mail_plugins = quota
mail_attribute_dict = file:%h/Maildir/dovecot-attributes
passdb {{
  driver = passwd-file
  args = username_format=%n {users}
}}
userdb {{
  driver = passwd-file
  args = username_format=%n {users}
}}
namespace inbox {{
  inbox = yes
  mailbox Spam {{
    special_use = \\Junk
  }}
}}
protocol imap {{
  mail_plugins = quota imap_quota
  imap_metadata = yes
}}
plugin {{
  quota = maildir:User quota
  quota_rule = {rule}
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
  chroot =
}}
{more}
"""

# Mail for a user by LMTP; user+folder is stored in the folder.
LMTP = """\
protocols = imap lmtp
recipient_delimiter = +
lmtp_save_to_detail_mailbox = yes
lda_mailbox_autocreate = yes
hostname = behind.test
protocol lmtp {{
  mail_plugins = quota
}}
service lmtp {{
  unix_listener {socket} {{
    mode = 0666
  }}
  inet_listener lmtp {{
    port = {port}
  }}
}}
"""


class Dovecot:
    def __init__(self, rule="*:storage=1G", port=143, users=world.USERS_FILE, more=""):
        world.in_lab()
        self.users = users
        self.more = more
        self.root = "/var/lib/test-dovecot"
        self.port = port
        self.rule = rule
        self.log_path = self.root + "/log"
        tap.witness("log of dovecot", self.log)

    def start(self):
        for directory in ("run", "state"):
            os.makedirs("%s/%s" % (self.root, directory), exist_ok=True)
        path = self.root + "/dovecot.conf"
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(CONFIG.format(root=self.root, users=self.users, rule=self.rule,
                                       port=self.port, more=self.more))
        subprocess.run(["dovecot", "-c", path], check=True, stdin=subprocess.DEVNULL)
        tap.until(self._answers, "Dovecot answers")
        return self

    def stop(self):
        subprocess.run(["doveadm", "-c", self.root + "/dovecot.conf", "stop"], check=True,
                       stdin=subprocess.DEVNULL)

    def _answers(self):
        try:
            imaplib.IMAP4("127.0.0.1", self.port).logout()
            return True
        except OSError:
            return False

    def log(self):
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as stream:
                return stream.read()
        except FileNotFoundError:
            return ""

    def complaints(self):
        """What Dovecot did not like about a Maildir."""
        return [line for line in self.log().splitlines()
                if re.search(r"\b(Error|Warning|Panic|Fatal):", line)]

    def login(self, user):
        return Imap("127.0.0.1", self.port, user)


class Imap:
    def __init__(self, host, port, user):
        self.peer = imaplib.IMAP4(host, port, timeout=60)
        self.peer.login(user, world.PASSWORD)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.peer.logout()

    def _ok(self, answer):
        kind, data = answer
        if kind != "OK":
            raise AssertionError("IMAP: %s %r" % (kind, data))
        return data

    def messages(self, folder="INBOX"):
        """[(flags, octets)] in the order of UIDs; octets as FETCH gives them, with CRLF."""
        count = int(self._ok(self.peer.select('"%s"' % folder, readonly=True))[0])
        found = []
        for number in range(1, count + 1):
            data = self._ok(self.peer.fetch(str(number), "(FLAGS RFC822.SIZE BODY.PEEK[])"))
            head, octets = data[0]
            flags = re.search(rb"FLAGS \(([^)]*)\)", head + data[-1] if isinstance(data[-1], bytes)
                              else head).group(1)
            size = int(re.search(rb"RFC822.SIZE (\d+)", head).group(1))
            tap.equal(len(octets), size, "RFC822.SIZE of message %d in %s" % (number, folder))
            found.append((sorted(flags.decode().split()), octets))
        return found

    def folders(self, subscribed=False):
        """Names as the protocol has them: modified UTF-7."""
        data = self._ok(self.peer.lsub() if subscribed else self.peer.list())
        return sorted(re.search(r'"([^"]*)"$|(\S+)$', line.decode()).group(0).strip('"')
                      for line in data if line)

    def command(self, name, *arguments):
        """A command that imaplib does not know."""
        imaplib.Commands.setdefault(name, ("AUTH", "SELECTED"))
        return self._ok(self.peer.xatom(name, *arguments))

    def quota(self):
        """{"STORAGE": (used, limit) in KiB, "MESSAGE": ...}"""
        data = self._ok(self.peer.getquotaroot("INBOX"))
        text = b" ".join(line for part in data for line in part if line).decode()
        return {name: (int(used), int(limit))
                for name, used, limit in re.findall(r"(STORAGE|MESSAGE) (\d+) (\d+)", text)}


def as_imap(stored):
    """What IMAP shows of a stored file: CRLF line ends, and 0x80 for NUL."""
    return re.sub(rb"(?<!\r)\n", b"\r\n", stored).replace(b"\0", b"\x80")
