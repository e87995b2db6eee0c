"""What a site makes once: a certificate, and passwords for Cyrus SASL."""

import os
import shutil
import subprocess

import tap


def certificate(directory, name, subject):
    """PEM files of a certificate that signs itself: (certificate, key)."""
    if not shutil.which("openssl"):
        tap.skip("openssl is not installed")
    paths = os.path.join(directory, name + ".pem"), os.path.join(directory, name + ".key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=" + subject,
                    "-addext", "subjectAltName=DNS:" + subject, "-keyout", paths[1], "-out",
                    paths[0]], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return paths


def sasl(directory, realm, user, password, uid, gid):
    """A directory for lmtp.sasl_path whose lmtp-bridge.conf knows one user."""
    if not shutil.which("saslpasswd2"):
        tap.skip("saslpasswd2 is not installed")
    os.makedirs(directory)
    with open(directory + "/lmtp-bridge.conf", "w", encoding="ascii") as stream:
        stream.write("pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: %s/sasldb\n"
                     "mech_list: PLAIN LOGIN SCRAM-SHA-1 SCRAM-SHA-256\n" % directory)
    # The realm is the server's name where the user does not say one.
    subprocess.run(["saslpasswd2", "-p", "-c", "-f", directory + "/sasldb", "-u", realm, user],
                   input=password.encode(), check=True)
    os.chown(directory + "/sasldb", uid, gid)
    return directory
