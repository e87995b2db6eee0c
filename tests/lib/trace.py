"""Reads what strace saw, to prove the order of system calls.

Run the program under COMMAND + ["-o", path]; descriptors are then shown with their paths. -D makes
the program itself our child, so that signals reach it.
"""

import re

# Leaks cannot be looked for under strace; the option means nothing to an ordinary build.
COMMAND = ["env", "ASAN_OPTIONS=detect_leaks=0", "strace", "-D", "-f", "-y", "-s", "200", "-e",
           "trace=fsync,fdatasync,rename,renameat,renameat2,link,linkat,write,writev,sendto,"
           "sendmsg,exit_group"]


class Call:
    def __init__(self, process, begun, ended, text):
        self.process = process
        self.begun = begun  # line numbers: where it was entered, where it returned
        self.ended = ended
        self.name, _, self.arguments = text.partition("(")
        self.succeeded = not re.search(r"= -1 ", text)

    def __repr__(self):
        return "%d: [%d] %s(%s" % (self.begun, self.process, self.name, self.arguments)


def calls(path):
    """In order of their return; a call that was interrupted in the trace is joined again."""
    open_calls = {}
    found = []
    with open(path, encoding="utf-8", errors="replace") as stream:
        for number, line in enumerate(stream):
            process, _, text = line.rstrip("\n").partition(" ")
            text = text.lstrip()
            if text.endswith("<unfinished ...>"):
                open_calls[process] = (number, text[:-len("<unfinished ...>")])
                continue
            begun = number
            resumed = re.match(r"<\.\.\. \w+ resumed>", text)
            if resumed:
                begun, start = open_calls.pop(process, (number, ""))
                text = start + text[resumed.end():]
            if re.match(r"\w+\(", text):
                found.append(Call(int(process), begun, number, text))
    return found


def is_finished(path, process):
    """Whether strace has seen the end of this process."""
    with open(path, encoding="utf-8", errors="replace") as stream:
        return re.search(r"^%d +\+\+\+ " % process, stream.read(), re.MULTILINE)


def first(found, name, arguments, after=-1):
    """The first successful call like this that was begun after a line; both are patterns."""
    for call in found:
        if (call.begun > after and call.succeeded and re.fullmatch(name, call.name)
                and re.search(arguments, call.arguments)):
            return call
    raise AssertionError("no %s(%s after line %d in:\n%s"
                         % (name, arguments, after, "\n".join(map(repr, found[-60:]))))
