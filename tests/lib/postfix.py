"""A private Postfix: own configuration, queue, data directory and log.

Beside what a test asks for it has
- smtpd on 127.0.0.1 (several instances may run on different ports),
- `sender.test`, where our senders live: bounces to them are kept as files (bounces()),
- no DNS: names come from /etc/hosts, and nothing is ever relayed.
"""

import glob
import json
import os
import re
import subprocess

import tap
import wire
import world

MESSAGE = b"From: a@sender.test\r\nSubject: hello\r\n\r\nhello\r\n.dot\r\n"

MASTER = """\
{port}     inet  n - n - - smtpd
pickup     unix  n - n 60 1 pickup
cleanup    unix  n - n - 0 cleanup
qmgr       unix  n - n 1 1 qmgr
rewrite    unix  - - n - - trivial-rewrite
bounce     unix  - - n - 0 bounce
defer      unix  - - n - 0 bounce
trace      unix  - - n - 0 bounce
verify     unix  - - n - 1 verify
flush      unix  n - n 1000? 0 flush
proxymap   unix  - - n - - proxymap
showq      unix  n - n - - showq
error      unix  - - n - - error
retry      unix  - - n - - error
discard    unix  - - n - - discard
local      unix  - n n - - local
virtual    unix  - n n - - virtual
lmtp       unix  - - n - - lmtp
scache     unix  - - n - 1 scache
anvil      unix  - - n - 1 anvil
postlog    unix-dgram n - n - 1 postlogd
senders    unix  - n n - - virtual
  -o virtual_mailbox_maps=static:{bounces}/
"""

MAIN = {
    "compatibility_level": "3.6",
    "mail_owner": "postfix",
    "setgid_group": "postdrop",
    "command_directory": "/usr/sbin",
    "daemon_directory": "/usr/lib/postfix/sbin",
    "inet_interfaces": "127.0.0.1",
    "inet_protocols": "ipv4",
    "mydestination": "",
    "mynetworks": "127.0.0.0/8",
    "smtpd_relay_restrictions": "permit_mynetworks, reject",
    "smtputf8_enable": "yes",
    "alias_maps": "",
    "alias_database": "",
    "local_recipient_maps": "",
    "biff": "no",
    "transport_maps": "inline:{{sender.test = senders:}}",
    "virtual_mailbox_base": "/",
    "virtual_uid_maps": "static:%d" % world.VMAIL_UID,
    "virtual_gid_maps": "static:%d" % world.VMAIL_UID,
    "maximal_queue_lifetime": "1d",
    "smtp_host_lookup": "native",
    "lmtp_host_lookup": "native",
    "disable_dns_lookups": "yes",
}


class Delivery:
    """One `to=<...> status=...` line of the log."""

    def __init__(self, line):
        field = dict(re.findall(r"\b(to|orig_to|relay|dsn|status)=<?([^ ,>]*)", line))
        self.to = field.get("to")
        self.relay = field.get("relay")
        self.dsn = field.get("dsn")
        self.status = field.get("status")
        self.text = line.partition("status=")[2].partition(" ")[2].strip().strip("()")

    def __repr__(self):
        return "%s %s %s (%s)" % (self.to, self.status, self.dsn, self.text)


class Postfix:
    def __init__(self, main, master="", name="mx", port=25):
        world.in_lab()
        self.address = ("127.0.0.1", port)
        self.hostname = "%s.example.test" % name
        self.root = "/var/lib/test-%s" % name
        self.config = self.root + "/etc"
        self.log_path = self.root + "/log"
        self.master = MASTER.format(
            port="127.0.0.1:%d" % port, bounces=self.root + "/bounces") + master
        self.main = dict(
            MAIN,
            myhostname=self.hostname,
            queue_directory=self.root + "/queue",
            data_directory=self.root + "/data",
            maillog_file=self.log_path)
        self.main.update(main)
        self.mark = 0
        tap.witness("log of postfix " + name, self.log)

    @classmethod
    def of_the_machine(cls, main, master=""):
        """With Debian's own configuration and queue, so that sendmail finds it without a word."""
        server = cls(dict(main), master)
        server.config = "/etc/postfix"
        server.main.update(queue_directory="/var/spool/postfix", data_directory="/var/lib/postfix")
        os.makedirs(server.root, exist_ok=True)
        return server

    def start(self):
        for directory in ("etc", "queue", "data", "bounces"):
            os.makedirs("%s/%s" % (self.root, directory), exist_ok=True)
        os.chown(self.main["data_directory"], *world.ids("postfix"))
        os.chown(self.root + "/bounces", world.VMAIL_UID, world.VMAIL_UID)
        self._write("main.cf", "".join("%s = %s\n" % item for item in self.main.items()))
        self._write("master.cf", self.master)
        # postdrop, which is set-gid, believes only directories the default main.cf names.
        with open("/etc/postfix/main.cf", "a", encoding="utf-8") as stream:
            stream.write("compatibility_level = 3.6\nalternate_config_directories = %s\n"
                         % self.config)
        open(self.log_path, "a", encoding="utf-8").close()
        self.command("postfix", "start")
        tap.until(lambda: "daemon started" in self.log(), "postfix has started")
        return self

    def change(self, **main):
        """Other settings, by a full restart: a reload is only announced, not finished."""
        self.command("postfix", "stop")
        self.main.update(main)
        self.start()

    def _write(self, name, text):
        with open(os.path.join(self.config, name), "w", encoding="utf-8") as stream:
            stream.write(text)

    def command(self, program, *arguments):
        done = subprocess.run([program, "-c", self.config, *arguments], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        text = done.stdout.decode("utf-8", "replace")
        if done.returncode:
            raise AssertionError("%s %s: %d: %s" % (program, arguments, done.returncode, text))
        return text

    def sendmail(self, sender, recipients, message, user=None):
        """Submits the way a local program does; the null sender is ""."""
        command = ["sendmail", "-C", self.config, "-i", "-f", sender or "<>", "--", *recipients]
        subprocess.run(command, input=message, check=True, user=user, timeout=60,
                       env=dict(os.environ, MAIL_CONFIG=self.config))

    def send(self, recipient, sender="a@sender.test", message=MESSAGE, ends_at=None):
        """One message by SMTP; how its delivery ended (at the address an alias leads to)."""
        self.mark_log()
        utf8 = not (sender + recipient).isascii()
        with wire.Smtp(self.address) as client:
            replies = client.transaction(sender, [recipient], message,
                                         *(["SMTPUTF8"] if utf8 else []))
        tap.equal([reply.code for reply in replies], [250, 250, 250], repr(replies))
        return self.delivery(ends_at or recipient)

    # -- log --

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as stream:
            return stream.read()

    def mark_log(self):
        """wait_log and delivery look only at what comes after this."""
        self.mark = len(self.log())

    def wait_log(self, pattern, limit_s=20):
        return tap.until(lambda: re.search(pattern, self.log()[self.mark:]),
                         "log line /%s/" % pattern, limit_s)

    def deliveries(self, recipient):
        # Probes end as deliverable or undeliverable; nothing was delivered by them.
        pattern = r".*: to=<%s>,.* status=(?:sent|deferred|bounced|expired).*"
        lines = re.findall(pattern % re.escape(recipient), self.log()[self.mark:])
        return [Delivery(line) for line in lines]

    def delivery(self, recipient, limit_s=30):
        """How the delivery to this recipient ended (the first one since mark_log)."""
        return tap.until(lambda: self.deliveries(recipient),
                         "a delivery to " + recipient, limit_s)[0]

    # -- queue --

    def queue(self):
        return [json.loads(line) for line in self.command("postqueue", "-j").splitlines()]

    def wait_queue_empty(self, limit_s=30):
        tap.until(lambda: not self.queue(), "the queue is empty", limit_s)

    def flush(self):
        self.command("postqueue", "-f")

    def clear_queue(self):
        self.command("postsuper", "-d", "ALL")

    def bounce_for(self, recipient):
        """The latest bounce that names this recipient."""
        def found():
            return [text for text in self.bounces()
                    if "Final-Recipient: rfc822; %s\n" % recipient in text]
        return tap.until(found, "a bounce for " + recipient)[-1]

    def bounces(self):
        """Texts of the bounces our senders have received, oldest first."""
        paths = glob.glob(self.root + "/bounces/new/*")
        return [open(path, encoding="utf-8", errors="replace").read()
                for path in sorted(paths, key=os.path.getmtime)]
