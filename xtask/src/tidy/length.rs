//! Files and functions that can be read in one go, tests included.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Block, ImplItemFn, ItemFn, TraitItemFn,
    visit::{self, Visit},
};

use super::{Complaints, source::Source};

const FILE_LINES: usize = 500;
/// Lines with code between the braces; comments and empty lines are free.
const FUNCTION_LINES: usize = 60;

pub(super) fn check(source: &Source) -> Complaints {
    let mut complaints = Complaints::new();
    let lines = source.text.lines().count();
    if lines > FILE_LINES {
        complaints.push(format!(
            "{}: {lines} lines, at most {FILE_LINES}: split it",
            source.path
        ));
    }
    let mut with_code = BTreeSet::new();
    if let Ok(tokens) = source.text.parse::<TokenStream>() {
        mark(tokens, &mut with_code);
    }
    let mut functions = Functions {
        with_code,
        long: Vec::new(),
    };
    functions.visit_file(&source.file);
    let long = functions.long.into_iter().map(|(name, line, lines)| {
        let path = &source.path;
        format!("{path}:{line}: {name} has {lines} lines, at most {FUNCTION_LINES}: split it")
    });
    complaints.extend(long);
    complaints
}

fn mark(tokens: TokenStream, lines: &mut BTreeSet<usize>) {
    for token in tokens {
        let span = token.span();
        match token {
            TokenTree::Group(group) => {
                lines.insert(group.span_open().start().line);
                lines.insert(group.span_close().start().line);
                // Documentation comes as `#[doc]`, with the span of the comment.
                mark(group.stream(), lines);
            }
            _ => lines.extend(span.start().line..=span.end().line),
        }
    }
}

struct Functions {
    with_code: BTreeSet<usize>,
    long: Vec<(String, usize, usize)>,
}

impl Functions {
    fn look(&mut self, name: String, body: &Block) {
        let first = body.brace_token.span.open().start().line;
        let last = body.brace_token.span.close().start().line;
        let lines = self.with_code.range(first..=last).count().saturating_sub(2);
        if lines > FUNCTION_LINES {
            self.long.push((name, first, lines));
        }
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.look(function.sig.ident.to_string(), &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.look(function.sig.ident.to_string(), &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(body) = &function.default {
            self.look(function.sig.ident.to_string(), body);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Complaints {
        check(&Source::parse("a.rs", text, true).unwrap())
    }

    fn function(lines: usize) -> String {
        format!("fn f() {{\n{}}}\n", "    g();\n".repeat(lines))
    }

    #[test]
    fn long_functions_are_named() {
        assert!(said(&function(60)).is_empty());
        assert_eq!(
            said(&function(61)),
            ["a.rs:1: f has 61 lines, at most 60: split it"]
        );
        let method = format!("struct A;\nimpl A {{\n{}}}\n", function(61));
        assert_eq!(said(&method).len(), 1);
        let default = format!("trait A {{\n{}}}\n", function(61));
        assert_eq!(said(&default).len(), 1);
        let test = format!("#[cfg(test)]\nmod tests {{\n#[test]\n{}}}\n", function(61));
        assert_eq!(said(&test).len(), 1);
    }

    #[test]
    fn texts_count_and_comments_do_not() {
        let comments = format!("fn f() {{\n{}    g();\n}}\n", "    // why\n\n".repeat(80));
        assert!(said(&comments).is_empty());
        let text = format!("fn f() {{\n    g(\"{}\");\n}}\n", "line\n".repeat(80));
        assert_eq!(said(&text).len(), 1);
    }

    #[test]
    fn long_files_are_named() {
        assert!(said(&"// a\n".repeat(500)).is_empty());
        let complaints = said(&"// a\n".repeat(501));
        assert_eq!(complaints, ["a.rs: 501 lines, at most 500: split it"]);
    }
}
