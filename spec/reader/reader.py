#!/usr/bin/env python3
"""An independent reader of OurSpace's records, written from the specification alone.

    reader.py verify FILE [--kind grant|succession|delta] [--now MS] [--highest-epoch N] …
    reader.py verify --hex HEX …
    reader.py vectors DIR
    reader.py batch         lines on stdin: the `input` of a vector, or the hexadecimal digits
                            of a record; a line of JSON with the verdict on stdout for each
"""

import argparse
import json
import pathlib
import sys
import time

import heads
import links
import sets
from verdicts import judge


def as_input(arguments, data):
    given = {"kind": arguments.kind, "bytes": data.hex(), "now": arguments.now}
    given["highest_epoch"] = arguments.highest_epoch
    given["account"] = arguments.account
    given["commitment"] = (arguments.commitment or "").removeprefix("0x")
    given["hash"] = (arguments.hash or "").removeprefix("0x")
    return given


def verify(arguments):
    if arguments.hex is not None:
        data = bytes.fromhex(arguments.hex.removeprefix("0x"))
    else:
        data = pathlib.Path(arguments.file).read_bytes()
    verdict, decoded = judge(as_input(arguments, data))
    json.dump({"verdict": verdict, "decoded": decoded}, sys.stdout, indent=2, ensure_ascii=False)
    print()
    return 0 if verdict == "valid" else 1


def wrong_heads(vector, now):
    """What is wrong with a vector of heads; nothing if nothing is."""
    records = [heads.Head(bytes.fromhex(data), now) for data in vector["records"]]
    for order in vector["orders"]:
        found = heads.heads_of([records[at] for at in order])
        shown = heads.frontier_of(found)
        for name, want, have in (("heads", "heads", found), ("frontier", "frontier", shown)):
            wanted = [records[at].digest for at in vector[want]]
            if [head.digest for head in have] != wanted:
                return f"the {name} are others in the order {order}"
        if max((head.epoch for head in found), default=0) != vector["epoch"]:
            return "the epoch is another"
    return None


def wrong_vector(vector):
    verdict, decoded = judge(vector["input"])
    if verdict != vector["verdict"]:
        return f"{verdict} instead of {vector['verdict']}"
    if decoded != vector.get("decoded"):
        return "decoded otherwise"
    return None


def judged(folder):
    """Each vector's file and name, and what is wrong with it."""

    def load(file):
        return json.loads((folder / f"{file}.json").read_text("utf-8"))

    for file in ("records", "grants", "successions", "deltas"):
        for vector in load(file)["vectors"]:
            yield file, vector["name"], wrong_vector(vector)
    content = load("heads")
    for vector in content["vectors"]:
        yield "heads", vector["name"], wrong_heads(vector, content["now"])
    for vector in load("merge")["vectors"]:
        yield "merge", vector["name"], sets.wrong_merge(vector)
    content = load("pages")
    yield "pages", "weights", sets.wrong_weights(content["weights"], load("items"))
    for vector in content["cuts"]:
        yield "pages", vector["name"], sets.wrong_cut(vector)
    content = load("links")
    for vector in content["valid"] + content["invalid"]:
        yield "links", vector["name"], links.wrong_link(vector)


def vectors(arguments):
    count, failed = 0, 0
    for file, name, wrong in judged(pathlib.Path(arguments.folder)):
        count += 1
        if wrong:
            failed += 1
            print(f"{file}.json: {name}: {wrong}", file=sys.stderr)
    print(json.dumps({"vectors": count, "failed": failed}))
    return 1 if failed else 0


def batch(_):
    for line in sys.stdin:
        line = line.strip()
        if line.startswith("{"):
            given = json.loads(line)
        else:
            now = int(time.time() * 1000)
            given = {"kind": "record", "bytes": line, "now": now, "highest_epoch": 0}
        verdict, decoded = judge(given)
        answer = {"verdict": verdict}
        if decoded is not None:
            answer["decoded"] = decoded
        print(json.dumps(answer))
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("verify", help="judge one value")
    one.set_defaults(run=verify)
    what = one.add_mutually_exclusive_group(required=True)
    what.add_argument("file", nargs="?", metavar="FILE")
    what.add_argument("--hex")
    kinds = ["record", "grant", "succession", "delta"]
    one.add_argument("--kind", choices=kinds, default="record")
    one.add_argument("--now", type=int, default=int(time.time() * 1000), help="milliseconds")
    one.add_argument("--highest-epoch", type=int, default=0)
    one.add_argument("--account", help="of a succession, by EIP-55")
    one.add_argument("--commitment", help="of a succession, hexadecimal")
    one.add_argument("--hash", help="of a delta, hexadecimal")
    all_ = commands.add_parser("vectors", help="judge the vectors of a folder")
    all_.set_defaults(run=vectors)
    all_.add_argument("folder", metavar="DIR")
    commands.add_parser("batch", help="judge lines of stdin").set_defaults(run=batch)
    arguments = parser.parse_args()
    return arguments.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
