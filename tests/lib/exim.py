"""Exim as a site would set it up beside Ladle: mail by pipe, or by LMTP with callouts.

There is one per lab: it reads /etc/exim4/exim4.conf, which in a lab is ours.
"""

import os
import re
import socket
import subprocess

import ladle
import tap
import world

CONFIG = """\
primary_hostname = mx.example.test
domainlist local_domains = example.test
log_selector = +all
log_file_path = /var/log/exim4/%slog
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
host_lookup =
tls_advertise_hosts =
keep_environment =
acl_smtp_rcpt = check_rcpt
acl_smtp_data = accept
begin acl
check_rcpt:
  {verify}
  accept domains = +local_domains
  accept domains = sender.test
  deny
begin routers
senders:
  driver = redirect
  domains = sender.test
  data = :blackhole:
mailboxes:
  driver = {router}
  domains = +local_domains
  local_part_suffix = +*
  local_part_suffix_optional
  transport = {transport}
begin transports
lmtp:
  driver = smtp
  protocol = lmtp
  hosts = 127.0.0.1
  port = 24
  hosts_override
  allow_localhost
  rcpt_include_affixes
secure:
  driver = smtp
  protocol = lmtp
  hosts = 127.0.0.1
  port = 2402
  hosts_override
  allow_localhost
  hosts_require_tls = *
  hosts_require_auth = *
  tls_verify_certificates = {certificate}
  tls_verify_cert_hostnames =
socket:
  driver = lmtp
  socket = {socket}
  batch_max = 200
  user = vmail
  rcpt_include_affixes
lossy:
  driver = lmtp
  socket = {lossy}
  batch_max = 200
  user = vmail
  delivery_date_add
  envelope_to_add
  return_path_add
lossy_inet:
  driver = smtp
  protocol = lmtp
  hosts = 127.0.0.1
  port = 2424
  hosts_override
  allow_localhost
  hosts_try_chunking = {chunking}
pipe:
  driver = pipe
  command = {deliver} -d $address_data
  user = vmail
  group = vmail
  return_fail_output
  temp_errors = 75
  message_prefix =
  message_suffix =
  return_path_add
  delivery_date_add = false
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  client_send = ^mta^secret
begin retry
* * F,1h,1m
"""

LOSSY = ladle.SOCKETS + "/lossy"
LOSSY_INET = ("127.0.0.1", 2424)
# What came from outside is tainted and refused in a command line: the user's name must be looked
# up, and the sender comes as the Return-path field.
ROUTES = {
    "secure": "manualroute\n  route_list = * 127.0.0.1\n  self = send",
    "socket": "accept",
    "lossy": "accept",
    "lossy_inet": "manualroute\n  route_list = * 127.0.0.1\n  self = send",
    "lmtp": "manualroute\n  route_list = * 127.0.0.1\n  self = send",
    "pipe": "accept\n  address_data = ${lookup{$local_part}lsearch,ret=key{%s}{$value}fail}"
            % world.USERS_FILE,
}


class Exim:
    def __init__(self, transport, verify="", port=25, certificate="system",
                 chunking="*", queue_runs=("-q1m",)):
        world.in_lab()
        self.address = ("127.0.0.1", port)
        self.log_path = "/var/log/exim4/mainlog"
        self.mark = 0
        self.process = None
        self.queue_runs = queue_runs
        self.text = CONFIG.format(transport=transport, router=ROUTES[transport], verify=verify,
                                  port=port, deliver=ladle.DELIVER, lossy=LOSSY,
                                  chunking=chunking,
                                  certificate=certificate, socket=ladle.UNIX).replace("%%", "%")
        tap.witness("log of exim", self.log)

    def start(self):
        self.mark_log()
        path = "/etc/exim4/exim4.conf"
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(self.text)
        os.chmod(path, 0o644)
        self.process = subprocess.Popen(["exim", "-bdf", *self.queue_runs], stdin=subprocess.DEVNULL,
                                        stderr=subprocess.STDOUT, stdout=subprocess.DEVNULL)
        tap.until(lambda: "daemon started" in self.log()[self.mark:], "Exim has started")
        return self

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        # Children may still have its socket for a moment, and the next one would wait 30 s.
        tap.until(self._port_is_free, "all of Exim has ended", 60)

    def _port_is_free(self):
        with socket.socket() as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                one.bind(self.address)
            except OSError:
                return False
        return True

    def flush(self):
        """One attempt for everything in the queue, due or not."""
        subprocess.run(["exim", "-qff"], stdin=subprocess.DEVNULL, check=True, timeout=120,
                       stdout=subprocess.DEVNULL)

    def log(self):
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as stream:
                return stream.read()
        except FileNotFoundError:
            return ""

    def mark_log(self):
        self.mark = len(self.log())

    def fate(self, recipient, limit_s=30):
        """(mark, line) of the delivery: "=>" arrived ("->": with another one), "**" failed, "==" waits."""
        pattern = r" (=>|->|\*\*|==) (\S*%s.*)" % re.escape(recipient.partition("@")[0])
        found = tap.until(lambda: re.search(pattern, self.log()[self.mark:]),
                          "a delivery to " + recipient, limit_s)
        return found.group(1), found.group(2)
