#!/usr/bin/env python3
# lab: postfix
# time-limit: 240
"""What scripts are told about folders is what people have said to Dovecot, over IMAP."""

import dovecot
import ladle
import maildir
import tap
import world


@tap.setup
def servers():
    global imap
    world.add_virtual_users({"alice": ""})
    ladle.configure(plugins='"sieve"')
    imap = dovecot.Dovecot().start()
    with imap.login("alice") as reader:
        for folder in ("Work", "Gr&APwA3w-e", "Spam"):
            reader.peer.create(folder)


def files_into(script, requires, *options):
    """The folders (as on disk) that a message is stored in by this script."""
    root = world.maildir("alice")
    before = {name: len(maildir.messages(root, name)) for name in ["INBOX"] + maildir.folders(root)}
    world.write_as("vmail", world.HOMES + "/alice/.dovecot.sieve",
                   "require [%s];\n%s\n" % (", ".join('"%s"' % one for one in requires), script))
    tap.equal(ladle.deliver(b"Subject: x\n\nx\n", "-f", "a@sender.test", "-r",
                            "alice@example.test", "-d", "alice", *options), (0, ""))
    after = {name: len(maildir.messages(root, name)) for name in ["INBOX"] + maildir.folders(root)}
    return [name for name, count in after.items() if count > before.get(name, 0)]


@tap.case("annotations of folders and of the server are read as Dovecot wrote them")
def _():
    with imap.login("alice") as reader:
        reader.command("SETMETADATA", "Work", '(/private/comment "a\tb")')
        reader.command("SETMETADATA", "Gr&APwA3w-e", '(/shared/comment "umlauts")')
        reader.command("SETMETADATA", '""', '(/private/vendor/vendor.example/x "server")')
    script = """
        if allof(metadata "Work" "/private/comment" "a\tb",
                 metadata "Gr\u00fc\u00dfe" "/shared/comment" "umlauts",
                 not metadataexists "Work" "/shared/comment",
                 servermetadata "/private/vendor/vendor.example/x" "server") {
            fileinto "Work";
        }"""
    tap.equal(files_into(script, ["fileinto", "mboxmetadata", "servermetadata"]), ["Work"])


@tap.case("a folder is found by its special use; Dovecot shows the same one as such")
def _():
    with imap.login("alice") as reader:
        listed = [line.decode() for line in reader.peer.list()[1]]
    tap.equal([line.split()[-1].strip('"') for line in listed if "\\Junk" in line], ["Spam"])
    script = 'fileinto :specialuse "\\\\Junk" "Nowhere";'
    tap.equal(files_into(script, ["fileinto", "special-use"], "-o",
                         "store.mailbox.Spam.special_use=\\Junk"), ["Spam"])


@tap.case("a folder is found by the MAILBOXID that IMAP gives")
def _():
    with open(world.maildir("alice") + "/.Work/dovecot-uidlist", encoding="ascii") as stream:
        identifier = [word[1:] for word in stream.readline().split() if word[0] == "G"][0]
    tap.equal(files_into('fileinto :mailboxid "%s" "Nowhere";' % identifier,
                         ["fileinto", "mailboxid"]), ["Work"])


@tap.case("Dovecot has nothing to complain about")
def _():
    tap.equal(imap.complaints(), [])


tap.main()
