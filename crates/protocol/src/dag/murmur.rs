//! The hash that places a name in a sharded directory: the first 64 bits of
//! MurmurHash3 (x64, 128-bit variant, seed 0; public domain algorithm by Austin Appleby).
//!
//! Not for anything where an adversary must not find collisions.

const C1: u64 = 0x87c3_7b91_1142_53d5;
const C2: u64 = 0x4cf5_ad43_2745_937f;

fn scramble1(k: u64) -> u64 {
    k.wrapping_mul(C1).rotate_left(31).wrapping_mul(C2)
}

fn scramble2(k: u64) -> u64 {
    k.wrapping_mul(C2).rotate_left(33).wrapping_mul(C1)
}

fn avalanche(mut h: u64) -> u64 {
    h ^= h >> 33;
    h = h.wrapping_mul(0xff51_afd7_ed55_8ccd);
    h ^= h >> 33;
    h = h.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    h ^ (h >> 33)
}

/// Up to eight bytes as a little-endian number.
fn word(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |value, &byte| (value << 8) | u64::from(byte))
}

/// The hash of `bytes`. Its most significant byte chooses the slot at the root of a
/// sharded directory, the next byte the slot one level down, and so on.
pub(super) fn murmur64(bytes: &[u8]) -> u64 {
    let (mut h1, mut h2) = (0u64, 0u64);
    let (blocks, tail) = bytes.as_chunks::<16>();
    for block in blocks {
        let (low, high) = block.split_at(8);
        h1 ^= scramble1(word(low));
        h1 = h1.rotate_left(27).wrapping_add(h2);
        h1 = h1.wrapping_mul(5).wrapping_add(0x52dc_e729);
        h2 ^= scramble2(word(high));
        h2 = h2.rotate_left(31).wrapping_add(h1);
        h2 = h2.wrapping_mul(5).wrapping_add(0x3849_5ab5);
    }
    let (low, high) = tail.split_at(tail.len().min(8));
    h2 ^= scramble2(word(high));
    h1 ^= scramble1(word(low));
    h1 ^= bytes.len() as u64;
    h2 ^= bytes.len() as u64;
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    avalanche(h1).wrapping_add(avalanche(h2))
}

#[cfg(test)]
mod tests {
    use super::murmur64;

    // Made with the murmur3 package that the JavaScript importer uses.
    #[test]
    fn agrees_with_known_values() {
        for (text, hash) in VECTORS {
            assert_eq!(murmur64(text.as_bytes()), *hash, "{text:?}");
        }
    }

    #[test]
    fn agrees_with_the_published_vectors() {
        let text = include_str!("../../../../spec/vectors/dag.json");
        let vectors: serde_json::Value = serde_json::from_str(text).unwrap();
        for vector in vectors["hashes"].as_array().unwrap() {
            let name = vector["name"].as_str().unwrap();
            let hash = format!("{:016x}", murmur64(name.as_bytes()));
            assert_eq!(vector["hash"], hash, "{name}");
        }
    }

    const VECTORS: &[(&str, u64)] = &[
        ("", 0x0000_0000_0000_0000),
        ("a", 0x8555_5565_f659_7889),
        ("hello", 0xcbd8_a7b3_41bd_9b02),
        ("index.html", 0xa06d_7ec8_7879_381d),
        ("12345678", 0x3b4a_6406_38b1_419c),
        ("123456789", 0x3c84_645e_db66_cca4),
        ("fifteen bytes !", 0x451c_992d_7e74_f2cc),
        ("sixteen bytes !!", 0x0652_9e6e_c860_fdd5),
        ("seventeen bytes !", 0xe229_68d8_dad4_16ce),
        (
            "The quick brown fox jumps over the lazy dog",
            0xe34b_bc7b_bc07_1b6c,
        ),
        ("ümlaut-ß-日本語.webp", 0xd392_b32f_1813_ae57),
    ];
}
