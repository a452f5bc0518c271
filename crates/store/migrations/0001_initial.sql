-- The first layout of the store. A released migration never changes: write the next one.

-- Whose rows they are. Every other table names an account by its small number.
CREATE TABLE account (
  number  INTEGER PRIMARY KEY,
  address BLOB NOT NULL UNIQUE CHECK (length(address) = 20),
  root    BLOB,
  tsize   INTEGER
) STRICT;

-- Small typed settings, as JSON.
CREATE TABLE setting (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What item sources are compressed with; learnt from the first thousands of posts.
CREATE TABLE dictionary (
  number INTEGER PRIMARY KEY,
  bytes  BLOB NOT NULL
) STRICT;

-- The newest version of each post. A label is an integer that sorts as the date does (to
-- a quarter of a second), so that the search index, which can sort by nothing else, gives
-- the newest first.
CREATE TABLE post (
  label   INTEGER PRIMARY KEY,
  account INTEGER NOT NULL REFERENCES account,
  date    INTEGER NOT NULL,
  id      BLOB NOT NULL,
  ends    INTEGER NOT NULL,
  source  BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX post_id ON post (account, id);
CREATE UNIQUE INDEX post_order ON post (account, date, id);
CREATE INDEX post_end ON post (account, date, id) WHERE ends = 1;

-- The words of each post, by label. It keeps no text: the post has it.
CREATE VIRTUAL TABLE search USING fts5 (
  text, content = '', columnsize = 0, detail = none,
  tokenize = 'unicode61 remove_diacritics 2'
);
-- Bytes of new words that are gathered before they are written to the index: so many only
-- in an import.
INSERT INTO search (search, rank) VALUES ('hashsize', 33554432);

-- Likes and votes.
CREATE TABLE reaction (
  account INTEGER NOT NULL REFERENCES account,
  date    INTEGER NOT NULL,
  id      BLOB NOT NULL,
  ends    INTEGER NOT NULL,
  source  BLOB NOT NULL,
  PRIMARY KEY (account, date, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX reaction_id ON reaction (account, id);
CREATE INDEX reaction_end ON reaction (account, date, id) WHERE ends = 1;

-- Older versions of posts and reactions; place 1 is the newest of them.
CREATE TABLE version (
  account INTEGER NOT NULL REFERENCES account,
  id      BLOB NOT NULL,
  place   INTEGER NOT NULL,
  date    INTEGER NOT NULL,
  source  BLOB NOT NULL,
  PRIMARY KEY (account, id, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE tombstone (
  account INTEGER NOT NULL REFERENCES account,
  date    INTEGER NOT NULL,
  id      BLOB NOT NULL,
  ends    INTEGER NOT NULL,
  PRIMARY KEY (account, date, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX tombstone_id ON tombstone (account, id);
CREATE INDEX tombstone_end ON tombstone (account, date, id) WHERE ends = 1;

-- Where the pages of a list begin (list: 0 posts, 1 reactions, 2 tombstones).
CREATE TABLE page (
  account INTEGER NOT NULL REFERENCES account,
  list    INTEGER NOT NULL,
  date    INTEGER NOT NULL,
  id      BLOB NOT NULL,
  PRIMARY KEY (account, list, date, id)
) STRICT, WITHOUT ROWID;

-- How often a feed uses a kept file, by each size that its items and profile give it (the
-- greatest stands in the tree); digest: that of the CID in the path, by which a file is
-- found to be in use by anybody (empty where the path has none).
CREATE TABLE file_use (
  digest  BLOB NOT NULL,
  account INTEGER NOT NULL REFERENCES account,
  path    TEXT NOT NULL,
  size    INTEGER NOT NULL,
  uses    INTEGER NOT NULL,
  PRIMARY KEY (digest, account, path, size)
) STRICT, WITHOUT ROWID;

-- Profile and follows, as canonical JSON.
CREATE TABLE about (
  account INTEGER NOT NULL REFERENCES account,
  what    TEXT NOT NULL,
  source  TEXT NOT NULL,
  PRIMARY KEY (account, what)
) STRICT, WITHOUT ROWID;

-- The newest record of each signer, and the grants of devices, as they were received.
CREATE TABLE record (
  account INTEGER NOT NULL REFERENCES account,
  signer  BLOB NOT NULL,
  bytes   BLOB NOT NULL,
  PRIMARY KEY (account, signer)
) STRICT, WITHOUT ROWID;
CREATE TABLE device_grant (
  account INTEGER NOT NULL REFERENCES account,
  device  BLOB NOT NULL,
  bytes   BLOB NOT NULL,
  PRIMARY KEY (account, device)
) STRICT, WITHOUT ROWID;

-- What is still to be announced, oldest first.
CREATE TABLE outbox (
  number  INTEGER PRIMARY KEY AUTOINCREMENT,
  account INTEGER NOT NULL REFERENCES account,
  record  BLOB NOT NULL,
  delta   BLOB
) STRICT;
CREATE INDEX outbox_account ON outbox (account, number);

-- Directory blocks of the current trees; uses counts the roots and the blocks of this
-- table that link to one.
CREATE TABLE node (
  digest BLOB PRIMARY KEY,
  uses   INTEGER NOT NULL,
  body   BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Files that hold the bytes of kept files. A pack (cid is null) holds many of one block
-- each; every larger one has a file of its own.
-- files: kept files in it; size: bytes of it that count; dead: those of them that no row
-- of block names any more.
CREATE TABLE volume (
  number INTEGER PRIMARY KEY,
  cid    BLOB UNIQUE,
  files  INTEGER NOT NULL,
  size   INTEGER NOT NULL,
  dead   INTEGER NOT NULL
) STRICT;

-- Where each block of a kept file is; the inner nodes of larger ones are held here (body).
CREATE TABLE block (
  digest BLOB NOT NULL,
  volume INTEGER NOT NULL REFERENCES volume,
  start  INTEGER NOT NULL,
  length INTEGER NOT NULL,
  body   BLOB,
  PRIMARY KEY (digest, volume)
) STRICT, WITHOUT ROWID;
CREATE INDEX block_volume ON block (volume);
