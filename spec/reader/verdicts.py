"""What a reader says of bytes: chapters 2, 3 and 6, step by step."""

import hashlib

import sources
from cbor import Malformed, Reader, UnknownVersion
from eth_utils import keccak
from signing import SCHEMES, Signed, SignatureMalformed, address, hexed

LAST_TIMESTAMP = 253_370_764_799_999
LONGEST_GRANT = 63_244_800_000
AHEAD = 300_000
SCOPE = "publish posts; cannot move money"
ZERO = bytes(32)


class Refused(Exception):
    """The name of the refusal."""

    @property
    def name(self):
        return self.args[0]


def refuse(name, condition):
    if condition:
        raise Refused(name)


def scheme_of(reader):
    number = reader.uint()
    if number not in SCHEMES:
        raise Malformed("an unknown scheme")
    return number


def reading(read):
    """Runs a function that reads; faults of the encoding become refusals."""
    try:
        return read()
    except Malformed as error:
        raise Refused("malformed") from error
    except UnknownVersion as error:
        raise Refused("unknown_version") from error


def check_signature(signed, expected, malformed, not_by):
    try:
        signer = signed.signer()
    except SignatureMalformed as error:
        raise Refused(malformed) from error
    refuse(not_by, signer != address(expected))


class Grant:
    """Chapter 2.2."""

    def __init__(self, reader):
        reader.versioned(11)
        self.account = reader.bytes(20)
        self.device = reader.bytes(20)
        self.encryption_key_hash = reader.bytes(32)
        self.successor_hash = reader.bytes(32)
        self.scope = reader.text(64)
        self.issued_at = reader.uint()
        self.expires_at = reader.uint()
        self.epoch = reader.uint()
        scheme = scheme_of(reader)
        self.signed = Signed("DeviceKey", self._message(), scheme, reader.bytes(64))

    def _message(self):
        return {
            "account": address(self.account),
            "device": address(self.device),
            "encryptionKeyHash": hexed(self.encryption_key_hash),
            "successorHash": hexed(self.successor_hash),
            "scope": self.scope,
            "issuedAt": str(self.issued_at),
            "expiresAt": str(self.expires_at),
            "epoch": str(self.epoch),
        }

    def check_numbers(self):
        latest = max(self.issued_at, self.expires_at)
        refuse("number_too_large", latest > LAST_TIMESTAMP or self.epoch > self.issued_at)

    def check(self):
        refuse("unknown_scope", self.scope != SCOPE)
        refuse("grant_reversed", self.expires_at < self.issued_at)
        refuse("grant_too_long", self.expires_at - self.issued_at > LONGEST_GRANT)

    def check_signature(self):
        check_signature(
            self.signed, self.account, "grant_signature_malformed", "grant_not_signed_by_account"
        )

    def decoded(self):
        return {
            "account": address(self.account),
            "device": address(self.device),
            "encryption_key_hash": hexed(self.encryption_key_hash),
            "successor_hash": hexed(self.successor_hash),
            "scope": self.scope,
            "issued_at": self.issued_at,
            "expires_at": self.expires_at,
            "epoch": self.epoch,
            "signed": self.signed.decoded(),
        }


class Record:
    """Chapter 2.3."""

    def __init__(self, reader):
        reader.versioned(11)
        self.account = reader.bytes(20)
        self.epoch = reader.uint()
        self.timestamp = reader.uint()
        self.root = reader.link()
        self.parents = [reader.bytes(32) for _ in reader.array(4)]
        self.delta = None if reader.null() else reader.bytes(32)
        if self.delta == ZERO:
            raise Malformed("zeros instead of null")
        self.locations = [reader.text(128) for _ in reader.array(6)]
        self.scheme = scheme_of(reader)
        self.signature = reader.bytes(64)
        self.grant = None if reader.null() else Grant(reader)
        reader.end()

    def signed(self):
        grant = self.grant.signed.digest() if self.grant else ZERO
        message = {
            "account": address(self.account),
            "epoch": str(self.epoch),
            "timestamp": str(self.timestamp),
            "root": str(self.root),
            "parents": [hexed(parent) for parent in self.parents],
            "delta": hexed(self.delta or ZERO),
            "locations": self.locations,
            "grant": hexed(grant),
        }
        return Signed("FeedRecord", message, self.scheme, self.signature)

    def signer(self):
        return self.grant.device if self.grant else self.account

    def check_fields(self):
        refuse("number_too_large", self.timestamp > LAST_TIMESTAMP or self.epoch > self.timestamp)
        if self.grant:
            self.grant.check_numbers()
        refuse("root_not_a_directory", self.root.codec != "dag-pb")
        pairs = zip(self.parents, self.parents[1:])
        refuse("parents_unordered", any(a >= b for a, b in pairs) or ZERO in self.parents)
        for location in self.locations:
            visible = location and all("\x21" <= c <= "\x7e" for c in location)
            refuse("location_malformed", not visible or self.locations.count(location) > 1)

    def check_grant(self):
        grant = self.grant
        refuse("grant_of_another_account", grant.account != self.account)
        grant.check()
        refuse("epoch_not_of_grant", grant.epoch != self.epoch)
        refuse("before_grant", self.timestamp < grant.issued_at)
        refuse("after_grant", self.timestamp > grant.expires_at)
        grant.check_signature()


def verify_record(data, now, highest_epoch):
    refuse("too_large", len(data) > 996)
    record = reading(lambda: Record(Reader(data)))
    record.check_fields()
    if record.grant:
        record.check_grant()
    signed = record.signed()
    check_signature(signed, record.signer(), "signature_malformed", "not_signed_by_signer")
    refuse("epoch_superseded", record.epoch < highest_epoch)
    refuse("from_the_future", record.timestamp > now + AHEAD)
    return record, signed


def decode_record(data, now, highest_epoch):
    record, signed = verify_record(data, now, highest_epoch)
    return {
        "account": address(record.account),
        "epoch": record.epoch,
        "timestamp": record.timestamp,
        "root": str(record.root),
        "parents": [hexed(parent) for parent in record.parents],
        "delta": hexed(record.delta) if record.delta else None,
        "locations": record.locations,
        "grant": record.grant.decoded() if record.grant else None,
        "signer": address(record.signer()),
        "signed": signed.decoded(),
    }


def _read_grant(data):
    reader = Reader(data)
    grant = Grant(reader)
    reader.end()
    return grant


def decode_grant(data):
    grant = reading(lambda: _read_grant(data))
    grant.check_numbers()
    grant.check()
    grant.check_signature()
    return grant.decoded()


def _read_succession(data):
    reader = Reader(data)
    reader.versioned(7)
    fields = reader.bytes(20), reader.bytes(20), reader.bytes(32), reader.uint()
    signature = scheme_of(reader), reader.bytes(64)
    reader.end()
    return fields, signature


def decode_succession(data, account, commitment, now):
    fields, signature = reading(lambda: _read_succession(data))
    of, successor, salt, timestamp = fields
    refuse("number_too_large", timestamp > LAST_TIMESTAMP)
    revealed = keccak(successor + salt)
    refuse("not_the_successor", address(of) != account or revealed != commitment)
    message = {
        "account": address(of),
        "successor": address(successor),
        "salt": hexed(salt),
        "timestamp": str(timestamp),
    }
    signed = Signed("Succession", message, *signature)
    check_signature(signed, successor, "signature_malformed", "not_signed_by_signer")
    refuse("from_the_future", timestamp > now + AHEAD)
    return {**message, "timestamp": timestamp, "signed": signed.decoded()}


def _read_delta(data):
    reader = Reader(data)
    reader.versioned(6)
    size = len(data)
    base = None if reader.null() else str(reader.link())
    items = [sources.read(reader.text(size), sources.ITEM) for _ in reader.array(size)]
    tombstones = [_read_tombstone(reader) for _ in reader.array(size)]
    profile = None if reader.null() else sources.read(reader.text(size), sources.PROFILE)
    follows = {} if reader.null() else sources.read(reader.text(size), sources.FOLLOWS)
    reader.end()
    return {
        "base": base,
        "items": items,
        "tombstones": tombstones,
        "profile": profile,
        "follows": follows,
    }


def _read_tombstone(reader):
    reader.array_of(2)
    date, own = reader.uint(), int.from_bytes(reader.bytes(10), "big")
    alphabet = "abcdefghijklmnopqrstuvwxyz234567"
    text = "".join(alphabet[own >> shift & 31] for shift in range(75, -1, -5))
    return {"date": date, "id": text}


def decode_delta(data, expected):
    refuse("too_large", len(data) > 16_384)
    refuse("hash_mismatch", hashlib.sha256(data).digest() != expected)
    try:
        return reading(lambda: _read_delta(data))
    except sources.NotThis as error:
        raise Refused("malformed_source") from error


def judge(given):
    """The verdict on the `input` of a vector, and what the bytes say if they are valid."""
    data = bytes.fromhex(given["bytes"])
    try:
        match given["kind"]:
            case "record":
                decoded = decode_record(data, given["now"], given["highest_epoch"])
            case "grant":
                decoded = decode_grant(data)
            case "succession":
                commitment = bytes.fromhex(given["commitment"])
                decoded = decode_succession(data, given["account"], commitment, given["now"])
            case "delta":
                decoded = decode_delta(data, bytes.fromhex(given["hash"]))
            case other:
                raise ValueError(f"no such kind: {other}")
    except Refused as refused:
        return refused.name, None
    return "valid", decoded
