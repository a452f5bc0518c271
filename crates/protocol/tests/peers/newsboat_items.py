"""Prints the items in a newsboat cache as JSON."""
import json
import sqlite3
import sys

cache = sqlite3.connect(sys.argv[1])
rows = cache.execute("select guid, title, content, enclosure_url, pubDate from rss_item order by pubDate desc")
names = ["guid", "title", "content", "enclosure", "date"]
json.dump([dict(zip(names, row)) for row in rows], sys.stdout)
