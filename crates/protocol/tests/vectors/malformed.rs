//! Bytes that are no record: every way in which CBOR, a field or a CID can be wrong.

use ourspace_testkit::tree::{Tree, head, long_head};

use crate::{
    Case,
    people::{broken, by_phone, by_wallet},
    valid::parents,
};

const VERSION: usize = 0;
const ACCOUNT: usize = 1;
const EPOCH: usize = 2;
const TIMESTAMP: usize = 3;
const ROOT: usize = 4;
const PARENTS: usize = 5;
const DELTA: usize = 6;
const LOCATIONS: usize = 7;
const SCHEME: usize = 8;
const SIGNATURE: usize = 9;
const GRANT: usize = 10;
const GRANT_SCOPE: usize = 5;
const GRANT_SCHEME: usize = 9;
const GRANT_SIGNATURE: usize = 10;

pub(crate) fn cases() -> Vec<Case> {
    let malformed = [
        whole(),
        heads(),
        integers(),
        types(),
        sizes(),
        texts(),
        links(),
        grants(),
    ]
    .into_iter()
    .flatten()
    .map(|(name, bytes)| Case::record(name, "", bytes).is("malformed"));
    malformed.chain(versions()).collect()
}

type Bytes = (String, Vec<u8>);

fn named(name: &str, bytes: Vec<u8>) -> Bytes {
    (name.to_owned(), bytes)
}

fn raw(bytes: impl Into<Vec<u8>>) -> Tree {
    Tree::Raw(bytes.into())
}

fn whole() -> Vec<Bytes> {
    let good = by_phone(|_| ()).to_bytes();
    let Tree::List(fields) = Tree::of_record(&by_phone(|_| ())) else {
        unreachable!("a record is an array");
    };
    let cut = |len: usize| (format!("cut_to_{len}"), good[..len].to_vec());
    let mut more = fields.clone();
    more.push(Tree::Null);
    let fewer = fields[..GRANT].to_vec();
    let mut swapped = fields.clone();
    swapped.swap(EPOCH, ACCOUNT);
    vec![
        named("nothing", Vec::new()),
        named("null", vec![0xf6]),
        named("a_text", b"{\"account\":1}".to_vec()),
        named("an_empty_array", vec![0x80]),
        named("an_empty_array_before_a_2", vec![0x80, 2]),
        named("a_map", [head(5, 11), good[1..].to_vec()].concat()),
        cut(1),
        cut(2),
        cut(10),
        cut(good.len() / 2),
        cut(good.len() - 1),
        named("one_byte_more", [good.clone(), vec![0]].concat()),
        named(
            "twice",
            [by_wallet(|_| ()).to_bytes(), by_wallet(|_| ()).to_bytes()].concat(),
        ),
        named("a_field_more", Tree::List(more).encode()),
        named("a_field_fewer", Tree::List(fewer).encode()),
        named("fields_swapped", Tree::List(swapped).encode()),
        named("self_described", [vec![0xd9, 0xd9, 0xf7], good].concat()),
    ]
}

/// Heads that are not the shortest, or of no definite length.
fn heads() -> Vec<Bytes> {
    let good = by_phone(|_| ()).to_bytes();
    vec![
        named(
            "array_head_of_2_bytes",
            [long_head(4, 11, 1), good[1..].to_vec()].concat(),
        ),
        named(
            "array_head_of_9_bytes",
            [long_head(4, 11, 8), good[1..].to_vec()].concat(),
        ),
        named("indefinite_array", [&[0x9f], &good[1..], &[0xff]].concat()),
        named("version_of_2_bytes", broken(&[VERSION], raw([0x18, 1]))),
        named("indefinite_parents", broken(&[PARENTS], raw([0x9f, 0xff]))),
        named(
            "parents_head_of_2_bytes",
            broken(&[PARENTS], raw([0x98, 0])),
        ),
        named("scheme_of_2_bytes", broken(&[SCHEME], raw([0x18, 0]))),
        named("reserved_head_28", broken(&[EPOCH], raw([0x1c]))),
        named("reserved_head_30", broken(&[EPOCH], raw([0x1e]))),
        named("indefinite_integer", broken(&[EPOCH], raw([0x1f]))),
        named(
            "indefinite_text",
            broken(&[LOCATIONS], raw([0x81, 0x7f, 0x61, b'x', 0xff])),
        ),
        named("indefinite_bytes", {
            let inner = [&[0x5f, 0x54], [7; 20].as_slice(), &[0xff]].concat();
            broken(&[ACCOUNT], raw(inner))
        }),
        named("text_head_of_3_bytes", {
            broken(
                &[LOCATIONS],
                raw([&[0x81], long_head(3, 1, 2).as_slice(), b"x"].concat()),
            )
        }),
        named("bytes_head_of_3_bytes", {
            broken(
                &[ACCOUNT],
                raw([long_head(2, 20, 2).as_slice(), &[7; 20]].concat()),
            )
        }),
        named("tag_head_of_3_bytes", {
            broken(
                &[ROOT],
                raw([long_head(6, 42, 2), Tree::Bytes(link()).encode()].concat()),
            )
        }),
    ]
}

/// Integers in more bytes than they need.
fn integers() -> Vec<Bytes> {
    let mut edges = vec![(0, 1), (23, 1), (24, 2), (255, 2), (256, 4), (65_535, 4)];
    edges.extend([(65_536, 8), (4_294_967_295, 8)]);
    edges
        .into_iter()
        .map(|(value, width)| {
            let name = format!("epoch_{value}_in_{width}_bytes");
            (name, broken(&[EPOCH], raw(long_head(0, value, width))))
        })
        .collect()
}

/// Another kind of value than the field has.
fn types() -> Vec<Bytes> {
    let twenty = vec![7; 20];
    vec![
        named("version_as_text", broken(&[VERSION], Tree::text("1"))),
        named("version_negative", broken(&[VERSION], raw([0x20]))),
        named(
            "version_as_float",
            broken(&[VERSION], raw([0xf9, 0x3c, 0x00])),
        ),
        named("account_as_text", broken(&[ACCOUNT], Tree::Text(twenty))),
        named("epoch_negative", broken(&[EPOCH], raw([0x20]))),
        named(
            "epoch_as_float",
            broken(&[EPOCH], raw([0xfb, 0, 0, 0, 0, 0, 0, 0, 0])),
        ),
        named("epoch_null", broken(&[EPOCH], Tree::Null)),
        named("epoch_false", broken(&[EPOCH], raw([0xf4]))),
        named("epoch_big", broken(&[EPOCH], raw([0xc2, 0x41, 1]))),
        named("timestamp_tagged", broken(&[TIMESTAMP], raw([0xc1, 0x00]))),
        named(
            "timestamp_as_text",
            broken(&[TIMESTAMP], Tree::text("2025-11-24T16:00:00Z")),
        ),
        named("root_null", broken(&[ROOT], Tree::Null)),
        named("root_as_text", broken(&[ROOT], Tree::text("bafy"))),
        named("root_untagged", broken(&[ROOT], Tree::Bytes(link()))),
        named("parents_null", broken(&[PARENTS], Tree::Null)),
        named(
            "parents_as_bytes",
            broken(&[PARENTS], Tree::Bytes(vec![7; 32])),
        ),
        named(
            "parent_as_link",
            broken(&[PARENTS], Tree::List(vec![Tree::Link(link())])),
        ),
        named(
            "parent_null",
            broken(&[PARENTS], Tree::List(vec![Tree::Null])),
        ),
        named("delta_undefined", broken(&[DELTA], raw([0xf7]))),
        named(
            "delta_as_text",
            broken(&[DELTA], Tree::Text(vec![b'x'; 32])),
        ),
        named("locations_null", broken(&[LOCATIONS], Tree::Null)),
        named(
            "location_as_bytes",
            broken(&[LOCATIONS], Tree::List(vec![Tree::Bytes(vec![b'x'])])),
        ),
        named("scheme_null", broken(&[SCHEME], Tree::Null)),
        named("scheme_as_text", broken(&[SCHEME], Tree::text("eip712"))),
        named("signature_null", broken(&[SIGNATURE], Tree::Null)),
        named("grant_undefined", broken(&[GRANT], raw([0xf7]))),
        named("grant_as_bytes", broken(&[GRANT], Tree::Bytes(Vec::new()))),
        named("null_as_simple_value", broken(&[DELTA], raw([0xf8, 0xf6]))),
    ]
}

/// Sizes of fields and lists, just past what is allowed.
fn sizes() -> Vec<Bytes> {
    let bytes = |len| Tree::Bytes(vec![7; len]);
    let list = |of: Vec<Tree>| Tree::List(of);
    let digests = |count| {
        parents(count)
            .iter()
            .map(|p| Tree::Bytes(p.to_vec()))
            .collect()
    };
    let texts = |count: usize| {
        (0..count)
            .map(|at| Tree::text(&format!("x:{at}")))
            .collect()
    };
    vec![
        named("account_of_19_bytes", broken(&[ACCOUNT], bytes(19))),
        named("account_of_21_bytes", broken(&[ACCOUNT], bytes(21))),
        named("account_empty", broken(&[ACCOUNT], bytes(0))),
        named("five_parents", broken(&[PARENTS], list(digests(5)))),
        named(
            "parent_of_31_bytes",
            broken(&[PARENTS], list(vec![bytes(31)])),
        ),
        named(
            "parent_of_33_bytes",
            broken(&[PARENTS], list(vec![bytes(33)])),
        ),
        named(
            "parents_without_end",
            broken(&[PARENTS], raw(head(4, u64::MAX))),
        ),
        named("delta_of_31_bytes", broken(&[DELTA], bytes(31))),
        named("delta_empty", broken(&[DELTA], bytes(0))),
        named("delta_of_zeros", broken(&[DELTA], Tree::Bytes(vec![0; 32]))),
        named("seven_locations", broken(&[LOCATIONS], list(texts(7)))),
        named(
            "location_of_129_bytes",
            broken(&[LOCATIONS], list(vec![Tree::text(&"x".repeat(129))])),
        ),
        named("location_of_2_to_63_bytes", {
            broken(&[LOCATIONS], raw([head(4, 1), head(3, 1 << 63)].concat()))
        }),
        named("scheme_2", broken(&[SCHEME], Tree::Uint(2))),
        named("scheme_of_64_bits", broken(&[SCHEME], Tree::Uint(u64::MAX))),
        named("signature_of_63_bytes", broken(&[SIGNATURE], bytes(63))),
        named("signature_of_65_bytes", broken(&[SIGNATURE], bytes(65))),
        named("account_longer_than_memory", {
            broken(&[ACCOUNT], raw(head(2, u64::MAX)))
        }),
    ]
}

/// Texts that are not UTF-8.
fn texts() -> Vec<Bytes> {
    let location =
        |bytes: &[u8]| broken(&[LOCATIONS], Tree::List(vec![Tree::Text(bytes.to_vec())]));
    vec![
        named("text_not_utf8", location(&[0xff])),
        named("text_cut_in_a_character", location(&[b'x', 0xe2, 0x82])),
        named("text_overlong", location(&[0xc0, 0xaf])),
        named("text_with_a_surrogate", location(&[0xed, 0xa0, 0x80])),
        named("text_above_unicode", location(&[0xf4, 0x90, 0x80, 0x80])),
    ]
}

/// The CID of a good record, with the zero byte before it.
fn link() -> Vec<u8> {
    [&[0], by_phone(|_| ()).record.root.to_bytes().as_slice()].concat()
}

fn links() -> Vec<Bytes> {
    let tagged = |bytes: Vec<u8>| broken(&[ROOT], Tree::Link(bytes));
    let changed = |at: usize, byte: u8| {
        let mut link = link();
        link[at] = byte;
        tagged(link)
    };
    let digest = [9; 32];
    let cid = |start: &[u8], digest: &[u8]| tagged([&[0], start, digest].concat());
    vec![
        named("link_without_the_zero", tagged(link()[1..].to_vec())),
        named("link_with_a_one_before_it", changed(0, 1)),
        named("link_empty", tagged(Vec::new())),
        named("link_of_a_zero", tagged(vec![0])),
        named("link_tag_43", {
            broken(
                &[ROOT],
                raw([head(6, 43), Tree::Bytes(link()).encode()].concat()),
            )
        }),
        named("link_over_a_text", {
            broken(
                &[ROOT],
                raw([head(6, 42), Tree::text("bafy").encode()].concat()),
            )
        }),
        named("cid_version_0", cid(&[0x12, 0x20], &digest)),
        named("cid_version_2", changed(1, 2)),
        named("cid_version_0_with_codec", changed(1, 0)),
        named(
            "cid_of_dag_json",
            cid(&[1, 0xa9, 0x02, 0x12, 0x20], &digest),
        ),
        named("cid_of_libp2p_key", changed(2, 0x72)),
        named(
            "cid_codec_in_two_bytes",
            cid(&[1, 0xf0, 0x00, 0x12, 0x20], &digest),
        ),
        named("cid_of_sha2_512", cid(&[1, 0x70, 0x13, 0x40], &[9; 64])),
        named("cid_of_blake3", changed(3, 0x1e)),
        named("cid_of_identity", cid(&[1, 0x70, 0x00, 0x04], &[9; 4])),
        named("cid_of_a_cut_digest", cid(&[1, 0x70, 0x12, 0x1f], &[9; 31])),
        named("cid_says_31_bytes", changed(4, 0x1f)),
        named("cid_one_byte_short", cid(&[1, 0x70, 0x12, 0x20], &[9; 31])),
        named("cid_one_byte_long", cid(&[1, 0x70, 0x12, 0x20], &[9; 33])),
    ]
}

/// The same inside of the grant.
fn grants() -> Vec<Bytes> {
    let good = by_phone(|_| ());
    let grant = Tree::of_grant(good.grant.as_ref().unwrap());
    let Tree::List(fields) = grant.clone() else {
        unreachable!("a grant is an array");
    };
    let mut more = fields.clone();
    more.push(Tree::Null);
    let at = |field: usize, value: Tree| broken(&[GRANT, field], value);
    let bytes = |len| Tree::Bytes(vec![7; len]);
    vec![
        named("grant_empty", broken(&[GRANT], Tree::List(Vec::new()))),
        named("grant_a_field_more", broken(&[GRANT], Tree::List(more))),
        named(
            "grant_a_field_fewer",
            broken(&[GRANT], Tree::List(fields[..10].to_vec())),
        ),
        named(
            "grant_in_bytes",
            broken(&[GRANT], Tree::Bytes(grant.encode())),
        ),
        named("grant_account_of_21_bytes", at(1, bytes(21))),
        named("grant_device_of_19_bytes", at(2, bytes(19))),
        named("grant_device_null", at(2, Tree::Null)),
        named("grant_key_hash_of_31_bytes", at(3, bytes(31))),
        named("grant_successor_null", at(4, Tree::Null)),
        named(
            "grant_scope_of_65_bytes",
            at(GRANT_SCOPE, Tree::text(&"x".repeat(65))),
        ),
        named(
            "grant_scope_not_utf8",
            at(GRANT_SCOPE, Tree::Text(vec![0xff])),
        ),
        named("grant_scope_as_bytes", at(GRANT_SCOPE, bytes(3))),
        named("grant_issued_as_text", at(6, Tree::text("now"))),
        named("grant_expires_negative", at(7, raw([0x20]))),
        named("grant_epoch_in_2_bytes", at(8, raw([0x18, 0]))),
        named("grant_scheme_2", at(GRANT_SCHEME, Tree::Uint(2))),
        named(
            "grant_signature_of_65_bytes",
            at(GRANT_SIGNATURE, bytes(65)),
        ),
        named("grant_signature_null", at(GRANT_SIGNATURE, Tree::Null)),
    ]
}

/// Values that a later version may have made. They are not called malformed, because
/// nobody is to blame for them.
fn versions() -> Vec<Case> {
    let good = by_phone(|_| ()).to_bytes();
    let unknown = |name: &str, about: &str, bytes: Vec<u8>| {
        Case::record(name, about, bytes).is("unknown_version")
    };
    vec![
        unknown("version_0", "", broken(&[VERSION], Tree::Uint(0))),
        unknown("version_2", "", broken(&[VERSION], Tree::Uint(2))),
        unknown(
            "version_of_64_bits",
            "",
            broken(&[VERSION], Tree::Uint(u64::MAX)),
        ),
        unknown(
            "version_2_of_another_length",
            "Nothing after the version is looked at.",
            Tree::List(vec![Tree::Uint(2), Tree::text("what may come")]).encode(),
        ),
        unknown("version_2_alone", "", vec![0x8c, 2]),
        unknown(
            "version_2_and_nonsense",
            "",
            [&[0x8b, 2], &good[2..60], &[0xff]].concat(),
        ),
        unknown(
            "grant_of_version_2",
            "",
            broken(&[GRANT, VERSION], Tree::Uint(2)),
        ),
        unknown("grant_of_version_2_alone", "", {
            broken(&[GRANT], raw([0x83, 0x02]))
        }),
        Case::record("version_1_of_another_length", "", vec![0x82, 0x01, 0x00]).is("malformed"),
    ]
}
