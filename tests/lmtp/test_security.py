#!/usr/bin/env python3
# lab: none
# time-limit: 180
"""TLS, client certificates and AUTH on TCP listeners."""

import base64
import hashlib
import hmac
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
import bridge as bridges
import credentials
import tap
import wire

HELLO = b"Subject: hi\r\n\r\nhello\r\n"
MODULES = os.path.join(os.environ["BUILD"], "deliver")
PORTS = {name: bridges.free_port() for name in ("optional", "required", "implicit", "auth")}
bridge = bridges.Bridge()
HERE = bridge.directory


def has(module, tool):
    return os.path.exists(os.path.join(MODULES, module)) and shutil.which(tool)


HAS_TLS = has("lmtp-tls.so", "openssl")
HAS_SASL = HAS_TLS and has("lmtp-sasl.so", "saslpasswd2")


def case(title, needs_sasl=False):
    def register(function):
        def run():
            if not (HAS_SASL if needs_sasl else HAS_TLS):
                tap.skip("built without it, or openssl or saslpasswd2 is not installed")
            function()
        return tap.case(title)(run)
    return register


def fingerprint(path):
    with open(path, encoding="ascii") as stream:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(stream.read())).hexdigest()


@tap.setup
def start():
    if not HAS_TLS:
        return
    credentials.certificate(HERE, "server", "mx.test")
    credentials.certificate(HERE, "known", "known.test")
    credentials.certificate(HERE, "signed", "signed.test")
    credentials.certificate(HERE, "strange", "strange.test")
    extra = ""
    if HAS_SASL:
        extra = 'sasl_path = "%s/sasl"' % HERE
        credentials.sasl(HERE + "/sasl", "mx.test", "mta", "secret", bridges.ACCOUNT.pw_uid,
                         bridges.ACCOUNT.pw_gid)
    bridge.configure(globals="""
tls {
  certificate = "%s/server.pem"
  key = "%s/server.key"
  client_ca = "%s/signed.pem"
  client_fingerprints = {"%s"}
}""" % (HERE, HERE, HERE, fingerprint(HERE + "/known.pem")), lmtp="""
  %s
  listen "inet:127.0.0.1:%d" { tls = "optional" }
  listen "inet:127.0.0.1:%d" { tls = "required" }
  listen "inet:127.0.0.1:%d" { tls = "implicit" }
  %s
""" % (extra, PORTS["optional"], PORTS["required"], PORTS["implicit"],
       'listen "inet:127.0.0.1:%d" { tls = "optional"  auth = "required" }' % PORTS["auth"]
       if HAS_SASL else ""))
    bridge.start()


def context(client=None, **options):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.load_verify_locations(options.get("server", HERE + "/server.pem"))
    if client:
        made.load_cert_chain("%s/%s.pem" % (HERE, client), "%s/%s.key" % (HERE, client))
    if "most" in options:
        made.maximum_version = options["most"]
    return made


class Secure(wire.Lmtp):
    """TLS from the start, or by STARTTLS."""

    def __init__(self, port, is_implicit=False, **options):
        self.context = context(**options)
        self.is_implicit = is_implicit
        super().__init__(("127.0.0.1", PORTS[port]))
        if not is_implicit:
            tap.check("STARTTLS" in self.extensions, "STARTTLS is offered")
            tap.equal(self.command("STARTTLS").code, 220)
            self.wrap()
            self.extensions = {}
            self.hello("client.example.test")

    def wrap(self):
        self.socket = self.context.wrap_socket(self.socket, server_hostname="mx.test")

    def reply(self):
        if self.is_implicit and not isinstance(self.socket, ssl.SSLSocket):
            self.wrap()
        return super().reply()


def received(user):
    return bridge.stored(user)[-1].split(b"Received: ")[1].split(b"\n\tfor")[0]


@case("STARTTLS: mail goes through it, large replies and messages too; Received says so")
def _():
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with Secure("optional", most=version) as client:
            tap.check("STARTTLS" not in client.extensions, "once only")
            got = client.deliver("s@x", ["u%d@x" % n for n in range(30)], HELLO * 20000)
            tap.equal({got["u%d@x" % n].code for n in range(30)}, {250})
            tap.equal(client.quit().code, 221)
    tap.contains(received("u1"), b"with LMTPS id")


@case("STARTTLS required: no mail before it")
def _():
    with wire.Lmtp(("127.0.0.1", PORTS["required"])) as client:
        tap.equal(client.mail("s@x").code, 430)
    with Secure("required") as client:
        tap.equal(client.deliver("s@x", ["u1@x"], HELLO)["u1@x"].code, 250)


@case("TLS from the start")
def _():
    with Secure("implicit", is_implicit=True) as client:
        tap.check("STARTTLS" not in client.extensions, "no STARTTLS within TLS")
        tap.equal(client.deliver("s@x", ["u1@x"], HELLO)["u1@x"].code, 250)


@case("what comes behind STARTTLS in the clear is never obeyed")
def _():
    with wire.Lmtp(("127.0.0.1", PORTS["optional"])) as client:
        client.send("STARTTLS\r\nLHLO evil\r\nMAIL FROM:<evil@x>\r\n")
        tap.equal(client.reply().code, 220)
        tap.equal(client.pending, b"")
        client.socket = context().wrap_socket(client.socket, server_hostname="mx.test")
        tap.equal(client.command("MAIL FROM:<s@x>").code, 503)
        client.hello("c")
        tap.equal(client.command("MAIL FROM:<s@x>").code, 250)


@case("a client that speaks no TLS is sent off, the next is served")
def _():
    with wire.Lmtp(("127.0.0.1", PORTS["optional"])) as client:
        tap.equal(client.command("STARTTLS").code, 220)
        client.send("MAIL FROM:<s@x>\r\n")
        try:
            got = client.socket.recv(4096)
        except ConnectionResetError:
            got = b""
        tap.check(b"250" not in got, repr(got))
    with Secure("optional") as client:
        tap.equal(client.command("NOOP").code, 250)


@case("AUTH: PLAIN and LOGIN under TLS only, SCRAM also without", needs_sasl=True)
def _():
    with wire.Lmtp(("127.0.0.1", PORTS["auth"])) as client:
        tap.equal(set(client.extensions["AUTH"].split()), {"SCRAM-SHA-1", "SCRAM-SHA-256"})
        tap.equal(client.command("AUTH PLAIN " + b64("\0mta\0secret")).code, 504)
        tap.equal(client.mail("s@x").code, 430)
    with Secure("auth") as client:
        tap.equal(set(client.extensions["AUTH"].split()),
                  {"PLAIN", "LOGIN", "SCRAM-SHA-1", "SCRAM-SHA-256"})


def b64(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def login(client, name, password):
    tap.equal(client.command("AUTH LOGIN").code, 334)
    tap.equal(client.command(b64(name)).code, 334)
    return client.command(b64(password))


def scram(client, name, password, digest):
    """RFC 5802; the reply to the client's last message, or to the server's signature."""
    nonce = b64(os.urandom(12))
    first = "n=%s,r=%s" % (name, nonce)
    reply = client.command("AUTH SCRAM-%s %s" % (digest, b64("n,," + first)))
    if reply.code != 334:
        return reply
    server = base64.b64decode(reply.text).decode()
    said = dict(part.split("=", 1) for part in server.split(","))
    hash_name = digest.replace("-", "").lower()
    salted = hashlib.pbkdf2_hmac(hash_name, password.encode(), base64.b64decode(said["s"]),
                                 int(said["i"]))
    hashed = lambda key, text: hmac.new(key, text, hash_name).digest()
    client_key = hashed(salted, b"Client Key")
    final = "c=biws,r=" + said["r"]
    signature = hashed(hashlib.new(hash_name, client_key).digest(),
                       ",".join((first, server, final)).encode())
    proof = bytes(a ^ b for a, b in zip(client_key, signature))
    reply = client.command(b64(final + ",p=" + b64(proof)))
    return client.command("") if reply.code == 334 else reply


@case("AUTH: each mechanism, with the right and a wrong password", needs_sasl=True)
def _():
    for digest in ("SHA-1", "SHA-256"):
        with wire.Lmtp(("127.0.0.1", PORTS["auth"])) as client:
            tap.equal(scram(client, "mta", "wrong", digest).code, 535)
            tap.equal(scram(client, "mta", "secret", digest).code, 235)
            tap.equal(client.deliver("s@x", ["u2@x"], HELLO)["u2@x"].code, 250)
        tap.contains(received("u2"), b"with LMTPA id")
    with Secure("auth") as client:
        tap.equal(client.command("AUTH PLAIN " + b64("\0mta\0wrong")).code, 535)
        tap.equal(client.mail("s@x").code, 430)
        tap.equal(client.command("AUTH PLAIN").code, 334)
        tap.equal(client.command("*").code, 501)
        tap.equal(client.command("AUTH PLAIN " + b64("\0mta\0secret")).code, 235)
        tap.equal(client.command("AUTH PLAIN " + b64("\0mta\0secret")).code, 503)
        tap.equal(client.deliver("s@x", ["u2@x"], HELLO)["u2@x"].code, 250)
    tap.contains(received("u2"), b"with LMTPSA id")
    with Secure("auth") as client:
        tap.equal(login(client, "mta", "secret").code, 235)


@case("AUTH: three wrong passwords end the connection", needs_sasl=True)
def _():
    with Secure("auth") as client:
        for name in ("mta", "nobody", "mta"):
            tap.equal(client.command("AUTH PLAIN " + b64("\0%s\0wrong" % name)).code, 535)
        tap.equal(client.reply().code, 421)
        tap.equal(client.socket.recv(1), b"")


@case("client certificates that are known stand for AUTH", needs_sasl=True)
def _():
    for name, code in (("known", 250), ("signed", 250), ("strange", 430), (None, 430)):
        with Secure("auth", client=name) as client:
            tap.equal(client.mail("s@x").code, code, str(name))


def sockets(pid):
    folder = "/proc/%d/fd/" % pid
    return {name for name in map(os.readlink, (folder + fd for fd in os.listdir(folder)))
            if name.startswith("socket:")}


@case("the key of TLS is in the memory of sessions, not of the process for AUTH or of deliveries", True)
def _():
    shown = subprocess.run(["openssl", "pkey", "-in", HERE + "/server.key", "-noout", "-text"],
                           stdout=subprocess.PIPE, check=True).stdout.decode()
    digits = re.search(r"priv:\s+([0-9a-f:\s]+?)\n\S", shown).group(1)
    key = bytes.fromhex(re.sub(r"[:\s]", "", digits))[-32:]
    with open(HERE + "/server.key", "rb") as stream:
        # As it lies in the file, in its encoding, and as a number of this machine.
        kept = [stream.read().splitlines()[1], key, key[::-1]]
    with Secure("auth") as client:
        tap.until(lambda: len(bridge.children("lmtp-session")) == 1, "other sessions have ended")
        session, = bridge.children("lmtp-session")
        helper, = bridges.children_of(session, "lmtp-auth")
        try:
            tap.check(any(bridges.holds(session, form) for form in kept), "the session needs it")
        except PermissionError:
            tap.skip("nobody may look at the memory of others here")
        for pid in [helper] + bridge.children("lmtp-delivery"):
            tap.equal([bridges.holds(pid, form) for form in kept], [False] * 3)
        shared = sockets(session) & sockets(helper)
        tap.equal(shared, set(), "neither the client nor the way to delivery processes")
        client.quit()


@case("a new certificate is shown without a restart; a bad one is not taken")
def _():
    def shown():
        with Secure("implicit", is_implicit=True, server=HERE + "/both.pem") as client:
            return hashlib.sha256(client.socket.getpeercert(True)).hexdigest()

    old = fingerprint(HERE + "/server.pem")
    credentials.certificate(HERE, "newer", "mx.test")
    new = fingerprint(HERE + "/newer.pem")
    with open(HERE + "/both.pem", "wb") as both:
        for name in ("server", "newer"):
            with open("%s/%s.pem" % (HERE, name), "rb") as stream:
                both.write(stream.read())
    tap.equal(shown(), old)
    # For a moment the certificate does not fit the key.
    os.replace(HERE + "/newer.pem", HERE + "/server.pem")
    tap.equal(shown(), old)
    tap.contains(bridge.log(), "the certificate stays as it was: tls.key")
    os.replace(HERE + "/newer.key", HERE + "/server.key")
    tap.equal(shown(), new)
    with open(HERE + "/server.pem", "w", encoding="ascii") as stream:
        stream.write("rubbish")
    bridge.process.send_signal(signal.SIGHUP)
    tap.until(lambda: "the configuration stays as it was: tls.certificate" in bridge.log(), "it says so")
    tap.equal(shown(), new)


@case("who has the same account cannot read the key out of our memory")
def _():
    own = bridges.Bridge(globals='tls { certificate = "%s/strange.pem"  key = "%s/strange.key" }'
                         % (HERE, HERE),
                         lmtp='listen "inet:127.0.0.1:%d" { tls = "optional" }' % bridges.free_port())
    try:
        identity = {}
        if os.getuid() == 0:
            os.chown(HERE + "/strange.key", bridges.ACCOUNT.pw_uid, -1)
            os.chown(own.directory, bridges.ACCOUNT.pw_uid, -1)
            identity = {"user": bridges.ACCOUNT.pw_uid, "group": bridges.ACCOUNT.pw_gid,
                        "extra_groups": []}
        own.start(**identity)
        with own.client() as client:
            tap.equal(client.deliver("s@x", ["u1@x"], HELLO)["u1@x"].code, 250)
            for pid in [own.process.pid] + own.children("lmtp-session"):
                tap.equal(os.stat("/proc/%d/mem" % pid).st_uid, 0, "root's alone")
    finally:
        own.end()


@case("no session without TLS loads OpenSSL")
def _():
    plain = bridges.Bridge().start()
    try:
        with plain.client():
            pids = [plain.process.pid] + plain.children("lmtp-session")
            tap.check(len(pids) > 1, "a session")
            for pid in pids:
                with open("/proc/%d/maps" % pid, encoding="utf-8") as stream:
                    tap.check("libssl" not in stream.read(), "process %d" % pid)
    finally:
        plain.end()


try:
    tap.main()
finally:
    bridge.end()
