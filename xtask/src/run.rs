//! Running other programs: cargo above all.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_path_buf()
}

/// A command in the root of the workspace that reads nothing from the terminal.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root()).stdin(Stdio::null());
    command
}

/// The cargo that runs this program, without what it told this program about itself.
pub(crate) fn cargo() -> Command {
    like_cargo(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// A program that is run as cargo is.
pub(crate) fn like_cargo(program: impl AsRef<OsStr>) -> Command {
    let mut cargo = command(program);
    let own = std::env::vars_os().map(|(name, _)| name).filter(|name| {
        let name = name.to_string_lossy();
        name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
    });
    for name in own {
        cargo.env_remove(name);
    }
    cargo
}

/// Runs a command to its end; an error if it fails.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", words(command)))?;
    if !status.success() {
        bail!("{} failed: {status}", words(command));
    }
    Ok(())
}

/// What a command writes to its standard output; an error with what it wrote elsewhere if
/// it fails.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot start {}", words(command)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{} failed: {}\n{said}", words(command), output.status);
    }
    String::from_utf8(output.stdout).context("its output is not text")
}

/// The program and its first words, as in a terminal.
fn words(command: &Command) -> String {
    let mut words = vec![command.get_program()];
    words.extend(command.get_args().take(6));
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

/// Where a program lies, if it is in the folders of `PATH`.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// The folder that keeps things from one run to the next, outside the clone.
pub(crate) fn cache() -> Result<PathBuf> {
    let named = std::env::var_os("XDG_CACHE_HOME").filter(|name| !name.is_empty());
    let folder = match named {
        Some(folder) => PathBuf::from(folder),
        None => std::env::home_dir()
            .context("no home directory: set XDG_CACHE_HOME to a folder for caches")?
            .join(".cache"),
    };
    Ok(folder.join("ourspace"))
}
