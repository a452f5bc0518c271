"""Deterministic DAG-CBOR, as far as chapter 0.3 needs it, and CIDs (chapter 5.1)."""

CODECS = {0x55: "raw", 0x70: "dag-pb", 0x71: "dag-cbor"}


class Malformed(Exception):
    """The bytes are not the encoding of what they should be."""


class UnknownVersion(Exception):
    """The bytes were written for another version."""


class Cid:
    """A CIDv1 over SHA-256."""

    def __init__(self, data):
        if len(data) != 36 or data[0] != 1 or data[2:4] != b"\x12\x20" or data[1] not in CODECS:
            raise Malformed("not a CIDv1 with sha2-256")
        self.data = data

    @property
    def codec(self):
        return CODECS[self.data[1]]

    def __str__(self):
        alphabet = "abcdefghijklmnopqrstuvwxyz234567"
        number = int.from_bytes(self.data, "big") << 2  # 288 bits are 57.6 digits of 5 bits
        return "b" + "".join(alphabet[number >> shift & 31] for shift in range(285, -1, -5))


class Reader:
    """Reads one value after the other and stops at the first fault."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def left(self):
        return len(self.data) - self.at

    def take(self, count):
        if count > self.left():
            raise Malformed("the input ends too early")
        part = self.data[self.at : self.at + count]
        self.at += count
        return part

    def end(self):
        if self.left():
            raise Malformed("bytes after the end")

    def head(self, major):
        first = self.take(1)[0]
        if first >> 5 != major:
            raise Malformed("another type was expected")
        info = first & 31
        if info < 24:
            return info
        if info > 27:
            raise Malformed("no definite length")
        width = 1 << (info - 24)
        value = int.from_bytes(self.take(width), "big")
        if value < (24 if width == 1 else 1 << (4 * width)):
            raise Malformed("not the shortest head")
        return value

    def uint(self):
        return self.head(0)

    def bytes(self, count):
        length = self.head(2)
        data = self.take(length)
        if length != count:
            raise Malformed("a byte string of another size")
        return data

    def text(self, limit):
        data = self.take(self.head(3))
        if len(data) > limit:
            raise Malformed("a text longer than its limit")
        try:
            return data.decode("utf-8", "strict")
        except UnicodeDecodeError as error:
            raise Malformed("a text that is not UTF-8") from error

    def array(self, limit):
        count = self.head(4)
        if count > limit or count > self.left():
            raise Malformed("an array of too many values")
        return range(count)

    def array_of(self, count):
        if len(self.array(count)) != count:
            raise Malformed("an array of another length")

    def versioned(self, count):
        found = self.head(4)
        if found == 0:
            raise Malformed("an empty array")
        if self.uint() != 1:
            raise UnknownVersion
        if found != count:
            raise Malformed("an array of another length")

    def null(self):
        if self.data[self.at : self.at + 1] == b"\xf6":
            self.at += 1
            return True
        return False

    def link(self):
        if self.head(6) != 42:
            raise Malformed("another tag than 42")
        data = self.take(self.head(2))
        if data[:1] != b"\0":
            raise Malformed("no zero byte before the CID")
        return Cid(data[1:])
