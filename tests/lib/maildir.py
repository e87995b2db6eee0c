"""Reads a Maildir the way a mail reader would, and shows what a delivery left behind."""

import os
import re


class Message:
    def __init__(self, path):
        self.path = path
        self.place = os.path.basename(os.path.dirname(path))  # "new" or "cur"
        base, _, flags = os.path.basename(path).partition(":2,")
        self.base = base
        self.flags = flags
        self.tags = dict(re.findall(r",([SW])=(\d+)", base))
        with open(path, "rb") as stream:
            self.bytes = stream.read()

    def __repr__(self):
        return "%s/%s (%d bytes)" % (self.place, os.path.basename(self.path), len(self.bytes))

    def sizes_are_true(self):
        """,S= and ,W= are allowed to be absent, not to be wrong."""
        crlf = len(self.bytes) + len(re.findall(rb"(?<!\r)\n", self.bytes))
        return (int(self.tags.get("S", len(self.bytes))) == len(self.bytes)
                and int(self.tags.get("W", crlf)) == crlf)


def _folder_path(root, folder):
    return root if folder == "INBOX" else os.path.join(root, "." + folder)


def _names(path):
    try:
        return sorted(os.listdir(path))
    except FileNotFoundError:
        return []


def messages(root, folder="INBOX"):
    """In order of delivery, as far as names tell."""
    path = _folder_path(root, folder)
    found = [Message(os.path.join(path, place, name))
             for place in ("new", "cur") for name in _names(os.path.join(path, place))]
    return sorted(found, key=lambda message: os.stat(message.path).st_mtime_ns)


def only_message(root, folder="INBOX"):
    found = messages(root, folder)
    if len(found) != 1:
        raise AssertionError("%s in %s: wanted one message, found %r" % (folder, root, found))
    return found[0]


def folders(root):
    """Names as on disk, without the leading dot."""
    return [name[1:] for name in _names(root)
            if name.startswith(".") and os.path.isdir(os.path.join(root, name, "new"))]


def rubbish(root):
    """What must never be left behind: files in any tmp/."""
    return [os.path.join(path, name) for path, _, names in os.walk(root)
            if os.path.basename(path) == "tmp" for name in names]


def clear(root):
    """Empties all folders, as a reader would that knows nothing of maildirsize."""
    for path, _, names in os.walk(root):
        if os.path.basename(path) in ("new", "cur", "tmp"):
            for name in names:
                os.unlink(os.path.join(path, name))


def subscriptions(root):
    try:
        with open(os.path.join(root, "subscriptions"), encoding="utf-8") as stream:
            text = stream.read()
    except FileNotFoundError:
        return []
    header, _, rest = text.partition("\n\n")
    if header.startswith("V\t2"):
        return [line.replace("\t", "/") for line in rest.splitlines()]
    return text.splitlines()


class Usage:
    """A maildirsize file: the limits it states and the sum of its lines."""

    def __init__(self, root):
        with open(os.path.join(root, "maildirsize"), encoding="ascii") as stream:
            head, *lines = stream.read().splitlines()
        self.limits = dict((kind, int(value)) for value, kind in re.findall(r"(\d+)([SC])", head))
        pairs = [tuple(map(int, line.split())) for line in lines if line.strip()]
        self.bytes = sum(pair[0] for pair in pairs)
        self.count = sum(pair[1] for pair in pairs)

    def __repr__(self):
        return "%d bytes, %d messages, limits %r" % (self.bytes, self.count, self.limits)


def header_block(text, names=("Return-Path", "X-Original-To", "Delivered-To", "Received")):
    """Splits the fields at the very top that a delivery writes from the rest.

    Returns ([(name, value)...], rest); folded lines belong to their field. At most one Received
    (over LMTP it is ours) is taken, and only after another field of the block.
    """
    pattern = re.compile(rb"(%s):[ \t]*((?:.*\n(?:[ \t].*\n)*)|.*\Z)"
                         % b"|".join(name.encode() for name in names), re.IGNORECASE)
    fields = []
    at = 0
    while True:
        found = pattern.match(text, at)
        name = found and found.group(1).decode().title()
        if not found or any(name == seen for seen, _ in fields):
            return fields, text[at:]
        fields.append((name, found.group(2).decode("utf-8", "surrogateescape").rstrip("\n")))
        at = found.end()
