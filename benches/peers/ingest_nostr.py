"""Takes signed posts in through nostr-sdk: parsed, verified, stored in LMDB with its indexes.

Arguments: `sign POSTS EVENTS` writes signed events, one a line (POSTS has [author, date in
milliseconds, text] on each line); `take EVENTS FOLDER FOLLOWS` takes them in, asks for the newest
posts of the first FOLLOWS authors, and says what it took.
"""
import asyncio
import json
import os
import sys
import time

from nostr_sdk import Event, EventBuilder, Filter, Keys, Kind, NostrLmdb, SecretKey, Timestamp

# Saves in flight: the store makes one transaction of those that wait.
TOGETHER = 512
NEWEST = 50
ROUNDS = 20


def sign(posts, events):
    keys = {}
    with open(posts) as lines, open(events, "w") as out:
        for line in lines:
            author, date, text = json.loads(line)
            if author not in keys:
                secret = (author + 1).to_bytes(32, "big").hex()
                keys[author] = Keys(SecretKey.parse(secret))
            built = EventBuilder(Kind(1), text).custom_created_at(Timestamp.from_secs(date // 1000))
            out.write(built.finalize(keys[author]).as_json() + "\n")


def memory(name):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def flush(folder):
    for name in os.listdir(folder):
        file = os.open(os.path.join(folder, name), os.O_RDWR)
        os.fsync(file)
        os.close(file)


async def take(events, folder, follows):
    store = await NostrLmdb.open(folder)
    anonymous = memory("RssAnon")
    authors, count = {}, 0
    cpu, wall = time.process_time(), time.monotonic()
    some = []

    async def save():
        nonlocal anonymous
        for status in await asyncio.gather(*[store.save_event(event) for event in some]):
            assert status.is_success(), status
        anonymous = max(anonymous, memory("RssAnon"))
        some.clear()

    with open(events) as lines:
        for line in lines:
            event = Event.from_json(line)
            assert event.verify()
            authors.setdefault(event.author().to_hex(), event.author())
            some.append(event)
            count += 1
            if len(some) == TOGETHER:
                await save()
    await save()
    flush(folder)
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    disk = sum(os.stat(os.path.join(folder, name)).st_blocks * 512 for name in os.listdir(folder))
    asked = Filter().kind(Kind(1)).authors(list(authors.values())[:follows]).limit(NEWEST)
    took = []
    for _ in range(ROUNDS):
        before = time.process_time()
        found = await store.query(asked)
        took.append(time.process_time() - before)
        assert len(found) == NEWEST, len(found)
    return {
        "count": count,
        "cpu": cpu,
        "wall": wall,
        "disk": disk,
        "memory": anonymous,
        "home": sorted(took)[ROUNDS // 2],
    }


if sys.argv[1] == "sign":
    sign(*sys.argv[2:4])
else:
    print(json.dumps(asyncio.run(take(sys.argv[2], sys.argv[3], int(sys.argv[4])))))
