#!/usr/bin/env python3
# lab: postfix
"""No success is said before the file, its new name and the folder are on disk.

strace shows it for both fronts: fsync of the file in tmp/ has returned, then rename, then fsync
of the folder has returned, then comes the reply or the exit.
"""

import os
import re

import ladle
import tap
import trace
import wire
import world

SYNC = "fsync|fdatasync"
MOVE = "rename|renameat|renameat2|link|linkat"
SAY = "write|writev|sendto|sendmsg"


@tap.setup
def servers():
    world.add_virtual_users({"alice": "", "bob": "", "carol": ""})
    ladle.configure()
    os.chmod("/srv", 0o777)  # traces of deliver are written by vmail


def on_disk(found, user, folder=""):
    """The line of the trace after which everything of the last delivery to a user was synced."""
    root = re.escape("%s/%s/Maildir%s" % (world.HOMES, user, folder))
    source = root + r'(?:/tmp/|>, "tmp/|/tmp>, ")([^"/]+)"'
    moves = [call for call in found if call.succeeded and re.fullmatch(MOVE, call.name)
             and re.search(source, call.arguments)]
    tap.check(moves, "something was moved out of tmp/ for " + user)
    name = re.search(source, moves[-1].arguments).group(1)
    file_sync = trace.first(found, SYNC, r"\d+<%s/tmp/%s>" % (root, re.escape(name)))
    tap.check(file_sync.ended < moves[-1].begun, "%r before %r" % (file_sync, moves[-1]))
    return trace.first(found, SYNC, r"\d+<%s/(new|cur)>" % root, after=moves[-1].ended).ended


def run_deliver(user, *options):
    path = "/srv/trace.%s" % user
    result = ladle.deliver(b"Subject: x\n\nx\n", "-f", "a@sender.test", "-d", user, *options,
                           under=trace.COMMAND + ["-o", path])
    tap.equal(result, (0, ""))
    return trace.calls(path)


@tap.case("deliver: on disk before it exits with 0")
def _():
    found = run_deliver("alice")
    leaves = [call for call in found if call.name == "exit_group"][-1]
    tap.check(on_disk(found, "alice") < leaves.begun, "synced before %r" % leaves)


@tap.case("deliver: a new folder is on disk too, in its parent")
def _():
    found = run_deliver("bob", "-m", "lists")
    on_disk(found, "bob", "/.lists")
    trace.first(found, SYNC, r"\d+<%s/bob/Maildir>" % world.HOMES)
    trace.first(found, SYNC, r"\d+<%s/bob>" % world.HOMES)


@tap.case("lmtp-bridge: on disk before 250, for each of two recipients")
def _():
    path = "/srv/trace.bridge"
    bridge = ladle.Bridge(under=trace.COMMAND + ["-o", path]).start()
    names = ["alice@example.test", "carol@example.test"]
    with wire.Lmtp(ladle.UNIX) as client:
        outcome = client.deliver("a@sender.test", names, b"Subject: x\r\n\r\nx\r\n")
    tap.equal([outcome[name].code for name in names], [250, 250], repr(outcome))
    bridge.stop()
    tap.until(lambda: trace.is_finished(path, bridge.process.pid), "strace has seen the end")
    found = trace.calls(path)
    for name in names:
        user = name.partition("@")[0]
        # The reply names the recipient or the delivery; the first after 354 counts for both.
        data = trace.first(found, SAY, r"354 ")
        said = trace.first(found, SAY, r'"250 2\.0\.0 ', after=data.ended)
        tap.check(on_disk(found, user) < said.begun, "%s: synced before %r" % (user, said))


tap.main()
