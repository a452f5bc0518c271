//! Peers from Debian. Debian replaces versions in place, so the least version is pinned and
//! the one that is there is said.

use std::{path::Path, process::Command};

use anyhow::{Result, bail};

use crate::run;

/// Download and disk when nothing is there.
pub(super) const SIZE: &str = "240 MB download, 830 MB on disk";

/// How to see that a package is there, whoever brought it.
enum Sign {
    Program(&'static str),
    File(&'static str),
    PythonModules(&'static str),
}

struct Package {
    name: &'static str,
    /// The oldest version that the tests are known to pass with.
    least: &'static str,
    sign: Sign,
}

const fn program(name: &'static str, least: &'static str, program: &'static str) -> Package {
    Package {
        name,
        least,
        sign: Sign::Program(program),
    }
}

const PACKAGES: &[Package] = &[
    program("chromium", "130", "chromium"),
    program("firefox-esr", "128", "firefox-esr"),
    program("gpodder", "3.11", "gpo"),
    program("iproute2", "6", "ip"),
    program("iputils-ping", "20211215", "ping"),
    program("libimage-exiftool-perl", "12.57", "exiftool"),
    program("libxml2-utils", "2.9", "xmllint"),
    program("newsboat", "2.21", "newsboat"),
    program("nftables", "1.0", "nft"),
    program("nodejs", "18", "node"),
    program("npm", "9", "npm"),
    program("python3", "3.11", "python3"),
    program("strace", "6", "strace"),
    program("xsltproc", "1.1", "xsltproc"),
    Package {
        name: "python3-venv",
        least: "3.11",
        sign: Sign::PythonModules("venv, ensurepip"),
    },
    Package {
        name: "fonts-noto-core",
        least: "20201225",
        sign: Sign::File("/usr/share/fonts/truetype/noto/NotoSansArabic-Regular.ttf"),
    },
    Package {
        name: "fonts-noto-color-emoji",
        least: "2",
        sign: Sign::File("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"),
    },
    Package {
        name: "fortunes",
        least: "1",
        sign: Sign::File("/usr/share/games/fortunes/literature"),
    },
];

impl Package {
    fn is_there(&self) -> bool {
        match self.sign {
            Sign::Program(name) => run::find(name).is_some(),
            Sign::File(path) => Path::new(path).exists(),
            Sign::PythonModules(names) => {
                let mut python = run::command("python3");
                python.args(["-c", &format!("import {names}")]);
                python.output().is_ok_and(|output| output.status.success())
            }
        }
    }
}

/// Installs what is not there, or says how and ends with the names of what is absent.
pub(super) fn install() -> Result<()> {
    let absent = absent();
    if absent.is_empty() {
        return refuse_old();
    }
    let names = absent.join(" ");
    let line = format!("apt-get update && apt-get install -y --no-install-recommends {names}");
    if run::find("apt-get").is_none() {
        bail!("absent: {names} (these are Debian's names: install them as your system does)");
    }
    if !is_root()? {
        bail!("absent: {names}\nrun this once, then try again:\n\n  sudo sh -c '{line}'\n");
    }
    println!("installing from Debian: {names}");
    run::succeed(apt().args(["-qq", "update"]))?;
    let mut install = apt();
    install.args(["-qq", "install", "-y", "--no-install-recommends"]);
    run::succeed(install.args(&absent))?;
    let absent = self::absent();
    if !absent.is_empty() {
        bail!("installed, but still absent: {}", absent.join(" "));
    }
    refuse_old()
}

fn apt() -> Command {
    let mut apt = run::command("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive");
    apt
}

fn absent() -> Vec<&'static str> {
    let absent = PACKAGES.iter().filter(|package| !package.is_there());
    absent.map(|package| package.name).collect()
}

fn is_root() -> Result<bool> {
    Ok(run::output(run::command("id").arg("-u"))?.trim() == "0")
}

/// What dpkg knows of the packages: name and version. Nothing where there is no dpkg.
fn installed() -> Vec<(String, String)> {
    let mut ask = run::command("dpkg-query");
    ask.args(["-W", "-f", "${Package} ${Version}\n"])
        .args(PACKAGES.iter().map(|package| package.name));
    // It fails when one is unknown, and tells of the others all the same.
    let Ok(output) = ask.output() else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(_, version)| !version.is_empty())
        .map(|(name, version)| (name.to_owned(), version.to_owned()))
        .collect()
}

/// The packages with the versions that are there.
pub(super) fn versions() -> String {
    let installed = installed();
    let version = |package: &Package| {
        let found = installed.iter().find(|(name, _)| name == package.name);
        found.map_or_else(
            || format!("{} (at least {})", package.name, package.least),
            |(name, version)| format!("{name} {version}"),
        )
    };
    PACKAGES.iter().map(version).collect::<Vec<_>>().join(", ")
}

fn refuse_old() -> Result<()> {
    let old = too_old(&installed());
    if !old.is_empty() {
        bail!("too old: {}", old.join(", "));
    }
    Ok(())
}

fn too_old(installed: &[(String, String)]) -> Vec<String> {
    let pairs = PACKAGES.iter().filter_map(|package| {
        let found = installed.iter().find(|(name, _)| name == package.name)?;
        (numbers(&found.1) < numbers(package.least))
            .then(|| format!("{} {} (at least {})", found.0, found.1, package.least))
    });
    pairs.collect()
}

/// The numbers of a version, without Debian's epoch and what Debian changed.
fn numbers(version: &str) -> Vec<u64> {
    let version = version.split_once(':').map_or(version, |(_, rest)| rest);
    version
        .split('.')
        .map_while(|part| {
            let digits = part.split(|c: char| !c.is_ascii_digit()).next()?;
            digits.parse().ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        assert_eq!(numbers("1:1.99.1-7.3"), [1, 99, 1, 3]);
        assert_eq!(numbers("153.7.0esr-1~deb12u1"), [153, 7, 0]);
        assert!(numbers("2.9.14+dfsg-1.3") < numbers("2.10"));
        assert!(numbers("20.20.2-1nodesource1") >= numbers("18"));
    }

    #[test]
    fn an_old_package_is_named() {
        let installed = |name: &str, version: &str| vec![(name.to_owned(), version.to_owned())];
        assert!(too_old(&installed("nodejs", "20.1")).is_empty());
        assert_eq!(
            too_old(&installed("nodejs", "12.22.12~dfsg-1")),
            ["nodejs 12.22.12~dfsg-1 (at least 18)"]
        );
    }
}
