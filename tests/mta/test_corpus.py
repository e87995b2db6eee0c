#!/usr/bin/env python3
# lab: postfix
# time-limit: 300
"""Every message of the corpus through both fronts: both store the same, and what they should."""

import corpus
import ladle
import maildir
import tap
import wire
import world

SENDER = "a@sender.test"
RECIPIENT = "alice@example.test"
MTA_BLOCK = ("Return-Path: <%s>\nDelivered-To: %s\n" % (SENDER, RECIPIENT)).encode()
OPTIONS = ("-f", SENDER, "-r", RECIPIENT, "-d", "alice")
BLOCK = {"Return-Path": "<%s>" % SENDER, "Delivered-To": RECIPIENT}

# What was stored of each row, by the way it came: {way: {row name: (block, text below)}}
stored = {"pipe": {}, "bare": {}, "lmtp": {}}


@tap.setup
def servers():
    world.add_virtual_users({"alice": ""})
    ladle.configure()
    ladle.Bridge().start()


class Wrong:
    """Collects rows that failed, so that one case can judge two hundred messages."""

    def __init__(self):
        self.rows = []

    def note(self, row, what):
        self.rows.append("%s: %s" % (row.name, what))

    def judge(self):
        if self.rows:
            raise AssertionError("%d messages:\n%s" % (len(self.rows), "\n".join(self.rows[:30])))


def difference(got, wanted):
    at = next((n for n, (a, b) in enumerate(zip(got, wanted)) if a != b),
              min(len(got), len(wanted)))
    return "%d bytes for %d, first difference at %d: %r for %r" % (
        len(got), len(wanted), at, got[max(0, at - 10):at + 30], wanted[max(0, at - 10):at + 30])


def collect(way, row, wrong):
    """Takes the one message out of the store."""
    root = world.maildir("alice")
    found = maildir.messages(root)
    if len(found) != 1:
        wrong.note(row, "stored %d times" % len(found))
    else:
        names = ladle.BLOCK + (("Received",) if way == "lmtp" else ())
        block, below = maildir.header_block(found[0].bytes, names)
        stored[way][row.name] = (dict(block), below)
        if below != row.stored:
            wrong.note(row, difference(below, row.stored))
        if not found[0].sizes_are_true():
            wrong.note(row, "sizes in the name are wrong: %r" % found[0])
    if maildir.rubbish(root):
        wrong.note(row, "left behind in tmp/: %r" % maildir.rubbish(root))
    maildir.clear(root)


def through_deliver(way, block):
    wrong = Wrong()
    for row in corpus.rows():
        if "deliver" not in row.fronts or (way == "bare" and "at the top" in row.name):
            continue
        status, output = ladle.deliver(block + row.stdin, *OPTIONS)
        if status or output:
            wrong.note(row, "exit %d: %s" % (status, output))
        collect(way, row, wrong)
    wrong.judge()


def through_lmtp(rows, piece_size):
    """All on one connection; after each message the dialogue must still be in step."""
    wrong = Wrong()
    client = wire.Lmtp(ladle.UNIX)
    for row in rows:
        try:
            replies = [client.mail(SENDER), client.rcpt(RECIPIENT), client.command("DATA")]
            text = wire.dot_stuff(row.wire)
            size = piece_size(text)
            for at in range(0, len(text), size):
                client.send(text[at:at + size])
            replies += [client.reply(), client.command("NOOP")]
            if [reply.code for reply in replies] != [250, 250, 354, 250, 250] or client.pending:
                raise wire.Closed("out of step: %r" % replies)
        except (wire.Closed, OSError) as problem:
            wrong.note(row, repr(problem))
            client.close()
            client = wire.Lmtp(ladle.UNIX)
        collect("lmtp", row, wrong)
    client.quit()
    wrong.judge()


@tap.case("deliver, with the block an MTA writes: stored as it came")
def _():
    through_deliver("pipe", MTA_BLOCK)


@tap.case("deliver, which writes the block itself: stored as it came")
def _():
    through_deliver("bare", b"")


@tap.case("lmtp-bridge: stored as it came")
def _():
    through_lmtp([row for row in corpus.rows() if "lmtp" in row.fronts], lambda text: len(text))


@tap.case("lmtp-bridge, data in small pieces: stored the same")
def _():
    some = [row for row in corpus.rows() if "lmtp" in row.fronts and len(row.wire) < 100000][::3]
    through_lmtp(some, lambda text: 1 if len(text) < 2000 else 1021)


@tap.case("the block is the same from all, but for Received over LMTP")
def _():
    wrong = Wrong()
    for row in corpus.rows():
        for way in stored:
            if row.name not in stored[way]:
                continue
            block = dict(stored[way][row.name][0])
            if way == "lmtp" and "with LMTP" not in block.pop("Received", ""):
                wrong.note(row, "no Received of ours")
            if block != BLOCK:
                wrong.note(row, "%s: %r" % (way, block))
    wrong.judge()


@tap.case("records tell the same from both fronts")
def _():
    def told(deliver_it):
        before = len(ladle.records())
        deliver_it()
        fresh = tap.until(lambda: ladle.records()[before:], "a record", 10)
        tap.equal(len(fresh), 1, "one record per recipient")
        ours = ("id", "front", "ms", "time", "mailbox", "queue_id", "bytes", "pid")
        return {key: value for key, value in fresh[0].items() if key not in ours}

    row = corpus.rows()[0]
    by_deliver = told(lambda: ladle.deliver(row.stdin, *OPTIONS))

    def lmtp():
        with wire.Lmtp(ladle.UNIX) as client:
            client.deliver(SENDER, [RECIPIENT], row.wire)
    tap.equal(told(lmtp), by_deliver)
    tap.check(len(by_deliver) >= 4, "the record says something: %r" % by_deliver)


tap.main()
