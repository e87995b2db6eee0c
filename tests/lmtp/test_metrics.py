#!/usr/bin/env python3
# lab: none
# time-limit: 200
"""Figures about lmtp-bridge: --status, the metrics socket; and the limits they count."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
import bridge as bridges
import tap

HELLO = b"Subject: hi\r\n\r\nhello\r\n"
bridge = bridges.Bridge(lmtp='client_sessions = "3"  user_sessions = "2"')
PATH = bridge.directory + "/metrics"
PROMTOOL = os.environ.get("PROMTOOL") or shutil.which("promtool")


@tap.setup
def start():
    bridge.configure(metrics='listen "unix:%s" {}' % PATH)
    bridge.start()


def http(request):
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(20)
        one.connect(PATH)
        one.sendall(request)
        got = b""
        while True:
            try:
                piece = one.recv(65536)
            except ConnectionResetError:
                piece = b""
            if not piece:
                return got.decode()
            got += piece


def scrape():
    head, body = http(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").split("\r\n\r\n", 1)
    tap.contains(head, "200 OK")
    tap.contains(head, "text/plain; version=0.0.4")
    return body


def value(text, name):
    (found,) = re.findall(r"^%s (\S+)$" % re.escape(name), text, re.M)
    return float(found)


def status(*arguments):
    return subprocess.run([bridges.PROGRAM, "--status", "-c", bridge.config, *arguments],
                          stdout=subprocess.PIPE, timeout=30).stdout.decode()


@tap.case("the sums are those of what was done")
def _():
    with bridge.client() as client:
        for number in range(7):
            client.deliver("s@x", ["u%d@x" % number, "u%d@x" % (number + 20)], HELLO)
        for _ in range(3):
            client.mail("")
            client.rcpt("nobody@x")
            client.command("RSET")
    text = scrape()
    tap.equal(value(text, 'ladle_deliveries_total{cause="delivered"}'), 14)
    tap.equal(value(text, 'ladle_rcpt_total{cause="delivered"}'), 14)
    tap.equal(value(text, 'ladle_rcpt_total{cause="user-unknown"}'), 3)
    tap.equal(value(text, "ladle_messages_total"), 7)
    for stage, count in (("message", 7), ("rcpt", 17), ("sync", 14), ("commit", 14)):
        tap.equal(value(text, 'ladle_stage_seconds_count{stage="%s"}' % stage), count, stage)
        tap.equal(value(text, 'ladle_stage_seconds_bucket{stage="%s",le="+Inf"}' % stage), count)
        tap.check(value(text, 'ladle_stage_seconds_sum{stage="%s"}' % stage) > 0, stage)


def lose(user):
    """A message whose reply is lost with the connection."""
    with bridge.client() as client:
        tap.equal(client.deliver("s@x", [user + "@x"], HELLO)[user + "@x"].code, 250)
        client.close()


def replies(text):
    return [value(text, "ladle_%s_total" % name)
            for name in ("lost_replies", "remembered_replies", "replays")]


@tap.case("lost replies, those remembered, and messages that came again")
def _():
    tap.equal(replies(scrape()), [0, 0, 0])
    lose("u70")
    tap.until(lambda: replies(scrape()) == [1, 1, 0], "it is lost and remembered")
    with bridge.client() as client:
        client.deliver("s@x", ["u70@x"], HELLO)
    tap.equal(replies(scrape()), [1, 1, 1])
    memories = bridge.mail + "/.state/.replies"
    os.rename(memories, memories + ".away")
    open(memories, "w", encoding="ascii").close()
    lose("u71")
    tap.until(lambda: replies(scrape()) == [2, 1, 1], "it is lost and cannot be remembered")
    tap.contains(status(), "2 lost, 1 of them remembered; 1 messages came again")
    os.unlink(memories)
    os.rename(memories + ".away", memories)


@tap.case("each process is counted, under a name")
def _():
    text = scrape()
    tap.check("null" not in text, text)
    labels = re.findall(r"^ladle_processes\{kind=\"(\w+)\",state=\"(\w+)\"\}", text, re.M)
    tap.equal(sorted({state for _, state in labels}), ["busy", "free", "held"])
    tap.equal(len(labels), len(set(labels)))


@tap.case("promtool has nothing to say")
def _():
    if not PROMTOOL:
        tap.skip("there is no promtool (tests/run.sh gets it)")
    done = subprocess.run([PROMTOOL, "check", "metrics"], input=scrape().encode(),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    tap.equal((done.returncode, done.stdout.decode()), (0, ""))


@tap.case("other requests and clients that dawdle are no trouble")
def _():
    tap.contains(http(b"GET /etc/passwd HTTP/1.1\r\n\r\n"), "404")
    tap.contains(http(b"POST /metrics HTTP/1.1\r\n\r\n"), "404")
    tap.equal(http(b"x" * 5000), "")
    with socket.socket(socket.AF_UNIX) as slow:
        slow.connect(PATH)
        slow.sendall(b"GET /metr")
        tap.contains(scrape(), "ladle_up_seconds")


@tap.case("--status shows sessions, what they do, and reasons")
def _():
    with bridge.client(bridge.inet) as client:
        client.mail("s@x")
        client.rcpt("u50@x")
        text = status()
    tap.contains(text, "user-unknown 3")
    tap.contains(text, "deliveries/s")
    tap.check(re.search(r"lmtp +works .*\[127\.0\.0\.1\] .* u50@x", text), text)
    tap.check(re.search(r"delivery +\w+ ", text), text)


@tap.case("--watch goes on until it is stopped")
def _():
    watch = subprocess.Popen([bridges.PROGRAM, "--status", "--watch", "-c", bridge.config],
                             stdout=subprocess.PIPE)
    seen = 0
    while seen < 3:
        seen += watch.stdout.readline().startswith(b"\x1b[H\x1b[Jlmtp-bridge ")
    watch.kill()
    watch.wait()


@tap.case("a client over its limit is told 421, and is let in when one of its sessions ends")
def _():
    clients = [bridge.client(bridge.inet) for _ in range(3)]
    with socket.create_connection(bridge.inet, timeout=20) as more:
        tap.contains(more.recv(200).decode(), "421 4.3.2 ")
    bridge.client().quit()
    clients.pop().quit()

    def is_let_in():
        with socket.create_connection(bridge.inet, timeout=20) as one:
            return one.recv(200).startswith(b"220 ")

    tap.until(is_let_in, "there is room again")
    for client in clients:
        client.quit()
    tap.check(value(scrape(), 'ladle_refused_total{limit="client_sessions"}') >= 1, "it counts")


@tap.case("a third session with mail for one user: 451 4.3.2 at RCPT, but not for a probe")
def _():
    busy = [bridge.client() for _ in range(2)]
    for client in busy:
        client.mail("s@x")
        tap.equal(client.rcpt("u60@x").code, 250)
        tap.equal(client.rcpt("u60+detail@x").code, 250)
    with bridge.client() as client:
        client.mail("s@x")
        reply = client.rcpt("u60@x")
        tap.equal((reply.code, reply.enhanced), (451, "4.3.2"))
        tap.equal(client.rcpt("u61@x").code, 250)
        client.command("RSET")
        client.mail("")
        tap.equal(client.rcpt("u60@x").code, 250)
        client.command("RSET")
        busy[0].command("RSET")
        client.mail("s@x")
        tap.equal(client.rcpt("u60@x").code, 250)
    tap.equal(value(scrape(), 'ladle_refused_total{limit="user_sessions"}'), 1)


@tap.case("all sessions in use: 421")
def _():
    bridge.configure(lmtp='sessions = "2"')
    bridge.process.send_signal(signal.SIGHUP)
    tap.until(lambda: "new configuration" in bridge.log(), "the new configuration")
    tap.until(lambda: not bridge.children("lmtp-session"), "the others end")
    clients = [bridge.client() for _ in range(2)]
    with socket.socket(socket.AF_UNIX) as more:
        more.connect(bridge.unix)
        tap.contains(more.recv(200).decode(), "421 4.3.2 ")
        tap.equal(more.recv(200), b"")
    for client in clients:
        client.quit()


@tap.case("crashes count, and what was counted before stays")
def _():
    for name in ("lmtp-delivery", "lmtp-metrics"):
        tap.until(lambda name=name: bridge.children(name), "there is one")
        for pid in bridge.children(name):
            os.kill(pid, signal.SIGKILL)

    def text():
        try:
            return scrape()
        except (OSError, ValueError):
            return ""

    tap.until(lambda: "ladle_crashes_total" in text(), "the metrics come back")
    got = scrape()
    tap.check(value(got, 'ladle_crashes_total{kind="delivery"}') >= 1, got)
    tap.equal(value(got, 'ladle_deliveries_total{cause="delivered"}'), 17)
    tap.equal(value(got, 'ladle_reloads_total{result="taken"}'), 1)


@tap.case("what waits to be sent is counted in messages and in users")
def _():
    state = bridge.mail + "/state"
    os.mkdir(state, 0o700)
    os.chown(state, bridges.ACCOUNT.pw_uid, bridges.ACCOUNT.pw_gid)
    bridge.configure(globals='state_directory = "%s"\n'
                             'outbox { sendmail = "/bin/false"  retry_min = "1s" }' % state)
    with open(bridge.config, encoding="utf-8") as stream:
        text = stream.read().replace('script = ""', 'script = "%s/script"' % bridge.directory)
    with open(bridge.config, "w", encoding="utf-8") as stream:
        stream.write(text)
    with open(bridge.directory + "/script", "w", encoding="utf-8") as stream:
        stream.write('redirect "a@elsewhere.test"; redirect "b@elsewhere.test";')
    taken = bridge.log().count("new configuration")
    bridge.process.send_signal(signal.SIGHUP)
    tap.until(lambda: bridge.log().count("new configuration") > taken, "the new configuration")
    with bridge.client() as client:
        for user in ("u1@x", "u2@x"):
            tap.equal(client.deliver("s@x", [user], HELLO)[user].code, 250)
    tap.until(lambda: value(scrape(), "ladle_outbox_messages") == 4, "four wait", 60)
    tap.equal(value(scrape(), "ladle_outbox_users"), 2)
    tap.contains(status(), "outbox    4 messages wait, of 2 users")


@tap.case("the status file goes with the bridge")
def _():
    tap.check(os.path.exists(bridge.directory + "/status"), "it is there")
    bridge.stop()
    tap.check(not os.path.exists(bridge.directory + "/status"), "it is gone")
    tap.equal(status(), "")


try:
    tap.main()
finally:
    bridge.end()
