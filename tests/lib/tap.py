"""TAP for tests written in Python.

A test file registers its cases in the order they shall run and ends with tap.main():

    @tap.setup
    def servers(): ...              # once, before the first case; may return nothing

    @tap.case("an unknown recipient is refused with our text")
    def _():
        tap.equal(reply.code, 550)

With TAP_SKIP_ALL in the environment (tests/run.sh sets it where a lab cannot be had) nothing runs:
every case is named and skipped, so that nobody takes a short run for a good one.
"""

import os
import sys
import time
import traceback

_cases = []
_setups = []
_witnesses = {}


class Skip(Exception):
    """Raised by skip(): this case cannot be judged here."""


def case(name):
    def register(function):
        _cases.append((name, function))
        return function
    return register


def setup(function):
    _setups.append(function)
    return function


def witness(name, text):
    """What to show beside a failed case: text() is called when one fails, its end is printed."""
    _witnesses[name] = text


def skip(reason):
    raise Skip(reason)


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def equal(got, wanted, what=""):
    if got != wanted:
        raise AssertionError("%s\n     got: %s\n  wanted: %s" % (what, _short(got), _short(wanted)))


def contains(whole, part, what=""):
    if part not in whole:
        raise AssertionError("%s\n  %s\n  is not in: %s" % (what, _short(part), _short(whole)))


def until(probe, what, limit_s=20):
    """Ask until the answer is true and return it; never a blind sleep."""
    end = time.monotonic() + limit_s
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError("not within %d s: %s" % (limit_s, what))
        time.sleep(0.02)


def _short(value):
    text = repr(value)
    return text if len(text) < 1200 else "%s ... %s" % (text[:700], text[-400:])


def _say(text):
    print(text, flush=True)


def _note(text):
    for line in text.splitlines():
        _say("# " + line)


def _show_witnesses():
    for name, text in _witnesses.items():
        try:
            lines = text().splitlines()[-40:]
        except Exception as problem:
            lines = ["(cannot be shown: %s)" % problem]
        if lines:
            _note("-- %s" % name)
            _note("\n".join(lines))


def _run(number, name, function):
    """True unless the case failed."""
    started = time.monotonic()
    try:
        function()
    except Skip as reason:
        _say("ok %d - %s # SKIP %s" % (number, name, reason))
    except BaseException as problem:
        if isinstance(problem, KeyboardInterrupt):
            raise
        _say("not ok %d - %s" % (number, name))
        if not isinstance(problem, AssertionError):
            _note(traceback.format_exc())
        else:
            last = traceback.extract_tb(problem.__traceback__)[1]
            _note("line %s: %s" % (last.lineno, problem))
        _show_witnesses()
        return False
    else:
        _say("ok %d - %s" % (number, name))
        took_s = time.monotonic() - started
        if took_s > 10:
            _note("took %.1f s" % took_s)
    return True


def main():
    _say("1..%d" % len(_cases))
    reason = os.environ.get("TAP_SKIP_ALL")
    broken = None
    if not reason:
        try:
            for function in _setups:
                function()
        except Skip as problem:
            reason = str(problem)
        except Exception as problem:
            broken = problem
            _note(traceback.format_exc())
            _show_witnesses()
    good = True
    for number, (name, function) in enumerate(_cases, 1):
        if reason:
            _say("ok %d - %s # SKIP %s" % (number, name, reason))
        elif broken:
            _say("not ok %d - %s" % (number, name))
            _note("the servers could not be set up: %s" % broken)
            good = False
        else:
            good = _run(number, name, function) and good
    sys.exit(0 if good else 1)
