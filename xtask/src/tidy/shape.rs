//! The shape of what is written: few fields, reasons at exceptions.

use syn::{
    Attribute, Fields, ItemStruct, Meta,
    visit::{self, Visit},
};

use super::{Complaints, source::Source};

const FIELDS: usize = 10;

/// Structs that have more fields because what they stand for does.
const WIDE: [(&str, &str); 10] = [
    // An item and a profile of a feed, and the forms of JSON Feed's objects.
    ("crates/protocol/src/feed/model.rs", "Item"),
    ("crates/protocol/src/feed/model.rs", "Profile"),
    ("crates/protocol/src/feed/json/wire.rs", "Feed"),
    ("crates/protocol/src/feed/json/wire.rs", "WireItem"),
    ("crates/protocol/src/feed/json/wire.rs", "ProfileFile"),
    // An item as the database keeps it, written and read.
    ("crates/store/src/codec.rs", "Lean"),
    ("crates/store/src/codec.rs", "Kept"),
    // What an import finds in other formats, and its counts as they are printed.
    ("crates/node/src/import/draft.rs", "Draft"),
    ("crates/node/src/import/input.rs", "Decoded"),
    ("crates/node/src/import/report.rs", "Tally"),
];

pub(super) fn check(source: &Source) -> Complaints {
    let mut shape = Shape {
        path: &source.path,
        complaints: Complaints::new(),
    };
    shape.visit_file(&source.file);
    shape.complaints
}

struct Shape<'a> {
    path: &'a str,
    complaints: Complaints,
}

impl<'ast> Visit<'ast> for Shape<'_> {
    fn visit_item_struct(&mut self, item: &'ast ItemStruct) {
        let name = item.ident.to_string();
        let accepted = WIDE.contains(&(self.path, name.as_str()));
        if let Fields::Named(fields) = &item.fields
            && fields.named.len() > FIELDS
            && !accepted
        {
            let line = item.ident.span().start().line;
            let count = fields.named.len();
            self.complaints.push(format!(
                "{}:{line}: {name} has {count} fields, at most {FIELDS}",
                self.path
            ));
        }
        visit::visit_item_struct(self, item);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        let wrong = wrong(attribute).filter(|_| !self.is_support(attribute));
        if let Some(wrong) = wrong {
            let line = attribute.pound_token.span.start().line;
            self.complaints
                .push(format!("{}:{line}: {wrong}", self.path));
        }
    }
}

impl Shape<'_> {
    /// Of what several test binaries share each uses a part: there a lint may or may not
    /// be met, so it cannot be expected.
    fn is_support(&self, attribute: &Attribute) -> bool {
        let whole = matches!(attribute.style, syn::AttrStyle::Inner(_));
        whole
            && attribute.path().is_ident("allow")
            && has_reason(attribute)
            && self.path.contains("/tests/")
            && self.path.ends_with("/mod.rs")
    }
}

fn has_reason(attribute: &Attribute) -> bool {
    match &attribute.meta {
        Meta::List(list) => list.tokens.to_string().contains("reason ="),
        _ => false,
    }
}

fn wrong(attribute: &Attribute) -> Option<&'static str> {
    let name = attribute.path().get_ident()?.to_string();
    match name.as_str() {
        "allow" => Some("allow hides a lint for ever: use expect, with a reason"),
        "expect" if !has_reason(attribute) => Some("expect without a reason"),
        "ignore" => Some("a test that does not run: remove it or let it run"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Complaints {
        check(&Source::parse("a.rs", text, false).unwrap())
    }

    #[test]
    fn exceptions_need_reasons() {
        assert!(said("#[expect(dead_code, reason = \"r\")] fn f() {}").is_empty());
        for text in [
            "#[expect(dead_code)] fn f() {}",
            "#![expect(dead_code)]",
            "#[allow(dead_code, reason = \"r\")] fn f() {}",
            concat!("#[test] #[ig", "nore] fn f() {}"),
            concat!("#[test] #[ig", "nore = \"slow\"] fn f() {}"),
            "struct A { #[expect(dead_code)] a: u8 }",
        ] {
            assert_eq!(said(text).len(), 1, "{text}");
        }
    }

    #[test]
    fn shared_support_of_tests_may_allow_with_a_reason() {
        let said = |text: &str| {
            check(&Source::parse("crates/a/tests/support/mod.rs", text, true).unwrap())
        };
        assert!(said("#![allow(dead_code, reason = \"r\")]").is_empty());
        assert_eq!(said("#![allow(dead_code)]").len(), 1);
        assert_eq!(
            said("#[allow(dead_code, reason = \"r\")] fn f() {}").len(),
            1
        );
    }

    #[test]
    fn wide_structs_are_named() {
        let fields = |count: usize| {
            let fields: String = (0..count).map(|n| format!("f{n}: u8, ")).collect();
            said(&format!("struct A {{ {fields} }}"))
        };
        assert!(fields(10).is_empty());
        assert_eq!(fields(11), ["a.rs:1: A has 11 fields, at most 10"]);
    }
}
