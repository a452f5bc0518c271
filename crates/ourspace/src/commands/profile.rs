//! `ourspace profile`: who one says one is.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
    process::ExitCode,
};

use clap::Args;
use ourspace_node::{
    Home,
    attach::{self, AttachError, Attacher},
    compose::{self, ProfileEdit},
    read,
    view::ProfileView,
};
use ourspace_protocol::{
    feed::model::{Attachment, Followee, Link, Payment},
    limits,
    time::Millis,
};

use super::Outcome;
use crate::{
    context::Context,
    failure::Failure,
    media_args::named,
    parse,
    people::{self, push},
};

/// Two parts, or nothing.
type Pair = Option<(String, String)>;

const EXAMPLES: &str = "\
Examples:
  ourspace profile
  ourspace profile --name Ada --bio \"Writes about *engines*.\" --avatar ada.jpg
  ourspace profile --link Site=https://example.org --link Code=https://example.org/code
  ourspace profile --pay bitcoin=bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4
  ourspace profile --follow 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266 --title Eve

An empty value removes what was there; a repeatable option replaces the whole list. What
is not named stays. Everybody can read the profile and whom it follows. Money is sent to
the account itself; other payment addresses are shown as claims.";

/// What it takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The name that is shown
    #[arg(long)]
    name: Option<String>,
    /// A few words about you (Markdown)
    #[arg(long, value_name = "TEXT")]
    bio: Option<String>,
    /// A picture of you; it is cut to a square
    #[arg(long, value_name = "FILE", value_parser = clap::builder::OsStringValueParser::new())]
    avatar: Option<OsString>,
    /// A wide picture for the top of the page
    #[arg(long, value_name = "FILE", value_parser = clap::builder::OsStringValueParser::new())]
    banner: Option<OsString>,
    /// Another place of yours (repeatable)
    #[arg(long = "link", value_name = "LABEL=URL", value_parser = parse::link)]
    links: Option<Vec<Pair>>,
    #[command(flatten)]
    contact: ContactArgs,
    #[command(flatten)]
    follow: FollowArgs,
}

#[derive(Debug, Args)]
struct ContactArgs {
    /// Your Tox ID, for calls and messages
    #[arg(long, value_name = "ID", value_parser = parse::tox)]
    tox: Option<String>,
    /// Your e-mail address
    #[arg(long, value_name = "ADDRESS", value_parser = parse::email)]
    email: Option<String>,
    /// Another payment address (repeatable)
    #[arg(long = "pay", value_name = "KIND=ADDRESS", value_parser = parse::pair)]
    payments: Option<Vec<Pair>>,
    /// A domain or ENS name that leads to this account (repeatable)
    #[arg(long = "claim-name", value_name = "NAME", value_parser = parse::name)]
    names: Option<Vec<String>>,
    /// The language that you mostly write in
    #[arg(long, value_parser = parse::language)]
    lang: Option<String>,
}

#[derive(Debug, Args)]
struct FollowArgs {
    /// Follow an account or a web feed, for everybody to see
    #[arg(long, value_name = "WHO", value_parser = parse::followee)]
    follow: Option<Followee>,
    /// What you call whom you follow
    #[arg(long, requires = "follow")]
    title: Option<String>,
    /// Follow no longer
    #[arg(long, value_name = "WHO", value_parser = parse::followee, conflicts_with = "follow")]
    unfollow: Option<Followee>,
}

/// Changes it, and shows it.
pub(crate) fn run(arguments: &Arguments, context: &Context) -> Outcome {
    if !arguments.names_something() {
        let home = context.open_reader()?;
        return answer(&home, context);
    }
    parse::fits("name", arguments.name.as_ref(), limits::LINE_BYTES)?;
    parse::fits("bio", arguments.bio.as_ref(), limits::BIO_BYTES)?;
    drop(context.open_reader()?);
    let home = context.open()?;
    let now = context.signing_time()?;
    if arguments.edits() {
        change(&home, now, arguments)?;
    }
    if let Some(who) = &arguments.follow.follow {
        compose::follow(&home, now, who, arguments.follow.title.as_deref())?;
    }
    if let Some(who) = &arguments.follow.unfollow {
        compose::unfollow(&home, now, who)?;
    }
    let profile = read::profile(&home)?;
    context.output.done(&profile, &describe(&profile))?;
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    fn names_something(&self) -> bool {
        self.edits() || self.follow.follow.is_some() || self.follow.unfollow.is_some()
    }

    fn edits(&self) -> bool {
        let contact = &self.contact;
        self.name.is_some()
            || self.bio.is_some()
            || self.avatar.is_some()
            || self.banner.is_some()
            || self.links.is_some()
            || contact.tox.is_some()
            || contact.email.is_some()
            || contact.payments.is_some()
            || contact.names.is_some()
            || contact.lang.is_some()
    }
}

fn change(home: &Home, now: Millis, arguments: &Arguments) -> Result<(), Failure> {
    let mut attacher = Attacher::new(home, now)?;
    let avatar = picture(arguments.avatar.as_deref(), |file| {
        attacher.add_avatar(file)
    })?;
    let banner = picture(arguments.banner.as_deref(), |file| {
        attacher.add_banner(file)
    })?;
    let contact = &arguments.contact;
    let edit = ProfileEdit {
        display_name: arguments.name.clone(),
        bio: arguments.bio.clone(),
        avatar,
        banner,
        links: pairs(arguments.links.as_deref(), |label, url| Link { label, url }),
        tox: contact.tox.clone(),
        email: contact.email.clone(),
        payments: pairs(contact.payments.as_deref(), |kind, address| Payment {
            kind: kind.to_lowercase(),
            address,
        }),
        names: contact.names.as_ref().map(|names| {
            let given = names.iter().filter(|name| !name.is_empty());
            given.cloned().collect()
        }),
        language: contact.lang.clone(),
    };
    compose::edit_profile(home, now, edit, Some(attacher.finish()))?;
    Ok(())
}

/// A picture; an empty name for none.
fn picture(
    path: Option<&OsStr>,
    mut add: impl FnMut(std::fs::File) -> Result<Attachment, AttachError>,
) -> Result<Option<Option<Attachment>>, Failure> {
    match path {
        None => Ok(None),
        Some(path) if path.is_empty() => Ok(Some(None)),
        Some(path) => {
            let path = Path::new(path);
            let added = attach::open(path).and_then(&mut add);
            Ok(Some(Some(added.map_err(|error| named(path, error))?)))
        }
    }
}

fn pairs<T>(given: Option<&[Pair]>, make: impl Fn(String, String) -> T) -> Option<Vec<T>> {
    given.map(|pairs| {
        let pairs = pairs.iter().flatten().cloned();
        pairs.map(|(name, value)| make(name, value)).collect()
    })
}

fn answer(home: &Home, context: &Context) -> Outcome {
    let profile = read::profile(home)?;
    context.output.answer(&profile, describe(&profile))?;
    Ok(ExitCode::SUCCESS)
}

fn describe(profile: &ProfileView) -> String {
    let mut text = format!("account   {}", profile.account);
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            push(
                &mut text,
                format_args!("\n{name:<9} {}", people::harmless(value)),
            );
        }
    };
    line("name", &profile.display_name);
    line("bio", &profile.bio.replace('\n', "\n          "));
    for (name, picture) in [
        ("avatar", &profile.pictures.avatar),
        ("banner", &profile.pictures.banner),
    ] {
        if let Some(picture) = picture {
            line(name, &picture.file.url);
        }
    }
    for link in &profile.links {
        line("link", &format!("{} {}", link.label, link.url));
    }
    let contact = &profile.contact;
    line("tox", contact.tox.as_deref().unwrap_or_default());
    line("email", contact.email.as_deref().unwrap_or_default());
    for payment in &contact.payments {
        line("pay", &format!("{} {}", payment.kind, payment.address));
    }
    for name in &contact.names {
        line("claims", name);
    }
    line("language", contact.language.as_deref().unwrap_or_default());
    for follow in &profile.follows {
        let title = follow.title.as_deref().unwrap_or_default();
        line("follows", format!("{} {title}", follow.who).trim_end());
    }
    text
}
