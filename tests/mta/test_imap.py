#!/usr/bin/env python3
# lab: postfix
# time-limit: 240
"""Dovecot's IMAP server reads what Ladle has delivered, and agrees about it."""

import collections
import os

import corpus
import dovecot
import ladle
import maildir
import tap
import wire
import world

# In words, and as the protocol and the disk have them (modified UTF-7).
FOLDERS = {"lists": "lists", "Grüße": "Gr&APwA3w-e", "你好": "&T2BZfQ-", "A&B": "A&-B",
           "two words": "two words"}
SCRIPTS = "/srv/scripts"


@tap.setup
def servers():
    global imap
    world.add_virtual_users({"alice": "", "bob": "", "carol": "", "dora": "",
                             "small": "userdb_quota_rule=*:storage=4000K"})
    os.makedirs(SCRIPTS, exist_ok=True)
    ladle.configure(more='sieve { script = "%s/%%{user}.sieve" }' % SCRIPTS)
    ladle.Bridge().start()
    imap = dovecot.Dovecot().start()


def deliver(user, message=b"Subject: x\n\nx\n", *options):
    tap.equal(ladle.deliver(message, "-f", "a@sender.test", "-r", user + "@example.test",
                            "-d", user, *options), (0, ""))


@tap.case("every message of the corpus reads as it was delivered")
def _():
    for row in corpus.rows():
        if "lmtp" not in row.fronts:
            deliver("alice", row.stdin)
            continue
        with wire.Lmtp(ladle.UNIX) as client:
            reply = client.deliver("a@sender.test", ["alice@example.test"], row.wire)
            tap.equal(reply["alice@example.test"].code, 250, row.name)
    files = [dovecot.as_imap(message.bytes) for message in maildir.messages(world.maildir("alice"))]
    tap.equal(len(files), len(corpus.rows()))
    with imap.login("alice") as reader:
        read = [octets for _, octets in reader.messages()]
    missing = collections.Counter(files) - collections.Counter(read)
    tap.equal([octets[:400] for octets in missing], [], "stored, but not read so")
    tap.equal(len(read), len(files))


@tap.case("messages stay when Dovecot has moved them to cur/, and are no duplicates")
def _():
    deliver("alice", b"Subject: one more\n\nx\n")
    with imap.login("alice") as reader:
        tap.equal(len(reader.messages()), len(corpus.rows()) + 1)


@tap.case("flags are the reader's: new mail has none, old mail keeps its own")
def _():
    deliver("bob", b"Subject: first\n\nx\n")
    with imap.login("bob") as reader:
        reader.peer.select("INBOX")
        reader.peer.store("1", "+FLAGS", r"(\Seen \Flagged)")
    deliver("bob", b"Subject: second\n\nx\n")
    with imap.login("bob") as reader:
        flags = {octets.split(b"Subject: ")[1].split()[0]:
                 [flag for flag in flags if flag != r"\Recent"]
                 for flags, octets in reader.messages()}
    tap.equal(flags, {b"first": [r"\Flagged", r"\Seen"], b"second": []})


@tap.case("folders with names of all kinds are there, subscribed, and hold the mail")
def _():
    for name in FOLDERS:
        deliver("carol", b"Subject: for a folder\n\nx\n", "-m", name)
    tap.equal(sorted(maildir.folders(world.maildir("carol"))), sorted(FOLDERS.values()))
    with imap.login("carol") as reader:
        tap.equal([name for name in reader.folders() if name != "INBOX"],
                  sorted(FOLDERS.values()))
        tap.equal([name for name in reader.folders(subscribed=True) if name != "INBOX"],
                  sorted(FOLDERS.values()))
        for name in FOLDERS.values():
            tap.equal(len(reader.messages(name)), 1, name)


@tap.case("a folder made by the reader is delivered to")
def _():
    with imap.login("bob") as reader:
        reader.peer.create("Made&AOQ-")
    deliver("bob", b"Subject: x\n\nx\n", "-m", "Madeä")
    with imap.login("bob") as reader:
        tap.equal(len(reader.messages("Made&AOQ-")), 1)


def script(user, text):
    with open("%s/%s.sieve" % (SCRIPTS, user), "w", encoding="utf-8") as stream:
        stream.write(text)


def flags_by_subject(reader, folder="INBOX"):
    return {octets.split(b"Subject: ")[1].split()[0].decode():
            [flag for flag in flags if flag != r"\Recent"]
            for flags, octets in reader.messages(folder)}


@tap.case("keywords that scripts set are those that the reader sees, and the other way round")
def _():
    script("dora", 'require "imap4flags"; addflag ["$Junk", "\\\\Seen", "important"];')
    deliver("dora", b"Subject: early\n\nx\n")
    with imap.login("dora") as reader:
        # Nobody had read this mailbox with Dovecot yet.
        tap.equal(flags_by_subject(reader), {"early": [r"\Seen"]})
        reader.peer.select("INBOX")
        reader.peer.store("1", "+FLAGS", "(theirs $junk)")
    deliver("dora", b"Subject: next\n\nx\n")
    with imap.login("dora") as reader:
        tap.equal(flags_by_subject(reader)["next"], ["$junk", r"\Seen", "important"])
        reader.peer.select("INBOX")
        reader.peer.store("2", "+FLAGS", "(more)")
        # While they look.
        script("dora", 'require "imap4flags"; addflag ["more", "fresh", "theirs"];')
        deliver("dora", b"Subject: seen\n\nx\n")
        reader.peer.noop()
        tap.equal(flags_by_subject(reader), {
            "early": ["$junk", r"\Seen", "theirs"],
            "next": ["$junk", r"\Seen", "important", "more"],
            "seen": ["fresh", "more", "theirs"]})


@tap.case("a folder that was made for a keyword has it")
def _():
    script("dora", 'require ["imap4flags", "fileinto"]; fileinto :flags "$Todo" "tasks";')
    deliver("dora", b"Subject: task\n\nx\n")
    with imap.login("dora") as reader:
        tap.equal(flags_by_subject(reader, "tasks"), {"task": ["$Todo"]})


@tap.case("27 keywords: the last one is left out, and the record says so")
def _():
    script("dora", 'require ["imap4flags", "fileinto"]; fileinto :flags "%s" "many";'
           % " ".join("k%d" % number for number in range(27)))
    deliver("dora", b"Subject: many\n\nx\n")
    tap.contains(ladle.records()[-1]["note"], "keyword")
    with imap.login("dora") as reader:
        tap.equal(flags_by_subject(reader, "many"), {"many": sorted("k%d" % number
                                                                    for number in range(26))})


@tap.case("mail is filed by a folder's identifier, whatever its name is by now")
def _():
    with imap.login("dora") as reader:
        reader.peer.create("before")
        reader.peer.select("before")
    with open(world.maildir("dora") + "/.before/dovecot-uidlist", encoding="ascii") as stream:
        guid = next(word[1:] for word in stream.readline().split() if word.startswith("G"))
    script("dora", 'require ["mailboxid", "fileinto"];'
           'if mailboxidexists "%s" { fileinto :mailboxid "%s" "nowhere"; }' % (guid, guid))
    with imap.login("dora") as reader:
        reader.peer.rename("before", "after")
    deliver("dora", b"Subject: filed\n\nx\n")
    with imap.login("dora") as reader:
        tap.equal(flags_by_subject(reader, "after"), {"filed": []})


def agreed_usage(user):
    """What Dovecot says is used, after checking it against the file and against the messages."""
    root = world.maildir(user)
    usage = maildir.Usage(root)
    found = [message for folder in ["INBOX"] + maildir.folders(root)
             for message in maildir.messages(root, folder)]
    tap.equal((usage.bytes, usage.count),
              (sum(len(message.bytes) for message in found), len(found)),
              "maildirsize and the messages")
    with imap.login(user) as reader:
        used_k, limit_k = reader.quota()["STORAGE"]
    tap.check(abs(used_k - usage.bytes / 1024) <= 1, "%d K for %r" % (used_k, usage))
    return used_k, limit_k


@tap.case("quota figures agree: Ladle writes maildirsize, Dovecot goes on with it")
def _():
    for number in range(6):
        deliver("small", b"Subject: %d\n\n" % number + b"0123456789\n" * 10000)
    deliver("small", b"Subject: filed\n\n" + b"0123456789\n" * 1000, "-m", "lists")
    used_k, limit_k = agreed_usage("small")
    tap.equal(limit_k, 4000)
    tap.check(600 < used_k < 700, "%d K" % used_k)


@tap.case("quota figures agree: Dovecot deletes mail, Ladle goes on")
def _():
    with imap.login("small") as reader:
        reader.peer.select("INBOX")
        reader.peer.store("1:3", "+FLAGS", r"(\Deleted)")
        reader.peer.expunge()
    before_k, _ = agreed_usage("small")
    deliver("small", b"Subject: next\n\n" + b"0123456789\n" * 10000)
    after_k, _ = agreed_usage("small")
    tap.check(abs(after_k - before_k - 107) <= 2, "%d K, then %d K" % (before_k, after_k))


@tap.case("quota figures agree: without the file each counts the same")
def _():
    path = world.maildir("small") + "/maildirsize"
    ours, _ = agreed_usage("small")
    os.unlink(path)
    with imap.login("small") as reader:
        reader.quota()
    theirs, _ = agreed_usage("small")
    os.unlink(path)
    deliver("small", b"Subject: tiny\n\nx\n")
    again, _ = agreed_usage("small")
    tap.equal(ours, theirs)
    tap.check(abs(again - ours) <= 1, "%d K, then %d K" % (ours, again))


@tap.case("a full mailbox that the reader empties accepts mail again")
def _():
    world.fill("small", 5000000)
    os.unlink(world.maildir("small") + "/maildirsize")
    options = ("-f", "a@sender.test", "-r", "small@example.test", "-d", "small")
    status, output = ladle.deliver(b"Subject: x\n\nx\n", *options)
    tap.equal(status, 77, output)
    tap.check(output.startswith("5.2.2 "), output)
    maildir.clear(world.maildir("small"))  # by one who does not keep maildirsize
    tap.equal(ladle.deliver(b"Subject: x\n\nx\n", *options), (0, ""))
    agreed_usage("small")


@tap.case("Dovecot has nothing to complain about")
def _():
    tap.equal(imap.complaints(), [])


tap.main()
