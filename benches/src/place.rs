//! A home with an account, made without a password: benches measure what comes after.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use ourspace_node::{Home, home::put_account};
use ourspace_protocol::{
    account::Account,
    feed::{
        clean,
        model::{Item, ItemId},
        set::Changes,
    },
    grant::Grant,
    time::Millis,
    verify::{KnownGrants, verify_grant},
};
use ourspace_store::StoreError;
use ourspace_testkit::{
    random::Random,
    signing::{DAY, TestKey, grant, sign_grant},
};
use ourspace_wallet::device;

/// When everything in a bench happens.
pub const NOW: Millis = ourspace_testkit::signing::NOW;

/// Posts that are taken in together when a home is filled.
const TOGETHER: usize = 20_000;

/// Makes a home in an empty folder, at [`NOW`].
///
/// # Errors
/// Those of the home.
pub fn make(folder: &Path) -> Result<(Home, Account)> {
    make_at(folder, NOW)
}

/// The same at another time.
///
/// # Errors
/// Those of the home.
pub fn make_at(folder: &Path, now: Millis) -> Result<(Home, Account)> {
    make_as(folder, "bench", now)
}

/// Makes a home of the account with this name, at this time.
///
/// # Errors
/// Those of the home.
pub fn make_as(folder: &Path, name: &str, now: Millis) -> Result<(Home, Account)> {
    let home = Home::open_or_make(folder)?;
    fs::create_dir_all(folder.join("keys"))?;
    let wallet = TestKey::named(name);
    let key = device::create(&home.device_path())?;
    let granted = Grant {
        device: ourspace_protocol::seams::Signer::address(&key),
        issued_at: now - DAY,
        expires_at: now + 300 * DAY,
        ..grant(&wallet, &wallet)
    };
    let signed = sign_grant(granted, &wallet);
    let verified = verify_grant(&signed.to_bytes(), &mut KnownGrants::new())?;
    let account = wallet.address();
    home.store().write(|writer| {
        writer.put_grant(&verified)?;
        put_account(writer, account)?;
        Ok::<_, StoreError>(())
    })?;
    ourspace_node::publish::publish(&home, now, |_| Ok(Changes::default()))?;
    Ok((home, account))
}

/// Posts of real text, always the same: pieces of Debian's collection of sayings.
#[derive(Debug)]
pub struct Posts {
    texts: Vec<String>,
    random: Random,
    made: u64,
}

impl Posts {
    /// Reads the texts.
    ///
    /// # Errors
    /// When the package `fortunes` is not installed.
    pub fn new() -> Result<Self> {
        let folder = "/usr/share/games/fortunes";
        let files = fs::read_dir(folder).with_context(|| {
            format!("no texts in {folder}: install the Debian package `fortunes`")
        })?;
        let mut paths: Vec<_> = files.flatten().map(|file| file.path()).collect();
        paths.sort();
        let mut texts = Vec::new();
        for path in paths.iter().filter(|path| path.extension().is_none()) {
            let text = fs::read_to_string(path).unwrap_or_default();
            let short = |text: &&str| (40..400).contains(&text.len());
            texts.extend(text.split("\n%\n").filter(short).map(clean::text));
        }
        anyhow::ensure!(texts.len() > 1000, "too few texts in {folder}");
        Ok(Self {
            texts,
            random: Random::new(1),
            made: 0,
        })
    }

    /// The next post, a minute after the one before.
    pub fn next_post(&mut self) -> Item {
        self.made += 1;
        let mut id = [0; 10];
        id[..8].copy_from_slice(&self.random.number().to_be_bytes());
        id[8..].copy_from_slice(&self.random.number().to_be_bytes()[..2]);
        let text = self.random.pick(&self.texts).cloned().unwrap_or_default();
        Item::new(ItemId(id), 1_500_000_000_000 + self.made * 60_000, text)
    }

    /// The same posts as every other feed gets that came here, whatever is before them.
    pub fn begin_anew(&mut self) {
        self.random = Random::new(3);
    }

    /// Publishes posts until the feed has `count` of them.
    ///
    /// # Errors
    /// Those of publishing.
    pub fn fill(&mut self, home: &Home, count: u64) -> Result<()> {
        while self.made < count {
            let room = usize::try_from(count - self.made)?.min(TOGETHER);
            let items = (0..room).map(|_| self.next_post()).collect();
            let changes = Changes {
                items,
                ..Changes::default()
            };
            ourspace_node::publish::publish(home, NOW, |_| Ok(changes))?;
        }
        Ok(())
    }
}
