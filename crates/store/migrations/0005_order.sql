-- The fifth layout: the timeline in the order of dates, purges beside a node, locations that a person
-- has named. A released migration never changes:
-- write the next one.

-- Posts whose label was taken stand under a later one; these few are found by their date.
CREATE INDEX post_moved ON post (date, id) WHERE label <> date / 256;

-- Packs whose dead bytes must go at once: a program that purges beside the node cannot rewrite
-- the node's packs, so it leaves it to the node.
ALTER TABLE volume ADD COLUMN purged INTEGER NOT NULL DEFAULT 0;

-- Where a person has said that a feed is, and why nothing came from there the last time.
CREATE TABLE location (
  account INTEGER NOT NULL REFERENCES account,
  url     TEXT NOT NULL,
  said    TEXT,
  PRIMARY KEY (account, url)
) STRICT, WITHOUT ROWID;
