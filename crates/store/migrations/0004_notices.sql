-- The fourth layout: notices that wait for accounts, and who follows whom in public. A released
-- migration never changes: write the next one.

-- A notice in the mailbox of target. sender, item: whose item it speaks of; mark: what stands
-- for it in comparisons; date: when it was signed; gone: the item was deleted; written: when
-- what it says was written; standing: 0 this home's own, 1 of somebody near, 2 a stranger's;
-- origin: the part of the network that it came from; reason, about: why it concerns the target
-- (null when it no longer does), and which item of theirs; came: when it came here; owed:
-- mirrors that it is still to be handed to, the next time at next, after so many tries.
CREATE TABLE notice (
  target   BLOB NOT NULL,
  sender   BLOB NOT NULL,
  item     BLOB NOT NULL,
  mark     BLOB NOT NULL,
  date     INTEGER NOT NULL,
  gone     INTEGER NOT NULL,
  written  INTEGER NOT NULL,
  standing INTEGER NOT NULL,
  origin   INTEGER NOT NULL,
  reason   TEXT,
  about    BLOB,
  came     INTEGER NOT NULL,
  owed     INTEGER NOT NULL,
  next     INTEGER NOT NULL,
  tries    INTEGER NOT NULL,
  record   BLOB NOT NULL,
  delta    BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX notice_key ON notice (target, sender, item);
CREATE INDEX notice_date ON notice (target, date);
CREATE INDEX notice_about ON notice (target, about);
CREATE INDEX notice_old ON notice (date);
-- All that a mailbox is made of, so that the notices themselves are not read for it.
CREATE INDEX notice_entry ON notice
  (target, sender, item, mark, date, gone, written, standing, origin);
CREATE INDEX notice_owed ON notice (next) WHERE owed > 0;
CREATE INDEX notice_item ON notice (sender, item);

-- Who follows whom in public, of the feeds that are here: the same as in about.
CREATE TABLE edge (
  follower INTEGER NOT NULL REFERENCES account,
  followee BLOB NOT NULL,
  PRIMARY KEY (followee, follower)
) STRICT, WITHOUT ROWID;
CREATE INDEX edge_follower ON edge (follower, followee);
INSERT OR IGNORE INTO edge (follower, followee)
  SELECT about.account, unhex(substr(row.key, 3)) FROM about, json_each(about.source) AS row
  WHERE about.what = 'follows' AND row.key LIKE '0x%' AND length(row.key) = 42
    AND json_extract(row.value, '$.value.following') = 1;

-- Which items, of the feeds that are here, are about which: answers, quotes, reposts, likes,
-- votes; also under the first item of their thread. Filled when the home is opened.
CREATE TABLE answer (
  target  BLOB NOT NULL,
  item    BLOB NOT NULL,
  account INTEGER NOT NULL REFERENCES account,
  id      BLOB NOT NULL,
  PRIMARY KEY (target, item, account, id)
) STRICT, WITHOUT ROWID;
