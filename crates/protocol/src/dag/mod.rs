//! Content addressing: CIDs, UnixFS files and directories.
pub mod cid;
