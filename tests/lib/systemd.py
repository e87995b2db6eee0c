"""A real systemd as process 1, inside the lab.

It sees the lab's files and network, and has processes, control groups, /run, /dev and mounts of its
own. Only what basic.target wants of the units that happen to be installed is started.
"""

import os
import subprocess
import tempfile

import tap
import world

SYSTEMD = "/lib/systemd/systemd"

BOOT = """
set -e
mount -t proc proc /proc
# The kernel is shared with everybody else.
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mount -t sysfs -o ro sysfs /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs -o mode=0755 tmpfs /run
# It begins with an empty one.
mount -t tmpfs -o mode=1777 tmpfs /tmp
mkdir /run/dev
for name in null zero full random urandom tty; do
	: >/run/dev/$name
	mount --bind /dev/$name /run/dev/$name
done
mkdir /run/dev/shm /run/dev/pts
mount --rbind /run/dev /dev
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts /dev/pts
ln -s pts/ptmx /dev/ptmx
ln -s /proc/self/fd /dev/fd
exec env -i container=lab PATH="$PATH" %s --log-target=journal systemd.unit=basic.target
""" % SYSTEMD


def _own_group(hierarchy):
    """The directory of the control group that this process is in."""
    with open("/proc/self/cgroup", encoding="ascii") as stream:
        path, = [line.rstrip("\n").split("::", 1)[1] for line in stream if line.startswith("0::")]
    return hierarchy + path


class Systemd:
    def __init__(self):
        world.in_lab()
        if not os.path.exists(SYSTEMD):
            tap.skip("there is no systemd")
        self.room = tempfile.mkdtemp(prefix="systemd.", dir="/tmp")
        self.group = None
        self.process = None
        self.pid = None

    def start(self):
        self._make_group()
        with open(self.room + "/output", "wb") as output:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--pid", "--cgroup", "--uts", "--ipc", "--fork",
                 "--kill-child", "sh", "-c", BOOT],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                preexec_fn=self._enter_group)
        tap.witness("systemd", self.output)
        tap.until(self._has_booted, "systemd is up", 60)
        tap.witness("journal", lambda: self.run("journalctl", "--no-pager", "-u", "ladle*").stdout)
        return self

    def _make_group(self):
        hierarchy = self.room + "/cgroup"
        os.mkdir(hierarchy)
        if subprocess.run(["mount", "-t", "cgroup2", "cgroup2", hierarchy], check=False).returncode:
            tap.skip("cgroup2 cannot be mounted here")
        try:
            self.group = tempfile.mkdtemp(prefix="ladle-lab.", dir=_own_group(hierarchy))
        except (OSError, ValueError) as problem:
            tap.skip("no control group can be made here: %s" % problem)

    def _enter_group(self):
        with open(self.group + "/cgroup.procs", "w", encoding="ascii") as stream:
            stream.write("0")

    def _has_booted(self):
        if self.process.poll() is not None:
            tap.skip("systemd does not run here: " + " ".join(self.output().split()))
        path = "/proc/%d/task/%d/children" % (self.process.pid, self.process.pid)
        with open(path, encoding="ascii") as stream:
            self.pid = stream.read().strip()
        state = self.pid and self.run("systemctl", "is-system-running", check=False).stdout.strip()
        return state in ("running", "degraded")

    def run(self, *command, check=True):
        """Runs a program where this systemd is process 1; its output is text."""
        done = subprocess.run(["nsenter", "-t", self.pid, "-m", "-r", "-p", "-u", "-i", "-C",
                               *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=120, check=False, cwd="/",
                              encoding="utf-8", errors="replace",
                              env=dict(os.environ, SYSTEMD_PAGER="", SYSTEMD_COLORS="0"))
        if check and done.returncode:
            raise AssertionError("%r: %d: %s" % (command, done.returncode, done.stdout))
        return done

    def show(self, unit, name):
        """One property of a unit."""
        return self.run("systemctl", "show", "-P", name, unit).stdout.rstrip("\n")

    def output(self):
        with open(self.room + "/output", encoding="utf-8", errors="replace") as stream:
            return stream.read()

    def end(self):
        """Process 1 takes all others along."""
        if self.process:
            self.process.kill()
            self.process.wait(60)
        if self.group:
            tap.until(self._remove_groups, "nobody is in its control groups")

    def _remove_groups(self):
        for path, _, _ in os.walk(self.group, topdown=False):
            try:
                os.rmdir(path)
            except OSError:
                return False
        return True
