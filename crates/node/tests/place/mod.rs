//! A home with an account whose wallet is a test key: no password, no key store.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test binary uses a part of this; a test's helpers fail by panicking"
)]

use ourspace_node::{Home, home::put_account};
use ourspace_protocol::{
    account::Account,
    grant::{Grant, PUBLISH},
    time::Millis,
    verify::{KnownGrants, verify_grant},
};
use ourspace_store::StoreError;
use ourspace_testkit::signing::{DAY, NOW, TestKey, sign_grant};
use ourspace_wallet::device;
use tempfile::TempDir;

/// A small PNG, another one for each `seed`.
pub(crate) fn picture(seed: u8) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let pixels = image::RgbImage::from_fn(64, 48, |x, y| image::Rgb([x as u8 * 4, y as u8, seed]));
    pixels
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

/// A home in a folder that goes with it.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
    pub(crate) home: Home,
}

impl Place {
    /// A home whose device may publish from a month before [`NOW`] until 300 days after.
    pub(crate) fn new() -> Self {
        Self::of("compose")
    }

    /// The same, of the account with the test key of this name.
    pub(crate) fn of(name: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("home");
        let home = Home::open_or_make(&path).unwrap();
        std::fs::create_dir_all(path.join("keys")).unwrap();
        let wallet = TestKey::named(name);
        let device = device::create(&home.device_path()).unwrap();
        let signed = sign_grant(
            Grant {
                account: wallet.address(),
                device: device.address(),
                encryption_key_hash: [1; 32],
                successor_hash: [2; 32],
                scope: PUBLISH.to_owned(),
                issued_at: NOW - 30 * DAY,
                expires_at: NOW + 300 * DAY,
                epoch: 0,
            },
            &wallet,
        );
        let grant = verify_grant(&signed.to_bytes(), &mut KnownGrants::new()).unwrap();
        let made: Result<(), StoreError> = home.store().write(|writer| {
            writer.put_grant(&grant)?;
            put_account(writer, wallet.address())
        });
        made.unwrap();
        Self { folder, home }
    }

    pub(crate) fn account(&self) -> Account {
        self.home.account().unwrap()
    }

    /// Root, record's time and outbox: what a refused change must leave as it was.
    pub(crate) fn state(&self) -> (Option<String>, Option<Millis>, usize) {
        let account = self.account();
        let reader = self.home.store().read().unwrap();
        let root = reader.root(account).unwrap();
        let heads = reader.heads(account).unwrap();
        (
            root.map(|link| link.cid.to_string()),
            heads.newest().map(|head| head.record().timestamp),
            reader.outbox(1_000).unwrap().len(),
        )
    }
}
