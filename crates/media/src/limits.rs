//! What is taken at most.

/// The largest picture file that is taken, in bytes.
pub const PICTURE_BYTES: u64 = 64 * 1024 * 1024;
/// The most pixels that are decoded.
pub const PICTURE_PIXELS: u64 = 50_000_000;
/// The longest side that is decoded, in pixels.
pub(crate) const PICTURE_SIDE: u32 = 65_535;
