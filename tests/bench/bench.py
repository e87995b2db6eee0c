#!/usr/bin/env python3
"""What Ladle costs, beside others and the floor. Started by run.sh in a lab.

Every case runs its contenders in turn, so that whoever else is busy on this machine disturbs all
of them alike, and compares medians.
"""

import itertools
import os
import re
import socket
import subprocess
import sys
import time
from statistics import median

import contenders
import ladle
import world
from contenders import (DOVECOT, NAME, SCRATCH, USERS, make_home, make_maildir, world_file,
                        write_users)

PROGRAMS = os.environ["BENCH_PROGRAMS"]
KB4 = 4096
MB10 = 10 << 20
GB1 = 1 << 30
# Over LMTP, with their packages; goals are about the first.
OTHERS = {"dovecot": "dovecot-core", "cyrus": "cyrus-imapd"}

runs = 5
rows = []
numbers = itertools.count()


def comm(pid):
    with open("/proc/%d/comm" % pid, encoding="ascii") as stream:
        return stream.read().strip()


def memory_kb(pid, *fields):
    with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as stream:
        text = stream.read()
    return sum(int(re.search(r"^%s: +(\d+)" % field, text, re.M).group(1)) for field in fields)


def private_kb(pid):
    return memory_kb(pid, "Private_Clean", "Private_Dirty")


def disk_bytes_written():
    """Of the whole machine, so a little too much where others write too."""
    device = os.stat(SCRATCH).st_dev
    path = "/sys/dev/block/%d:%d/stat" % (os.major(device), os.minor(device))
    with open(path, encoding="ascii") as stream:
        return 512 * int(stream.read().split()[6])


# -- measuring ---------------------------------------------------------------------------------

def interleaved(measures):
    """measures: {name: function}; {name: what it returned in each round}, after one more for
    warmth."""
    values = {name: [] for name in measures}
    for turn in range(runs + 1):
        for name, measure in measures.items():
            value = measure()
            if turn > 0:
                values[name].append(value)
    for name, taken in values.items():
        print("    %-10s %s" % (name, "  ".join("%.4g" % value for value in taken)), flush=True)
    return values


def ratio_of(values, above, below):
    """The median of the rounds' ratios: what slows a whole round down does not count."""
    return median(a / b for a, b in zip(values[above], values[below]))


def row(case, measured, others, goal, verdict):
    """verdict: None where it is no question of met or missed."""
    mark = {True: "met", False: "missed", None: "-"}[verdict]
    rows.append((case, measured, others, goal, mark))
    print("%s: %s; %s; goal %s: %s" % rows[-1], flush=True)


def output_of(command, **options):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **options)
    text = done.stdout.decode("utf-8", "replace")
    if done.returncode:
        raise SystemExit("%s ended with %d:\n%s" % (command, done.returncode, text[-2000:]))
    return text


def send(server, sessions, messages, length, recipients=1, to="u@example.test", numbered=True):
    """Deliveries per second of smtp-source, which stays connected."""
    command = ["smtp-source", "-L", "-d", "-s", str(sessions), "-m", str(messages), "-l",
               str(length), "-r", str(recipients), "-f", "a@sender.test", "-t", to]
    if numbered:
        command.append("-N")
    started = time.monotonic()
    text = output_of(command + ["unix:" + server.socket])
    if text.strip():
        raise SystemExit("%s: %s" % (command, text[-2000:]))
    return messages * recipients / (time.monotonic() - started)


def floor(writers, messages, length):
    """Like everything here it removes nothing: for minutes ext4 looks for inodes that were not
    just deleted, and whoever then makes files pays for it."""
    target = "%s/floor-%d" % (SCRATCH, next(numbers))
    os.mkdir(target)
    return float(output_of([PROGRAMS + "/floor", target, str(writers), str(messages),
                            str(length)]).split()[0])


def hop(pairs, deliveries):
    return float(output_of([PROGRAMS + "/hop", str(pairs), str(deliveries)]).split()[0])


def sending(*arguments, **options):
    return {server.name: lambda server=server: send(server, *arguments, **options)
            for server in (bridge, dovecot, cyrus)}


def twice(measure):
    """With the processors as they are, and with none that halts; measure(what the rows add)."""
    measure("")
    awake = subprocess.Popen([PROGRAMS + "/awake"], stdin=subprocess.DEVNULL)
    try:
        measure(", processors kept awake")
        if awake.poll() is not None:
            raise SystemExit("awake ended with %d" % awake.returncode)
    finally:
        awake.kill()
        awake.wait()


def compared(unit, values, *others, is_time=False):
    """The ratio to the first of the others, which is what goals are about, and a text with all."""
    ratios = {name: ratio_of(values, name, "ladle") if is_time else ratio_of(values, "ladle", name)
              for name in others}
    text = ", ".join("%s %.4g %s (ratio %.2f)" % (name, median(values[name]), unit, ratio)
                     for name, ratio in ratios.items())
    return ratios[others[0]], text


def case_lmtp_20_sessions():
    values = interleaved({**sending(20, USERS, KB4), "floor": lambda: floor(20, USERS, KB4),
                          "hop": lambda: hop(20, 10 * USERS)})
    ratio, text = compared("/s", values, *OTHERS)
    share = ratio_of(values, "ladle", "floor")
    row("LMTP, 20 sessions, 4 KB, %d users" % USERS, "%.0f/s" % median(values["ladle"]), text,
        "4 x Dovecot", ratio >= 4)
    row("the same, beside the floor", "%.0f %%" % (100 * share),
        "floor %.0f/s" % median(values["floor"]), "75 % of the floor", share >= 0.75)
    share = ratio_of(values, "ladle", "hop")
    row("the hop between session and delivery process, of the time of a delivery",
        "%.1f %%" % (100 * share), "alone %.0f/s" % median(values["hop"]), "10 %", share <= 0.1)


def case_lmtp_1_session():
    def measure(how):
        values = interleaved({**sending(1, USERS // 2, KB4),
                              "floor": lambda: floor(1, USERS // 2, KB4)})
        ratio, text = compared("/s", values, *OTHERS)
        row("LMTP, 1 session, 4 KB" + how, "%.0f/s" % median(values["ladle"]),
            text + ", floor %.0f/s" % median(values["floor"]), "4 x Dovecot", ratio >= 4)
    twice(measure)


def case_lmtp_20_recipients():
    def measure(how):
        values = interleaved(sending(1, USERS // 20, KB4, recipients=20))
        ratio, text = compared("/s", values, *OTHERS)
        row("LMTP, 20 recipients a message, deliveries" + how,
            "%.0f/s" % median(values["ladle"]), text, "6 x Dovecot", ratio >= 6)
    twice(measure)
    linked = output_of(["find", *map(contenders.homes_of, ("ladle", *OTHERS)), "-type", "f",
                        "-links", "+1"])
    if linked:
        raise SystemExit("recipients share files:\n" + linked[:2000])


def case_lmtp_large():
    """What waits in a spool file, unlinked, need never reach the disk; what is stored must."""
    messages = 30
    shares = []

    def send_and_count():
        os.sync()
        before = disk_bytes_written()
        rate = send(bridge, 1, messages, MB10)
        os.sync()
        shares.append((disk_bytes_written() - before) / (messages * MB10))
        return rate

    contenders = sending(1, messages, MB10)
    contenders["ladle"] = send_and_count
    values = {name: [10 * rate for rate in rates]
              for name, rates in interleaved(contenders).items()}
    ratio, text = compared("MB/s", values, *OTHERS)
    row("LMTP, 10 MB messages", "%.0f MB/s" % median(values["ladle"]), text, "2 x Dovecot",
        ratio >= 2)
    share = median(shares)
    row("the same, bytes written to disk per byte delivered", "%.3f" % share, "", "1.02",
        share <= 1.02)


PROBED = re.compile(r"([\d.]+) probes/s, median ([\d.]+) ms, p99 ([\d.]+) ms; replies 2xx (\d+)")


def probe(server, count, *rate):
    text = output_of([PROGRAMS + "/probe", server.socket, str(count), "1%uu@example.test",
                      *[str(value) for value in rate]])
    rate, _, p99, good = PROBED.match(text).groups()
    if int(good) != count:
        raise SystemExit(text)
    return float(rate), float(p99)


def case_probes():
    servers = (bridge, dovecot)

    def measure(how):
        values = interleaved({server.name: lambda server=server: probe(server, 3000)[0]
                              for server in servers})
        ratio, text = compared("/s", values, "dovecot")
        row("RCPT probes on one connection" + how, "%.0f/s" % median(values["ladle"]), text,
            "3 x Dovecot", ratio >= 3)
        late = interleaved({server.name: lambda server=server: probe(server, 2000, 1000)[1]
                            for server in servers})
        row("the same at 1,000/s, p99" + how, "%.2f ms" % median(late["ladle"]),
            "dovecot %.2f ms" % median(late["dovecot"]), "1 ms", median(late["ladle"]) <= 1)
    twice(measure)


def execs(*command, count=100, home=None):
    # What the command itself prints stands before the mean.
    return float(output_of([PROGRAMS + "/execs", str(count), SCRATCH + "/message", *command],
                           user="vmail", group="vmail", cwd=home or "/",
                           env={"PATH": "/usr/bin:/bin", "HOME": home or "/",
                                "LOGNAME": "vmail"}).split()[-2])


def write_message():
    lines = "".join("This is line %d of a message of four kilobytes.\n" % n for n in range(75))
    world_file(SCRATCH + "/message",
               "From: a@sender.test\nTo: 1u@example.test\nSubject: hello\n"
               "Message-Id: <1@sender.test>\nDate: Sat, 1 Jan 2000 00:00:00 +0000\n\n" + lines)


def case_deliver_plain():
    write_message()
    home = make_home("deliver", "plain")
    make_maildir(home)
    world_file(home + "/procmailrc", "DEFAULT=%s/Maildir/\n" % home)
    world_file(home + "/mailfilter", 'to "%s/Maildir"\n' % home)
    os.chmod(home + "/mailfilter", 0o600)
    values = interleaved({
        "ladle": lambda: execs(ladle.DELIVER, "-c", "/etc/ladle-plain.conf", "-f", "a@sender.test",
                               "-d", NAME % 1),
        "procmail": lambda: execs("/usr/bin/procmail", "-m", home + "/procmailrc", home=home),
        "maildrop": lambda: execs("/usr/bin/maildrop", home + "/mailfilter", home=home),
    })
    ratio, text = compared("ms", values, "procmail", "maildrop", is_time=True)
    row("`deliver`, plain Maildir, one exec", "%.2f ms" % median(values["ladle"]),
        text, "as procmail", ratio >= 1)


def case_deliver_sieve():
    write_message()
    values = interleaved({
        "ladle": lambda: execs(ladle.DELIVER, "-f", "a@sender.test", "-d", NAME % 2),
        "dovecot": lambda: execs("/usr/lib/dovecot/dovecot-lda", "-c", DOVECOT, "-f",
                                 "a@sender.test", "-d", NAME % 2),
    })
    ratio, text = compared("ms", values, "dovecot", is_time=True)
    row("`deliver`, Sieve and quota, one exec", "%.2f ms" % median(values["ladle"]),
        text.replace("dovecot", "dovecot-lda"), "1/5 of dovecot-lda", ratio >= 5)


def sieve_rules(count):
    """Rules of five kinds, none of which fits the message."""
    kinds = (
        'header :contains ["List-Id", "X-Mailing-List"] "list-{0}.example" {{ fileinto "L{0}"; }}',
        'address :domain "from" ["a{0}.example", "b{0}.example"] {{ fileinto "P{0}"; stop; }}',
        'allof (header :matches "subject" "*[ticket-{0}-*]*", not exists "x-spam") '
        '{{ set "t" "${{2}}"; addflag "work"; fileinto "T.${{t}}"; stop; }}',
        'anyof (size :over {0}G, envelope :detail "to" "d{0}") {{ fileinto "B{0}"; stop; }}',
        'header "x-rule" "{0}" {{ discard; stop; }}')
    rules = ("if " + kinds[number % 5].format(number + 1) for number in range(count))
    return ('require ["fileinto", "envelope", "subaddress", "variables", "imap4flags"];\n' +
            "\n".join(rules) + "\nkeep;\n")


def case_sieve():
    """Compiling and running a script over one message, whole processes; nothing is stored. Both
    print the actions and no reasons."""
    write_message()
    config = SCRATCH + "/sieve-test.conf"
    world_file(config, "mail_location = maildir:%s/sieve-test\nssl = no\n" % SCRATCH)
    for count in (20, 1000):
        script = "%s/rules-%d.sieve" % (SCRATCH, count)
        world_file(script, sieve_rules(count))
        arguments = ("-f", "a@sender.test", "-r", "u@example.test", script, SCRATCH + "/message")
        values = interleaved({
            "ladle": lambda arguments=arguments: execs("/usr/local/bin/sieve-lite", "run",
                                                       "--quiet", *arguments),
            "dovecot": lambda arguments=arguments: execs("/usr/bin/sieve-test", "-c", config,
                                                         "-C", *arguments),
        })
        ratio, text = compared("ms", values, "dovecot", is_time=True)
        row("`sieve-lite run`, %d rules" % count, "%.2f ms" % median(values["ladle"]),
            text.replace("dovecot", "sieve-test"), "1/5 of sieve-test", ratio >= 5)


def connect(server, count):
    """Connections that have said LHLO and wait."""
    clients = []
    for _ in range(count):
        client = socket.socket(socket.AF_UNIX)
        client.connect(server.socket)
        client.recv(1000)
        client.sendall(b"LHLO bench.test\r\n")
        client.recv(1000)
        clients.append(client)
    return clients


def status_kb(pid, field):
    with open("/proc/%d/status" % pid, encoding="ascii") as stream:
        return int(re.search(r"^%s:\s+(\d+)" % field, stream.read(), re.M).group(1))


def ask(client, command, code):
    client.sendall(command)
    reply = client.recv(1000)
    if not reply.startswith(code):
        raise SystemExit("%r, not %r" % (reply, code))


def case_memory_large():
    """How far what the two processes have in memory grows, at its peak, by a message of 1 GB."""
    home = "%s/roomy" % contenders.homes_of("ladle")
    world_file(home + "/.dovecot.sieve", contenders.SIEVE.replace("100M", "1900M"))
    client, = connect(bridge, 1)
    ask(client, b"MAIL FROM:<a@sender.test>\r\n", b"250")
    ask(client, b"RCPT TO:<roomy@example.test>\r\n", b"250")
    ask(client, b"DATA\r\n", b"354")
    before = {}
    for pid in bridge.processes():
        with open("/proc/%d/clear_refs" % pid, "wb") as stream:
            stream.write(b"5")  # the peak begins anew
        before[pid] = status_kb(pid, "VmRSS")
    block = 1024 * (62 * b"x" + b"\r\n")
    client.sendall(b"Subject: large\r\n\r\n")
    for _ in range(GB1 // len(block)):
        client.sendall(block)
    ask(client, b".\r\n", b"250")
    grown = dict.fromkeys(("lmtp-session", "lmtp-delivery"), 0)
    for pid in bridge.processes():
        if comm(pid) in grown:
            growth = status_kb(pid, "VmHWM") - before.get(pid, 0)
            grown[comm(pid)] = max(grown[comm(pid)], growth)
    stored = output_of(["find", home, "-size", "+%dc" % (GB1 - (GB1 >> 5))]).split()
    if len(stored) != 1:
        raise SystemExit("stored are: %s" % stored)
    os.unlink(stored[0])
    row("a message of 1 GB, growth of both processes",
        "%.1f MB" % (sum(grown.values()) / 1024), "", "16 MB", sum(grown.values()) <= 16 << 10)
    print("    " + ", ".join("%s %d KB" % item for item in grown.items()))
    client.close()


def case_memory():
    for server in (bridge, dovecot):
        send(server, 20, USERS, KB4)
    before = set(bridge.processes())
    clients = connect(bridge, 10)
    rest = [private_kb(pid) for pid in bridge.processes()
            if comm(pid) == "lmtp-session" and pid not in before]
    pool = [private_kb(pid) for pid in bridge.processes() if comm(pid) == "lmtp-delivery"]
    theirs = [private_kb(pid) for pid in dovecot.processes() if comm(pid) == "lmtp"]
    other = "dovecot's lmtp process %.0f KB" % median(theirs)
    row("a session at rest, private", "%.0f KB" % median(rest), other, "1024 KB",
        median(rest) < 1024)
    row("a delivery process, private", "%.0f KB" % median(pool), other, "-", None)
    clients += connect(bridge, 990)
    whole = sum(memory_kb(pid, "Pss") for pid in bridge.processes())
    row("1,000 idle sessions, all processes", "%.0f MB" % (whole / 1024), "", "600 MB",
        whole < 600 * 1024)
    for client in clients:
        client.close()


def case_growth_users():
    """One mailbox; the number of users beside it grows. A file that has just changed is read to
    its end for some lookups, then each delivery process has an index."""
    rates = {10: [], 100000: []}
    for _ in range(runs):
        for count, taken in rates.items():
            write_users("ladle", count - 1, {"last": ""})
            time.sleep(3)
            send(bridge, 8, 400, KB4, to="last@example.test", numbered=False)
            taken.append(send(bridge, 1, 500, KB4, to="last@example.test", numbered=False))
    write_users("ladle", USERS)
    few, many = (median(taken) for taken in rates.values())
    row("100,000 users instead of 10, one session", "%.0f/s" % many, "with 10: %.0f/s" % few,
        "flat", ratio_of(rates, 100000, 10) > 0.9)


def case_growth_messages():
    """A mailbox of very many messages that nobody else touches, beside one that begins empty.
    A million are made for whoever asks for it by name."""
    count = 1000000 if is_chosen else 100000
    home = "%s/huge" % contenders.homes_of("ladle")
    make_maildir(home)
    for number in range(count):
        path = "%s/Maildir/cur/%d.M1P1.lab,S=2:2,S" % (home, number)
        if number % 50000 == 0:  # of one inode; ext4 takes 65,000 names
            first = path
            world_file(first, "x\n")
        else:
            os.link(first, path)
    os.sync()
    rates = interleaved({name: lambda name=name: send(bridge, 1, 300, KB4, numbered=False,
                                                      to=name + "@example.test")
                         for name in ("last", "huge")})
    row("{:,} messages in the mailbox instead of few, one session".format(count),
        "%.0f/s" % median(rates["huge"]), "few: %.0f/s" % median(rates["last"]), "flat",
        ratio_of(rates, "huge", "last") > 0.9)


# -- all of it ---------------------------------------------------------------------------------

HEAD = """\
# Benchmarks

Measured by `tests/bench/run.sh --write` on %s, %d processors, %s; load average %.1f before
it began. Quota and a Sieve script of five rules are on in all, mail is synced. Medians of the
rounds (%d), in which all take turns; ratios are medians of the rounds' ratios. Rates are
deliveries; the load is `smtp-source -L -N -d` of Postfix. The floor is `tests/bench/floor.c`:
create, write, sync, rename, sync of the directory, and nothing else, with as many writers as there
are sessions; the hop is `tests/bench/hop.c`: what the two processes say to each other, and nothing
else, with as many pairs. What one client does at a time leaves processors idle, and on a virtual
machine much of its cost is to wake one that halted, the same for everyone: those rows stand here
twice, and the second time `tests/bench/awake.c` spins on each processor that nobody wants.
Only ratios carry over to another machine.

| case | Ladle | others | goal | |
|---|---|---|---|---|
"""


def version_of(package):
    version = output_of(["dpkg-query", "-W", "-f", "${Version}", package])
    return re.match(r"(?:\d+:)?([\d.]+)", version).group(1)


def report():
    versions = " and ".join("%s %s" % (name.capitalize(), version_of(package))
                            for name, package in OTHERS.items())
    with open(SCRATCH + "/benchmarks.md", "w", encoding="utf-8") as stream:
        stream.write(HEAD % (time.strftime("%Y-%m-%d"), os.cpu_count(), versions,
                             load_before, runs))
        for line in rows:
            stream.write("| %s | %s | %s | %s | %s |\n" % line)
    with open(SCRATCH + "/benchmarks.md", encoding="utf-8") as stream:
        print(stream.read())


def main(arguments):
    global runs, bridge, dovecot, cyrus, load_before, is_chosen
    world.in_lab()
    if arguments[:1] == ["--runs"]:
        runs = int(arguments[1])
        arguments = arguments[2:]
    is_chosen = bool(arguments)
    load_before = os.getloadavg()[0]
    world.add_virtual_users({})
    bridge, dovecot, cyrus = contenders.Ladle(), contenders.Dovecot(), contenders.Cyrus()
    for name, case in list(globals().items()):
        title = name.removeprefix("case_")
        if title != name and (not arguments or any(word in title for word in arguments)):
            print(title, flush=True)
            case()
    report()


if __name__ == "__main__":
    main(sys.argv[1:])
