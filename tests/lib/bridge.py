"""lmtp-bridge from the build tree, in a directory of the test's own: no root, no lab, no network.

As root it becomes "nobody" for all that touches mail, as a site's bridge becomes vmail.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile

import tap
import wire

PROGRAM = os.path.join(os.environ["BUILD"], "lmtp-bridge", "lmtp-bridge")
ACCOUNT = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())

CONFIG = """\
hostname = "mx.test"
postmaster = "postmaster@example.test"
first_valid_uid = 1
state_directory = "{state}"
{globals}
users "virtual" {{ driver = "passwd-file"  path = "{directory}/users"  username = "%{{user}}" }}
store {{ location = "maildir:~/Maildir" }}
quota {{ {quota} }}
sieve {{ script = "" }}
log {{ target = "{directory}/log"  level = "{level}" }}
record {{ target = "{directory}/mail/records" }}
lmtp {{
  user = "{user}"
  {lmtp}
  listen "unix:{directory}/lmtp" {{ mode = "0660" }}
  listen "inet:127.0.0.1:{port}" {{}}
  listen "unix:{directory}/plain" {{ dsn = false }}
  {inet6}
}}
metrics {{ status_file = "{directory}/status"  {metrics} }}
policy {{ listen "unix:{directory}/policy" {{}} }}
"""


def children_of(parent, name):
    found = []
    with open("/proc/%d/task/%d/children" % (parent, parent), encoding="ascii") as stream:
        for pid in stream.read().split():
            try:
                with open("/proc/%s/comm" % pid, encoding="ascii") as comm:
                    if comm.read().strip() == name:
                        found.append(int(pid))
            except OSError:
                pass
    return found


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def has_inet6():
    try:
        with socket.socket(socket.AF_INET6) as one:
            one.bind(("::1", 0))
            return True
    except OSError:
        return False


def memory_factor():
    """A sanitizer has memory of its own."""
    with open(PROGRAM, "rb") as stream:
        return 4 if b"libasan" in stream.read() else 1


class Bridge:
    def __init__(self, **settings):
        self.directory = tempfile.mkdtemp(prefix="ladle-lmtp.")
        os.chmod(self.directory, 0o755)
        self.mail = os.path.join(self.directory, "mail")
        os.mkdir(self.mail)
        os.chown(self.mail, ACCOUNT.pw_uid, ACCOUNT.pw_gid)
        self.unix = os.path.join(self.directory, "lmtp")
        self.unix_plain = os.path.join(self.directory, "plain")
        self.policy = os.path.join(self.directory, "policy")
        self.port = free_port()
        self.inet = ("127.0.0.1", self.port)
        self.inet6 = ("::1", self.port) if has_inet6() else None
        self.config = os.path.join(self.directory, "conf")
        self.settings = settings
        self.process = None
        self.configure()
        self.set_users()
        tap.witness("log of lmtp-bridge", self.log)

    def configure(self, **settings):
        self.settings.update(settings)
        values = {"globals": "", "quota": "", "lmtp": "", "metrics": "", "inet6": "",
                  "level": "info", "state": self.mail + "/.state"}
        values.update(self.settings)
        if self.inet6:
            values["inet6"] = 'listen "inet:[::1]:%d" {}' % self.port
        with open(self.config, "w", encoding="utf-8") as stream:
            stream.write(CONFIG.format(directory=self.directory, user=ACCOUNT.pw_name,
                                       port=self.port, **values))

    def set_users(self, count=200, more=()):
        """u0 ... uN, and lines "name extra-fields"."""
        names = ["u%d" % number for number in range(count)]
        lines = [(name, "") for name in names] + [tuple(line.split(" ", 1)) for line in more]
        with open(os.path.join(self.directory, "users"), "w", encoding="utf-8") as stream:
            for name, extra in lines:
                stream.write("%s:x:%d:%d::%s/%s::%s\n" % (
                    name, ACCOUNT.pw_uid, ACCOUNT.pw_gid, self.mail, name, extra))

    def start(self, **options):
        self.process = subprocess.Popen([PROGRAM, "-F", "-c", self.config],
                                        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)
        tap.until(self._answers, "lmtp-bridge answers on its socket")
        return self

    def _answers(self):
        if self.process.poll() is not None:
            raise AssertionError("ended with %d: %s" % (self.process.returncode,
                                                        self.process.stderr.read().decode()))
        try:
            wire.Lmtp(self.unix, hello=None).quit()
            return True
        except (OSError, wire.Closed):
            return False

    def client(self, address=None, **options):
        return wire.Lmtp(address or self.unix, **options)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)
        return self.process.returncode if self.process else None

    def end(self):
        self.stop()
        shutil.rmtree(self.directory)

    def children(self, name):
        """Process ids of the supervisor's children of a kind: lmtp-session, lmtp-delivery."""
        return children_of(self.process.pid, name)

    def signal_deliveries(self, number):
        for pid in self.children("lmtp-delivery"):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def log(self):
        with open(os.path.join(self.directory, "log"), encoding="utf-8") as stream:
            return stream.read()

    def stored(self, user):
        """The messages of a user, each as bytes."""
        folder = os.path.join(self.mail, user, "Maildir", "new")
        found = []
        for name in sorted(os.listdir(folder) if os.path.isdir(folder) else ()):
            with open(os.path.join(folder, name), "rb") as stream:
                found.append(stream.read())
        return found

    def files(self):
        """Every path below the mail directory."""
        return sorted(os.path.join(where, name) for where, folders, names in os.walk(self.mail)
                      for name in folders + names)


def peak_kb(pid):
    """The most private memory a process ever had, roughly."""
    with open("/proc/%d/status" % pid, encoding="ascii") as stream:
        for line in stream:
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return 0




def holds(pid, secret):
    """Whether the secret stands anywhere in the memory of a process."""
    with open("/proc/%d/maps" % pid, encoding="utf-8") as maps, \
            open("/proc/%d/mem" % pid, "rb", buffering=0) as memory:
        for line in maps:
            begin, end = (int(at, 16) for at in line.split()[0].split("-"))
            # Not what a sanitizer reserves.
            if " rw" in line and end - begin < 1 << 27:
                memory.seek(begin)
                if secret in memory.read(end - begin):
                    return True
    return False
