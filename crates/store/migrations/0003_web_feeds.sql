-- The third layout: ordinary feeds of the web that this home follows. A released migration
-- never changes: write the next one.

-- A followed web feed. account: made up from url, nobody has its key; url: as it is followed;
-- at: where it is fetched from, after it moved or a page led to it; etag, modified: how the
-- newest version is recognised; next: when it is fetched again (ms); failures: in a row; error:
-- what went wrong last, for a person; gone: it said that it is gone for good (1); private: its
-- host may be in a private network (1).
CREATE TABLE web_feed (
  account  INTEGER PRIMARY KEY REFERENCES account,
  url      TEXT NOT NULL UNIQUE,
  at       TEXT NOT NULL,
  etag     TEXT,
  modified TEXT,
  next     INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  error    TEXT,
  gone     INTEGER NOT NULL,
  private  INTEGER NOT NULL
) STRICT;
