-- The second layout: whom this home follows, and what it mirrors. A released migration never
-- changes: write the next one.

-- Whom this home follows. quiet: nobody else learns of it; text_only: no media are fetched;
-- pinned: nothing of it is ever evicted; quota: bytes of media at most (null: the home's);
-- since, read: instants, the second one up to which posts were read.
CREATE TABLE follow (
  account   INTEGER PRIMARY KEY REFERENCES account,
  quiet     INTEGER NOT NULL,
  text_only INTEGER NOT NULL,
  pinned    INTEGER NOT NULL,
  quota     INTEGER,
  since     INTEGER NOT NULL,
  read      INTEGER NOT NULL
) STRICT;

-- How far the trees of the newest records of others are mirrored. state: 1 the sources are in
-- the feed, 2 all media are here as well, or left out for good, 3 refused. A tree of state 1 or
-- 2 counts as a use of its root's block; the newest one is account.root.
CREATE TABLE mirror (
  account INTEGER NOT NULL REFERENCES account,
  root    BLOB NOT NULL,
  tsize   INTEGER NOT NULL,
  state   INTEGER NOT NULL,
  PRIMARY KEY (account, root)
) STRICT, WITHOUT ROWID;

-- What was fetched of trees that are not whole yet: directory blocks, and (body null) source
-- files that are in the feed already.
CREATE TABLE fetched (
  account INTEGER NOT NULL REFERENCES account,
  digest  BLOB NOT NULL,
  body    BLOB,
  PRIMARY KEY (account, digest)
) STRICT, WITHOUT ROWID;

-- Posts that a delta brought before the tree they are in is here: taken out again before
-- anything else is taken in.
CREATE TABLE early (
  account INTEGER NOT NULL REFERENCES account,
  id      BLOB NOT NULL,
  PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;

-- As table node, for the feeds that are followed quietly: what is in here is for nobody else.
CREATE TABLE node_quiet (
  digest BLOB PRIMARY KEY,
  uses   INTEGER NOT NULL,
  body   BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Files of a feed as its author signed them, where they are not what is made here of their
-- sources: written by a renderer that is not known, or the older one of two devices' pages.
CREATE TABLE foreign_file (
  digest  BLOB NOT NULL,
  account INTEGER NOT NULL REFERENCES account,
  body    BLOB NOT NULL,
  PRIMARY KEY (digest, account)
) STRICT, WITHOUT ROWID;

-- From the beginning of a digest to the posts whose directory or page has it, many to a row;
-- it may name posts that have another one by now.
CREATE TABLE served (
  bucket  INTEGER PRIMARY KEY,
  entries BLOB NOT NULL
) STRICT;

-- Feeds of which the pages of single posts are still to be put into the index, those from this
-- key back: a tree that was taken as it was signed has them only by their directories.
CREATE TABLE unindexed (
  account INTEGER PRIMARY KEY REFERENCES account,
  date    INTEGER NOT NULL,
  id      BLOB NOT NULL
) STRICT;

-- The same for pages and for the files at the top of a tree.
CREATE TABLE served_file (
  prefix  INTEGER NOT NULL,
  account INTEGER NOT NULL REFERENCES account,
  place   BLOB NOT NULL,
  PRIMARY KEY (prefix, account, place)
) STRICT, WITHOUT ROWID;

-- What is neither fetched nor kept nor served: accounts, and CIDs by a hash of theirs.
CREATE TABLE denied_account (
  address BLOB PRIMARY KEY CHECK (length(address) = 20)
) STRICT, WITHOUT ROWID;
CREATE TABLE denied_cid (
  hash BLOB PRIMARY KEY CHECK (length(hash) = 32)
) STRICT, WITHOUT ROWID;

-- What the media of one account take.
CREATE INDEX file_use_account ON file_use (account);
