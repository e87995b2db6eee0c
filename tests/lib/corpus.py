"""Messages of every kind that mail systems have choked on; always the same ones.

Each row has
    name      unique, in words
    wire      as it comes over LMTP, before dot-stuffing: CRLF ends lines, the rest are bytes
    stdin     the same message as an MTA hands it to a program: LF ends lines
    stored    what shall stand in the store below our own top block: CRLF as LF, all else untouched,
              a Return-Path or X-Original-To that came with the message removed
    fronts    which fronts can be given this message at all
"""

import base64
import random
import re

BOTH = ("deliver", "lmtp")
HEAD = (b"From: Sender <sender@sender.test>\r\nTo: alice@example.test\r\n"
        b"Date: Sat, 21 Nov 2026 09:00:00 +0000\r\nMessage-ID: <%s@sender.test>\r\n"
        b"Subject: %s\r\n")

_OUR_FIELDS = re.compile(rb"(?:Return-Path|X-Original-To)[ \t]*:", re.IGNORECASE)
_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")


class Row:
    def __init__(self, name, wire, fronts=BOTH, stdin=None):
        self.name = name
        self.wire = wire
        self.fronts = fronts
        text = wire.replace(b"\r\n", b"\n")
        self.stdin = text if stdin is None else stdin
        self.stored = without_foreign_fields(self.stdin if "lmtp" not in fronts else text)

    def __repr__(self):
        return "%s (%d bytes)" % (self.name, len(self.wire))


def without_foreign_fields(text):
    kept = []
    lines = re.findall(rb"[^\n]*\n|[^\n]+", text)
    dropping = False
    for number, line in enumerate(lines):
        if line[:1] in b" \t" and number:
            if not dropping:
                kept.append(line)
            continue
        if not _FIELD.match(line):
            return b"".join(kept + lines[number:])
        dropping = bool(_OUR_FIELDS.match(line))
        if not dropping:
            kept.append(line)
    return b"".join(kept)


def _head(name, extra=b""):
    return HEAD % (re.sub(rb"[^a-z0-9]+", b".", name.encode().lower()), name.encode()) + extra


def _small(extra=b""):
    return _head("small", extra) + b"\r\nx\r\n"


def _mime(boundary, parts):
    lines = [b"This is a multi-part message in MIME format.\r\n"]
    for part in parts:
        lines.append(b"--%s\r\n%s\r\n" % (boundary, part))
    return b"".join(lines) + b"--%s--\r\n" % boundary


def _shapes():
    """What is there of a message and what is not."""
    yield "plain", _head("plain") + b"\r\nHello.\r\n"
    yield "empty", b""
    yield "one empty line", b"\r\n"
    yield "body only", b"\r\nno header at all\r\n"
    yield "no header, text at once", b"This is no header line\r\nand neither is this\r\n"
    yield "header only, with blank line", _head("header only") + b"\r\n"
    yield "header only, no blank line", _head("no blank line")
    yield "one field", b"Subject: alone\r\n"
    yield "empty subject", b"Subject:\r\n\r\nx\r\n"
    yield "header ends at a line that is none", _head("h") + b"not a field\r\n\r\nbody\r\n"
    yield "blank lines at the end", _head("blank") + b"\r\nx\r\n\r\n\r\n\r\n"
    yield "blank lines only", b"\r\n" * 50
    yield "space before the colon", b"Subject : odd\r\nFrom: a@b.test\r\n\r\nx\r\n"
    yield "fields without space", b"From:a@b.test\r\nTo:c@d.test\r\n\r\nx\r\n"
    yield "a line of blanks in the header", _head("blanks") + b"  \r\nX-After: y\r\n\r\nx\r\n"
    yield "folded fields", _small(b"X-Folded: one\r\n two\r\n\tthree\r\n   four\r\n")
    yield "folded with empty folds", _head("e", b"X-Empty:\r\n\r\n") + b"x\r\n"
    yield "duplicate fields", _small(b"Subject: again\r\nSubject: and again\r\n")
    yield "one byte", b"x\r\n"
    yield "a dot alone", b".\r\n"
    yield "a colon alone", b":\r\n\r\nx\r\n"


def _dots():
    for name, body in {
            "leading dot": b".x\r\n", "only a dot": b".\r\n", "two dots": b"..\r\n",
            "many dots": b".\r\n..\r\n...\r\n.\r\n", "dot at the very end": b"x\r\n.\r\n",
            "dot after bare LF": b"x\n.\r\n", "dot after bare CR": b"x\r.\r\ny\r\n",
            "dot and bare LF": b"x\r\n.\ny\r\n", "smuggling LF dot LF": b"x\n.\nMAIL FROM:<>\r\n",
            "smuggling LF dot CRLF": b"x\n.\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n",
            "smuggling CR dot CR": b"x\r.\rQUIT\r\n", "dot in a long line": b"." * 3000 + b"\r\n",
            "QUIT in the body": b"QUIT\r\nRSET\r\n"}.items():
        yield name, _head(name) + b"\r\n" + body
    yield "dot in the header", b".Subject: x\r\n\r\nx\r\n"


def _bytes():
    for name, body in {
            "NUL in the body": b"a\0b\r\n", "NULs only": b"\0" * 300 + b"\r\n",
            "NUL at line ends": b"a\0\r\n\0b\r\n\0\r\n", "bare LF": b"one\ntwo\n\nthree\r\n",
            "bare CR": b"one\rtwo\r\rthree\r\n", "bare CR at a line's start": b"\rx\r\n\ry\r\n",
            "bare LF then CRLF": b"x\n\r\ny\r\n", "bare LF only": b"a\nb\nc\n\r\n",
            "latin-1": b"caf\xe9 na\xefve\r\n", "UTF-8": "Grüße, 你好, 🥄\r\n".encode(),
            "broken UTF-8": b"\xc3\r\n\xe2\x82\r\n\xff\xfe\xfd\r\n", "all bytes but CR and LF":
            bytes(sorted(set(range(256)) - {10, 13})) + b"\r\n", "control characters":
            b"\x01\x02\x07\x08\x0b\x0c\x0e\x1b[31m\x7f\r\n", "DEL and C1": b"\x7f\x80\x9f\r\n",
            "byte order mark": b"\xef\xbb\xbfbody\r\n", "UTF-16": "wide\r\n".encode("utf-16-le")
            + b"\r\n", "tabs and trailing blanks": b"\ta \t \r\n   \r\n\t\r\n",
            "form feed": b"one\r\n\x0c\r\ntwo\r\n", "IAC": b"\xff\xf4\xff\xfd\r\n"}.items():
        yield name, _head(name) + b"\r\n" + body
    yield "NUL in the header", _small(b"X-Nul: a\0b\r\n")
    yield "bare CR in the header", _small(b"X-Cr: a\rb\r\n")
    yield "bare LF in the header", _small(b"X-One: a\nX-Two: b\r\n")
    yield "latin-1 header", _small(b"X-Raw: caf\xe9\r\n")
    yield "UTF-8 header", _head("u", "X-Raw: Grüße 你好\r\n".encode()) + b"\r\nx\r\n"
    yield "UTF-8 addresses", "From: jürgen@bücher.test\r\nTo: 你@例.test\r\n\r\nx\r\n".encode()
    yield "encoded words", _small(b"X-W: =?utf-8?q?=C3=BC?= =?iso-8859-1?b?/A==?=\r\n")
    yield "broken encoded words", _small(b"X-W: =?utf-8?q?=ZZ?= =?x?y?z?=\r\n")
    yield "NUL as the first byte", b"\0\r\n\r\nx\r\n"


def _from_lines():
    for name, body in {
            "From line in the body": b"x\r\n\r\nFrom here on\r\n", "From line first in the body":
            b"From a@b Sat Nov 21 09:00:00 2026\r\n", "quoted From line":
            b">From x\r\n>>From y\r\n",
            "mbox in the body": b"From a@b Sat Nov 21 09:00:00 2026\r\nSubject: z\r\n\r\n"
            b"y\r\n\r\nFrom c@d Sat Nov 21 09:00:00 2026\r\n\r\n"}.items():
        yield name, _head(name) + b"\r\n" + body


def _traces():
    """Fields that pretend to come from the last MTA, and those that do not."""
    received = b"Received: from a.test by b.test\r\n\twith ESMTP id 1; Sat, 21 Nov 2026\r\n"
    yield "Received first", received + _small()
    yield "a hundred Received", received * 99 + _small()
    yield "forged Return-Path below", received + b"Return-Path: <evil@x.test>\r\n" + _small()
    yield "forged Return-Path at the top", b"Return-Path: <evil@x.test>\r\n" + _small()
    yield "forged X-Original-To", received + b"X-Original-To: evil@x.test\r\n" + _small()
    yield "forged, folded", received + b"Return-Path:\r\n <evil@x.test>\r\n\tmore\r\n" + _small()
    odd = b"rEtUrN-pAtH: <e@x.test>\r\nx-original-to: e@x\r\n"
    yield "forged, odd case", received + odd + _small()
    yield "forged, twice", received + b"Return-Path: <a@x.test>\r\n" * 2 + _small()
    yield "forged as the last field", _small(b"Return-Path: <evil@x.test>\r\n")
    yield "Delivered-To of another", received + b"Delivered-To: other@x.test\r\n" + _small()
    yield "Return-Path in the body", _head("b") + b"\r\nReturn-Path: <stays@x.test>\r\n"
    yield "names that only begin so", _small(b"Return-Path-X: 1\r\nX-Original-Too: 2\r\n")


def _mimes():
    text = b"Content-Type: text/plain; charset=utf-8\r\n\r\nbody\r\n"
    html = (b"Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
            b"<p>=C3=BC=\r\n</p>\r\n")
    noise = random.Random(1).randbytes(20000)
    file = (b"Content-Type: application/octet-stream; name=\"a b.bin\"\r\n"
            b"Content-Transfer-Encoding: base64\r\n\r\n"
            + base64.encodebytes(noise).replace(b"\n", b"\r\n"))
    for kind in (b"mixed", b"alternative", b"related", b"report", b"signed"):
        extra = b"MIME-Version: 1.0\r\nContent-Type: multipart/%s; boundary=\"=_x\"\r\n" % kind
        parts = _mime(b"=_x", [text, html, file])
        yield "multipart/" + kind.decode(), _head("m", extra) + b"\r\n" + parts
    extra = b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n"
    yield "unfinished multipart", _head("m", extra) + b"\r\n--b\r\n" + text
    yield "multipart without parts", _head("m", extra) + b"\r\nnothing\r\n"
    yield "multipart without boundary", _small(b"Content-Type: multipart/mixed\r\n")
    inner = b"Content-Type: message/rfc822\r\n\r\n" + _head("inner") + b"\r\nin\r\n"
    yield "message in a message", _head("m", extra) + b"\r\n" + _mime(b"b", [text, inner])
    deep = text
    for level in range(60):
        name = b"n%d" % level
        deep = b"Content-Type: multipart/mixed; boundary=%s\r\n\r\n" % name + _mime(name, [deep])
    yield "sixty levels of parts", _head("m", b"MIME-Version: 1.0\r\n")[:-2] + b"\r\n" + deep
    yield "binary part", _head("m", extra) + b"\r\n" + _mime(b"b", [
        b"Content-Transfer-Encoding: binary\r\n\r\n"
        + noise.replace(b"\r", b"").replace(b"\n", b"")])
    yield "boundary of dots", _head("m", extra) + b"\r\n" + _mime(b"...", [text])
    for charset in (b"iso-2022-jp", b"koi8-r", b"gb18030", b"utf-7", b"no-such-charset"):
        extra = b"Content-Type: text/plain; charset=%s\r\n" % charset
        yield "charset " + charset.decode(), _head("c", extra) + b"\r\n\x1b$B$3\x1b(B \xc4\xc5\r\n"


def _sizes():
    """Around every length where some buffer ends."""
    for length in (77, 78, 79, 510, 511, 512, 513, 996, 997, 998, 999, 1000, 1001, 1022, 1023, 1024,
                   2047, 2048, 2049, 4094, 4095, 4096, 4097, 8191, 8192, 8193, 16384, 32768, 65535,
                   65536, 65537, 100000):
        yield "line of %d" % length, _head("line") + b"\r\n" + b"x" * length + b"\r\nend\r\n"
    for length in (998, 2048, 4096, 8192, 65536, 100000):
        yield "field of %d" % length, _small(b"X-Long: " + b"y" * length + b"\r\n")
        yield "8-bit line of %d" % length, _head("8") + b"\r\n" + b"\xe9" * length + b"\r\n"
    for total in (4095, 4096, 4097, 8191, 8192, 8193, 65535, 65536, 65537, 131071, 131072, 131073,
                  262144, 1048576, 3000000):
        start = _head("size") + b"\r\n"
        rest = total - len(start)
        line = b"0123456789" * 7 + b"\r\n"
        body = (line * (rest // len(line) + 1))[:rest - 2].replace(b"\r", b"z") + b"\r\n"
        yield "message of %d" % total, start + body
    for cut in range(-3, 4):
        for edge in (4096, 65536):
            start = _head("edge") + b"\r\n"
            line = b"x" * (edge + cut - len(start))
            yield "CRLF at %d%+d" % (edge, cut), start + line + b"\r\n.\r\nend\r\n"
    yield "header of 300 KB in fields", _small(b"X-Many: abcdefghijklmnopqrstuvw\r\n" * 9000)
    folds = b" abcdefghijklmnopqrstuvwxyz\r\n" * 11000
    yield "header of 300 KB folded", _small(b"X-One: a\r\n" + folds)
    yield "ten thousand short lines", _head("short") + b"\r\n" + b"a\r\n" * 10000
    yield "ten thousand bare LF", _head("short") + b"\r\n" + b"a\n" * 10000 + b"\r\n"
    yield "ten thousand bare CR", _head("short") + b"\r\n" + b"a\r" * 10000 + b"b\r\n"


def _random_bodies():
    """Mixtures nobody would write by hand, out of the pieces that matter."""
    pieces = [b"\r\n", b"\n", b".", b"..", b"\0", b"\r ", b"From ", b"text ", b"\xc3\xbc", b":",
              b" ", b"\r\n.", b"\n.", b"\r\n\r\n", b"Return-Path: x", b"\xff"]
    for seed in range(24):
        generator = random.Random(seed)
        body = b"".join(generator.choice(pieces) for _ in range(generator.randrange(20, 400)))
        body = re.sub(rb"\r+\n", b"\r\n", body).rstrip(b"\r")
        yield "random mixture %d" % seed, _head("random") + b"\r\n" + body + b"!\r\n"


def _deliver_only():
    """What no LMTP client can send: text that does not end in a newline, and files with CRLF."""
    no_end = _head("no end").replace(b"\r\n", b"\n") + b"\nlast line"
    yield Row("no final newline", b"", ("deliver",), no_end)
    yield Row("no final newline, header only", b"", ("deliver",), b"Subject: x")
    yield Row("no final newline, dot", b"", ("deliver",), b"Subject: x\n\n.")


def _lmtp_only():
    yield Row("CR CR LF", _head("ccl") + b"\r\nx\r\r\ny\r\n", ("lmtp",))
    yield Row("CR CR CR LF dot", _head("cccl") + b"\r\nx\r\r\r\n.\r\n", ("lmtp",))


def rows():
    found = []
    for family in (_shapes, _dots, _bytes, _from_lines, _traces, _mimes, _sizes, _random_bodies):
        found += [Row(name, wire) for name, wire in family()]
    found += list(_deliver_only()) + list(_lmtp_only())
    names = [row.name for row in found]
    assert len(set(names)) == len(names), "names are unique"
    assert len(found) >= 200
    return found


if __name__ == "__main__":
    for row in rows():
        print("%9d  %-18s %s" % (len(row.wire), "+".join(row.fronts), row.name))
