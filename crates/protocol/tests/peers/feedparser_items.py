"""Reads a feed with feedparser and prints what it found as JSON."""
import json
import sys

import feedparser

feed = feedparser.parse(sys.argv[1])
json.dump(
    {
        "bozo": str(feed.get("bozo_exception", "")),
        "title": feed.feed.title,
        "subtitle": feed.feed.get("subtitle", ""),
        "language": feed.feed.get("language", ""),
        "links": [[link.get("rel"), link.get("href")] for link in feed.feed.links],
        "entries": [
            {
                "id": entry.id,
                "link": entry.link,
                "title": entry.get("title"),
                "published": entry.published,
                "content": entry.content[0].value if "content" in entry else "",
                "tags": [tag.term for tag in entry.get("tags", [])],
                "enclosures": [[e.href, e.type, e.length] for e in entry.get("enclosures", [])],
                "media": [[m["url"], m["medium"]] for m in entry.get("media_content", [])],
            }
            for entry in feed.entries
        ],
    },
    sys.stdout,
)
