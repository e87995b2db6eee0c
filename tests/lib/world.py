"""The people of a lab: virtual users in one password file, system users in /etc/passwd.

Only ever called inside a lab, where /etc belongs to the test.
"""

import grp
import os
import pwd
import subprocess

VMAIL_UID = 5000
HOMES = "/srv/vmail"
USERS_FILE = "/etc/ladle/users"
PASSWORD = "secret"

# Dovecot reads the same line, so that both speak of the same limits.
SMALL_QUOTA = "userdb_quota_rule=*:storage=100K"


def in_lab():
    if not os.environ.get("LAB"):
        raise SystemExit("this would change /etc: run it by tests/run.sh, or tests/lib/lab.sh run")


def add_virtual_users(users, file=USERS_FILE, homes=HOMES):
    """users: {name: extra fields}; each has the home `homes`/name and the Maildir below it."""
    in_lab()
    if "vmail" in [entry.pw_name for entry in pwd.getpwall() if entry.pw_uid != VMAIL_UID]:
        # The machine has one of its own; in the lab it is not missed.
        subprocess.run(["userdel", "vmail"], check=True, stderr=subprocess.DEVNULL)
        subprocess.run(["groupdel", "vmail"], check=False, stderr=subprocess.DEVNULL)
    try:
        pwd.getpwnam("vmail")
    except KeyError:
        subprocess.run(["groupadd", "-g", str(VMAIL_UID), "vmail"], check=True)
        subprocess.run(["useradd", "-u", str(VMAIL_UID), "-g", "vmail", "-d", HOMES, "-M",
                        "-s", "/usr/sbin/nologin", "vmail"], check=True)
    os.makedirs(os.path.dirname(file), exist_ok=True)
    with open(file, "a", encoding="utf-8") as stream:
        for name, extra in users.items():
            stream.write("%s:{PLAIN}%s:%d:%d::%s/%s::%s\n"
                         % (name, PASSWORD, VMAIL_UID, VMAIL_UID, homes, name, extra))
    os.chmod(file, 0o644)
    for path in [homes] + [os.path.join(homes, name) for name in users]:
        os.makedirs(path, exist_ok=True)
        os.chmod(path, 0o700)
        os.chown(path, VMAIL_UID, VMAIL_UID)


def add_system_user(name):
    """An ordinary account with an empty home."""
    in_lab()
    subprocess.run(["useradd", "-m", "-k", "/var/empty", "-s", "/bin/sh", name], check=True,
                   stderr=subprocess.DEVNULL)
    return pwd.getpwnam(name)


def maildir(name):
    return os.path.join(HOMES, name, "Maildir")


def make_folder(name, folder=""):
    """Makes a folder of a user's Maildir, as a mail reader would."""
    root = maildir(name) + ("/." + folder if folder else "")
    for path in (maildir(name), root, root + "/cur", root + "/new", root + "/tmp"):
        os.makedirs(path, exist_ok=True)
        os.chown(path, VMAIL_UID, VMAIL_UID)
    return root


def fill(name, size_bytes):
    """Puts one message of this size into a mailbox behind everybody's back."""
    root = make_folder(name)
    path = root + "/new/1000000000.filler.lab"
    with open(path, "wb") as stream:
        head = b"Subject: filler\n\n"
        stream.write(head + b"x" * (size_bytes - len(head) - 1) + b"\n")
    os.chown(path, VMAIL_UID, VMAIL_UID)


def write_as(user, path, text, mode=0o600):
    """A file in somebody's home, as if they had written it."""
    entry = pwd.getpwnam(user)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)
    os.chmod(path, mode)
    os.chown(path, entry.pw_uid, entry.pw_gid)


def ids(user, group=None):
    return pwd.getpwnam(user).pw_uid, grp.getgrnam(group or user).gr_gid
