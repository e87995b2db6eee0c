"""A private Cyrus: LMTP by unix socket, IMAP for its administrator, who makes mailboxes.

There is one per lab: it reads /etc/imapd.conf and /etc/cyrus.conf, which in a lab are ours.
"""

import glob
import imaplib
import os
import shutil
import subprocess

import tap
import world

ROOT = "/var/lib/test-cyrus"
SOCKET = ROOT + "/lmtp"
PORT = 143

IMAPD = """\
configdirectory: {root}
proc_path: {root}/proc
mboxname_lockpath: {root}/lock
defaultpartition: default
partition-default: {root}/mail
altnamespace: no
unixhierarchysep: no
virtdomains: off
defaultdomain: example.test
servername: behind.test
admins: admin
allowplaintext: yes
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: {root}/sasldb
sasl_mech_list: PLAIN
lmtpsocket: {socket}
lmtp_over_quota_perm_failure: yes
sieveusehomedir: no
sievedir: {root}/sieve
duplicatesuppression: no
"""

SERVICES = """\
START {{
  recover cmd="ctl_cyrusdb -r"
}}
SERVICES {{
  imap cmd="imapd" listen="127.0.0.1:{port}" prefork=0
  lmtpunix cmd="lmtpd" listen="{socket}" prefork=0
}}
EVENTS {{
  checkpoint cmd="ctl_cyrusdb -c" period=30
}}
"""


class Cyrus:
    def __init__(self):
        world.in_lab()
        self.process = None

    def start(self):
        if self.process is None:
            self._prepare()
        self.process = subprocess.Popen(["/usr/sbin/cyrmaster"], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        tap.until(self._answers, "Cyrus answers", limit_s=60)
        return self

    def _prepare(self):
        if not shutil.which("saslpasswd2"):
            tap.skip("saslpasswd2 is not installed")
        for directory in ("", "/proc", "/lock", "/mail", "/sieve", "/db", "/socket", "/log/postman"):
            os.makedirs(ROOT + directory, exist_ok=True)
        with open("/etc/imapd.conf", "w", encoding="ascii") as stream:
            stream.write(IMAPD.format(root=ROOT, socket=SOCKET))
        with open("/etc/cyrus.conf", "w", encoding="ascii") as stream:
            stream.write(SERVICES.format(port=PORT, socket=SOCKET))
        subprocess.run(["saslpasswd2", "-p", "-c", "-f", ROOT + "/sasldb", "-u", "behind.test",
                        "admin"], input=world.PASSWORD.encode(), check=True)
        subprocess.run(["chown", "-R", "cyrus:mail", ROOT], check=True)

    def _answers(self):
        if self.process.poll() is not None:
            raise AssertionError("cyrmaster ended with %d" % self.process.returncode)
        try:
            self.admin().logout()
            return os.path.exists(SOCKET)
        except (OSError, imaplib.IMAP4.abort):
            return False

    def stop(self):
        self.process.terminate()
        self.process.wait(60)

    def admin(self):
        peer = imaplib.IMAP4("127.0.0.1", PORT, timeout=60)
        peer.login("admin", world.PASSWORD)
        return peer

    def add_mailbox(self, name, quota_kib=None, anyone=""):
        """`name` as "user.anna.Work"; `anyone`: rights that everybody has ("p": to post)."""
        peer = self.admin()
        self._ok(peer.create(name))
        if quota_kib:
            self._ok(peer.setquota(name, "(STORAGE %d)" % quota_kib))
        if anyone:
            self._ok(peer.setacl(name, "anyone", anyone))
        peer.logout()

    @staticmethod
    def _ok(answer):
        if answer[0] != "OK":
            raise AssertionError("IMAP: %r" % (answer,))

    @staticmethod
    def messages(name):
        """The files of a mailbox, as bytes, in the order of their numbers."""
        found = subprocess.run(["/usr/lib/cyrus/bin/mbpath", name], stdout=subprocess.PIPE,
                               check=True, user="cyrus").stdout.decode().strip()
        files = glob.glob(found + "/*.")
        return [open(path, "rb").read() for path in sorted(files, key=lambda path: int(
            os.path.basename(path)[:-1]))]

    @staticmethod
    def dialogues():
        """What was said to its LMTP server: one text for each connection."""
        return [open(path, encoding="utf-8", errors="replace").read()
                for path in glob.glob(ROOT + "/log/postman/*")]
