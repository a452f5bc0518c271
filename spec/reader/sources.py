"""Canonical JSON of items, profiles and follows (chapter 3.3).

A type is a function that takes a value out of a JSON text, raises `NotThis` unless the value
is of the type, and gives what is written for it; `LEFT_OUT` where nothing is.
"""

import json

from eth_utils import is_checksum_address

LEFT_OUT = object()


class NotThis(Exception):
    """The value is not of the type."""


def demand(condition):
    if not condition:
        raise NotThis


def string(value):
    demand(isinstance(value, str))
    return value


def whole(bits):
    def read(value):
        demand(isinstance(value, int) and not isinstance(value, bool))
        demand(0 <= value < 1 << bits)
        return value

    return read


def boolean(value):
    demand(isinstance(value, bool))
    return value


def address(value):
    demand(isinstance(value, str) and len(value) == 42 and value[:2] == "0x")
    demand(value.isascii() and value[2:].isalnum() and is_checksum_address(value))
    return value


def item_id(value):
    demand(isinstance(value, str) and len(value) == 16)
    demand(all(c in "abcdefghijklmnopqrstuvwxyz234567" for c in value))
    return value


def web(value):
    return isinstance(value, str) and value.startswith(("https://", "http://"))


def target(value):
    if not web(value):
        demand(isinstance(value, str) and value.startswith("ourspace:") and "/" in value)
        account, own = value[len("ourspace:") :].split("/", 1)
        address(account)
        item_id(own)
    return value


def followee(value):
    return value if web(value) else address(value)


def one_of(*words):
    def read(value):
        demand(isinstance(value, str) and value in words)
        return value

    return read


def array(of, exactly=None):
    def read(value):
        demand(isinstance(value, list))
        demand(exactly is None or len(value) == exactly)
        return [of(one) for one in value]

    return read


def or_null(of):
    return lambda value: None if value is None else of(value)


def optional(of):
    """Left out when absent."""

    def read(value):
        return LEFT_OUT if value is LEFT_OUT else of(value)

    return read


def unless(default, of):
    """Left out when it is the default."""

    def read(value):
        if value is LEFT_OUT:
            return LEFT_OUT
        read = of(value)
        return LEFT_OUT if read == default else read

    return read


def record(**fields):
    def read(value):
        demand(isinstance(value, dict))
        demand(set(value) <= set(fields))
        out = {}
        for key, of in fields.items():
            written = of(value.get(key, LEFT_OUT))
            if written is not LEFT_OUT:
                out[key] = written
        return out

    return read


def stamped(of):
    return record(value=of, written=U64)


def texts(of):
    """Named texts; left out when there are none."""

    def read(value):
        demand(isinstance(value, dict))
        return {string(name): of(text) for name, text in value.items()}

    return unless({}, read)


def rows(key, of):
    def read(value):
        demand(isinstance(value, dict) and value)
        return {key(name): of(row) for name, row in value.items()}

    return read


U32, U64 = whole(32), whole(64)
WORDS = unless([], array(string))
FILE = record(path=string, size=U64, type=string, pixels=optional(array(U32, exactly=2)))
ATTACHMENT = record(
    file=FILE,
    alt=unless("", string),
    title=optional(string),
    duration=optional(U64),
    thumbhash=optional(string),
    variants=unless([], array(FILE)),
    original=optional(FILE),
    poster=optional(FILE),
)
LABELS = record(
    language=optional(string),
    tags=WORDS,
    warning=optional(string),
    mentions=unless([], array(address)),
)
ABOUT = record(target=target, thread=optional(target), value=optional(string))
ITEM = record(
    id=item_id,
    kind=one_of("post", "reply", "repost", "quote", "like", "vote"),
    date=U64,
    written=optional(U64),
    edits=unless(0, U32),
    title=optional(string),
    text=unless("", string),
    labels=unless({}, LABELS),
    about=optional(ABOUT),
    attachments=unless([], array(ATTACHMENT)),
    origin=optional(string),
    renderer=U32,
    more=texts(string),
)
PROFILE = record(
    display_name=stamped(string),
    bio=stamped(string),
    avatar=stamped(or_null(ATTACHMENT)),
    banner=stamped(or_null(ATTACHMENT)),
    links=stamped(array(record(label=string, url=string))),
    tox=stamped(or_null(string)),
    email=stamped(or_null(string)),
    payments=stamped(array(record(kind=string, address=string))),
    names=stamped(array(string)),
    language=stamped(or_null(string)),
    more=texts(stamped(string)),
)
FOLLOWS = rows(followee, stamped(record(following=boolean, title=optional(string))))

ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}


def quoted(text):
    return '"' + "".join(
        ESCAPES.get(c) or (f"\\u{ord(c):04x}" if c < " " else c) for c in text
    ) + '"'


def canonical(value):
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode())
        return "{" + ",".join(quoted(key) + ":" + canonical(value[key]) for key in keys) + "}"
    return {None: "null", True: "true", False: "false"}[value] if not _number(value) else str(value)


def _number(value):
    return isinstance(value, int) and not isinstance(value, bool)


def _object(pairs):
    out = dict(pairs)
    demand(len(out) == len(pairs))
    return out


def _refuse(_):
    raise NotThis


def read(text, of):
    """The value of a text, if that is the canonical JSON of the type."""
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_float=_refuse, parse_constant=_refuse
        )
        written = of(value)
        demand(canonical(written) == text)
        return written
    except (ValueError, RecursionError, UnicodeError) as error:
        raise NotThis from error
