"""Heads, frontier and order (chapters 2.6 to 2.8)."""

from verdicts import verify_record


class Head:
    """A valid record and its place in the order."""

    def __init__(self, data, now):
        record, signed = verify_record(data, now, 0)
        self.account = record.account
        self.signer = record.signer()
        self.parents = record.parents
        self.epoch = record.epoch
        self.digest = signed.digest()
        self.order = (record.epoch, record.timestamp, self.digest)


def heads_of(records):
    """The heads of one account's valid records, newest first."""
    epoch = max((head.epoch for head in records), default=0)
    newest = {}
    for head in records:
        known = newest.get(head.signer)
        if head.epoch == epoch and (known is None or head.order > known.order):
            newest[head.signer] = head
    return sorted(newest.values(), key=lambda head: head.order, reverse=True)[:8]


def frontier_of(heads):
    named = {parent for head in heads for parent in head.parents}
    return [head for head in heads if head.digest not in named]
