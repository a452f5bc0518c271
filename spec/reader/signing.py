"""Typed data, texts and signatures (chapter 1), by eth-account."""

from functools import lru_cache

from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data
from eth_keys.exceptions import BadSignature
from eth_keys.exceptions import ValidationError as KeyError_
from eth_utils import keccak, to_checksum_address
from eth_utils.exceptions import ValidationError

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

TYPES = {
    "DeviceKey": (
        "allow a device to publish for this account",
        "address account,address device,bytes32 encryptionKeyHash,bytes32 successorHash,"
        "string scope,uint64 issuedAt,uint64 expiresAt,uint64 epoch",
    ),
    "FeedRecord": (
        "publish a version of a feed",
        "address account,uint64 epoch,uint64 timestamp,string root,bytes32[] parents,"
        "bytes32 delta,string[] locations,bytes32 grant",
    ),
    "Succession": (
        "continue a lost account",
        "address account,address successor,bytes32 salt,uint64 timestamp",
    ),
}
SCHEMES = {0: "typed_data", 1: "personal_text"}


class SignatureMalformed(Exception):
    """No address follows from the signature."""


def address(data):
    return to_checksum_address(data)


def hexed(data):
    return "0x" + bytes(data).hex()


class Signed:
    """A value with its signature. `message` maps the fields of the type to JSON values."""

    def __init__(self, primary, message, scheme, signature):
        self.primary = primary
        self.title, fields = TYPES[primary]
        self.fields = [tuple(field.split(" ")) for field in fields.split(",")]
        self.message = message
        self.scheme = SCHEMES[scheme]
        self.signature = signature

    def typed_data(self):
        return {
            "domain": {"name": "OurSpace", "version": "1"},
            "types": {
                "EIP712Domain": [
                    {"name": "name", "type": "string"},
                    {"name": "version", "type": "string"},
                ],
                self.primary: [{"name": name, "type": kind} for kind, name in self.fields],
            },
            "primaryType": self.primary,
            "message": self.message,
        }

    def personal_text(self):
        text = "OurSpace, version 1: " + self.title + "\n"
        for _, name in self.fields:
            value = self.message[name]
            values = value if isinstance(value, list) else [value]
            text += "\n" + name + ":" + "".join(" " + one for one in values)
        return text

    def digest(self):
        return _hash(encode_typed_data(full_message=self.typed_data()))

    def signing_hash(self):
        return _hash(self._signable())

    def _signable(self):
        if self.scheme == "typed_data":
            return encode_typed_data(full_message=self.typed_data())
        return encode_defunct(text=self.personal_text())

    def signer(self):
        """The address that signed."""
        return recover(self._signable(), self.signature)

    def decoded(self):
        return {
            "digest": hexed(self.digest()),
            "scheme": self.scheme,
            "signing_hash": hexed(self.signing_hash()),
            "signature": hexed(self.signature),
            "typed_data": self.typed_data(),
            "personal_text": self.personal_text(),
        }


def _hash(signable):
    return keccak(b"\x19" + signable.version + signable.header + signable.body)


@lru_cache(maxsize=4096)
def recover(signable, signature):
    """Who signed, by chapter 1.2."""
    r = int.from_bytes(signature[:32], "big")
    s = int.from_bytes(signature[32:], "big")
    parity = s >> 255
    s &= (1 << 255) - 1
    if not 0 < r < ORDER or not 0 < s <= ORDER // 2:
        raise SignatureMalformed
    try:
        return Account.recover_message(signable, vrs=(27 + parity, r, s))
    except (BadSignature, KeyError_, ValidationError, ValueError) as error:
        raise SignatureMalformed from error
