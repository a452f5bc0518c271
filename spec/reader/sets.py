"""Sets of items, profiles and follows, united (chapter 4.12), and lists cut into pages (4.4)."""

import datetime
import hashlib

from sources import FOLLOWS, ITEM, PROFILE, NotThis, canonical, read

REACTIONS = ("like", "vote")
VERSIONS, NAMED_TEXTS, FOLLOWED = 8, 16, 10_000
PAGE_ITEMS, PAGE_WEIGHT, LIVE = 256, 196_608, 50


def rank(written, value):
    return (written, hashlib.sha256(canonical(value).encode()).digest())


def rank_of_row(row):
    return rank(row["written"], row["value"])


def written(item):
    return item.get("written", item["date"])


def versions(items):
    """The versions of one item that are kept, newest first."""
    alive = {canonical(item): item for item in items}.values()
    posts = [item for item in alive if item["kind"] not in REACTIONS]
    kept = sorted(posts or alive, key=lambda item: rank(written(item), item), reverse=True)
    return kept[: VERSIONS if posts else 1]


def rows(all_of_them, most, place=str.encode):
    """Rows by name, each of the greatest rank; of too many the greatest."""
    out = {}
    for some in all_of_them:
        for name, row in some.items():
            if name not in out or rank_of_row(row) > rank_of_row(out[name]):
                out[name] = row
    order = sorted(out, key=lambda name: (*rank_of_row(out[name]), place(name)), reverse=True)
    return {name: out[name] for name in order[:most]}


def followee(name):
    """Accounts by their bytes, before feeds by theirs."""
    if name.startswith("0x"):
        return (0, bytes.fromhex(name[2:]))
    return (1, name.encode())


def profile(profiles):
    if not profiles:
        return None
    fields = [{name: value for name, value in p.items() if name != "more"} for p in profiles]
    out = rows(fields, len(fields[0]))
    more = rows([p.get("more", {}) for p in profiles], NAMED_TEXTS)
    return {**out, "more": more} if more else out


def united(sets):
    dead = {}
    for tombstone in (one for some in sets for one in some["tombstones"]):
        known = dead.get(tombstone["id"])
        if known is None or tombstone["date"] < known["date"]:
            dead[tombstone["id"]] = tombstone
    items = {}
    for item in (one for some in sets for one in some["items"]):
        if item["id"] not in dead:
            items.setdefault(item["id"], []).append(item)
    return {
        "items": {own: versions(some) for own, some in items.items()},
        "tombstones": dead,
        "profile": profile([some["profile"] for some in sets if some["profile"]]),
        "follows": rows([some["follows"] for some in sets], FOLLOWED, followee),
    }


def checked(one):
    """A set of a vector whose values have the form of the chapter; its follows written out."""
    follows = one["follows"]
    if "and_feeds_written_6" in follows:
        first, last = follows["and_feeds_written_6"]
        row = {"value": {"following": True}, "written": 6}
        more = {f"https://{n}.example/feed.xml": row for n in range(first, last + 1)}
        follows = {**follows["rows"], **more}
    values = [(item, ITEM) for item in one["items"]]
    values += [(one["profile"], PROFILE)] if one["profile"] else []
    values += [(follows, FOLLOWS)] if follows else []
    for value, of in values:
        read(canonical(value), of)
    return {**one, "follows": follows}


def wrong_merge(vector):
    """What is wrong with a vector of merge.json; nothing if nothing is."""
    try:
        sets, want = [checked(one) for one in vector["sets"]], checked(vector["merged"])
    except NotThis:
        return "a value has not the form of its type"
    have = united(sets)
    if united(sets[::-1]) != have or united([*sets, have_as_set(have)]) != have:
        return "the order of the sets shows"
    order = {}
    for item in want["items"]:
        order.setdefault(item["id"], []).append(item)
    want = {
        "items": order,
        "tombstones": {one["id"]: one for one in want["tombstones"]},
        "profile": want["profile"],
        "follows": want["follows"],
    }
    wrong = [part for part in want if want[part] != have[part]]
    return f"{', '.join(wrong)} united otherwise" if wrong else None


def have_as_set(have):
    items = [item for some in have["items"].values() for item in some]
    return {**have, "items": items, "tombstones": list(have["tombstones"].values())}


def size(text):
    return len((text or "").encode())


def weight(item):
    labels = item.get("labels", {})
    texts = [item.get("text"), item.get("title"), labels.get("warning"), *labels.get("tags", [])]
    texts += [text for pair in item.get("more", {}).items() for text in pair]
    attached = item.get("attachments", [])
    texts += [text for one in attached for text in (one.get("alt"), one.get("title"))]
    return 256 + 256 * len(attached) + sum(map(size, texts))


def ends_page(own):
    return hashlib.sha256(own.encode()).digest()[0] < 4


def key(date, own):
    at = datetime.datetime.fromtimestamp(date // 1000, datetime.timezone.utc)
    return f"{at:%Y%m%dT%H%M%S}{date % 1000:03}Z-{own}"


def wrong_cut(vector):
    """What is wrong with a list of pages.json; nothing if nothing is."""
    # Base32 keeps the order of the bytes only by its own alphabet.
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    entries = sorted(vector["entries"], key=lambda e: (e[0], [letters.index(c) for c in e[1]]))
    pages, weighs, full = [], 0, True
    for entry in entries:
        if full or len(pages[-1]) == PAGE_ITEMS or weighs + entry[2] > PAGE_WEIGHT:
            pages.append([])
            weighs = 0
        pages[-1].append(entry)
        weighs += entry[2]
        full = ends_page(entry[1])
    if [key(page[0][0], page[0][1]) for page in pages] != vector["pages"]:
        return "cut otherwise"
    if len(pages) - (0 if full else 1) != vector["closed"]:
        return "closed are others"
    live = 0
    for page in pages[::-1]:
        if live < LIVE:
            live += len(page)
    return None if live == vector["live"] else "the live feed has others"


def wrong_weights(weights, items):
    own = {case["name"]: case["item"] for case in items["valid"]}
    wrong = [name for name, weighs in weights if weight(own[name]) != weighs]
    missing = len(own) - len(weights)
    return f"weighed otherwise: {wrong}" if wrong else (missing and "not every item is weighed")
