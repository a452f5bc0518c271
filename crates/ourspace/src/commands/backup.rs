//! `ourspace backup` and `ourspace restore`.

use std::{fs, path::PathBuf, process::ExitCode};

use clap::Args;
use ourspace_node::{
    account,
    backup::{self, Options},
};
use ourspace_protocol::account::Account;
use serde::Serialize;

use super::Outcome;
use crate::{context::Context, password::PasswordArgs};

/// What `backup` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ourspace backup ourspace.backup\n  ourspace backup --no-media --password-file password.txt small.backup\n\nThe file holds the keys, the posts and the media, sealed by the password\nof the account. Where the wallet is elsewhere, the backup gets a password of its own. It does\nnot replace the words on paper: they open the account without any file."
)]
pub(crate) struct Arguments {
    /// The file to make; it must not exist yet
    file: PathBuf,
    #[command(flatten)]
    password: PasswordArgs,
    /// Leave pictures, video and sound out
    #[arg(long)]
    no_media: bool,
}

/// What `restore` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ourspace restore ourspace.backup\n  ourspace restore --home /srv/ourspace ourspace.backup\n\nThe home must not exist yet. If the machine that the backup is from still runs, do not use\nboth: they share one device key, and what one signs replaces what the other did. Let a second\nmachine join instead (ourspace device join)."
)]
pub(crate) struct RestoreArguments {
    /// The backup
    file: PathBuf,
    #[command(flatten)]
    password: PasswordArgs,
}

/// `spec/schemas/backup.json`.
#[derive(Serialize)]
struct BackupAnswer {
    account: Account,
    file: PathBuf,
    size_in_bytes: u64,
    media: bool,
}

/// `spec/schemas/restore.json`.
#[derive(Serialize)]
struct RestoreAnswer {
    account: Account,
    home: PathBuf,
    created: String,
    media: bool,
}

/// Makes a backup.
pub(crate) fn run(arguments: &Arguments, context: &Context) -> Outcome {
    let home = context.open()?;
    let password = match home.keystore_path().exists() {
        // Its password is checked, so it need not be asked for twice.
        true => {
            let question = "The password of this account, which seals the backup: ";
            arguments.password.existing(context, question)?
        }
        false => {
            let question = "A password for the backup: ";
            arguments.password.new_password(context, question)?
        }
    };
    let options = Options {
        password: &password,
        media: !arguments.no_media,
        now: context.now()?,
    };
    let bar = context.output.progress(0, "sealing");
    let made = backup::backup(&home, &arguments.file, options, &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    let size = fs::metadata(&arguments.file)?.len();
    let value = BackupAnswer {
        account: made.account,
        file: arguments.file.clone(),
        size_in_bytes: size,
        media: made.media,
    };
    let text = format!(
        "{} holds the home of {} ({size} bytes)",
        arguments.file.display(),
        made.account
    );
    context.output.done(&value, &text)?;
    Ok(ExitCode::SUCCESS)
}

/// Restores one.
pub(crate) fn restore(arguments: &RestoreArguments, context: &Context) -> Outcome {
    let question = "The password of the backup: ";
    let password = arguments.password.existing(context, question)?;
    let size = fs::metadata(&arguments.file).map_or(0, |file| file.len());
    let bar = context.output.progress(size, "restoring");
    let restored = backup::restore(&context.home, &arguments.file, &password, &mut |read| {
        bar.inc(read);
    })?;
    bar.finish_and_clear();
    let home = context.open_reader()?;
    let grant = account::whoami(&home, context.now()?)?.grant;
    let text = format!(
        "{} is the home of {} as it was on {}\nmay publish until {}",
        context.home.display(),
        restored.account,
        restored.created,
        grant.expires
    );
    let value = RestoreAnswer {
        account: restored.account,
        home: context.home.clone(),
        created: restored.created,
        media: restored.media,
    };
    let media = value.media;
    context.output.answer(&value, text)?;
    if !media {
        context.output.say(
            "warning: the backup was made with --no-media: pictures, sound and video of the \
             posts are missing here. Posts that name them stay; a backup with media, or a copy \
             of the exported site, still has the files.",
        );
    }
    context.output.say(
        "If the machine that this is from still runs, use only one of the two: they share a \
         device key. What was published there later comes back over the network when the node \
         runs (`ourspace`).",
    );
    Ok(ExitCode::SUCCESS)
}
