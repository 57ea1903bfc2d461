//! Receipts: which capsules are installed, and which bytes were pinned.

use serde::{Deserialize, Serialize};

use super::Store;
use super::database::{unavailable, unreadable};
use super::namespace::{self, Kind};
use crate::error::Result;
use crate::manifest::Capabilities;

/// Proof that a capsule was installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The capsule's id.
    pub capsule: String,
    /// The version in its manifest.
    pub version: String,
    /// BLAKE3 of the component, or of what the host pins in its place.
    pub hash: [u8; 32],
    /// The principal it was installed for.
    pub principal: String,
    /// The capabilities it was narrowed to; none means all that the manifest asks for.
    #[serde(default)]
    pub attenuation: Option<Vec<String>>,
    /// The capabilities that were accepted, as they were written; an upgrade that asks for more needs a new word. None in a
    /// receipt of an older host, which kept none.
    #[serde(default)]
    pub capabilities: Capabilities,
    /// When it was first installed, in milliseconds since 1970.
    pub installed_at: u64,
    /// When this version was installed, in milliseconds since 1970.
    pub updated_at: u64,
}

/// The receipts of a store.
pub struct Receipts<'a> {
    store: &'a Store,
}

impl<'a> Receipts<'a> {
    pub(super) fn new(store: &'a Store) -> Self {
        Self { store }
    }

    /// The receipt of the capsule, if it is installed.
    pub fn get(&self, capsule: &str) -> Result<Option<Receipt>> {
        let name = namespace::plain_key(Kind::Receipt, capsule);
        let bytes = self.store.opened()?.database.host.get(name).map_err(unreadable)?;
        bytes.map(|bytes| read(&bytes)).transpose()
    }

    /// Keeps the receipt in place of an earlier one of the same capsule.
    pub fn put(&self, receipt: &Receipt) -> Result<()> {
        let open = self.store.opened()?;
        let name = namespace::plain_key(Kind::Receipt, &receipt.capsule);
        let bytes = write(receipt)?;
        open.database.change(&name, |batch| {
            batch.insert(&open.database.host, &*name, bytes);
            Ok(())
        })
    }

    /// Keeps the receipt in place of `before`; false, and nothing is changed, if that is not the capsule's receipt any more.
    pub fn replace(&self, before: Option<&Receipt>, receipt: &Receipt) -> Result<bool> {
        self.exchange(&receipt.capsule, before, Some(receipt))
    }

    /// Takes a receipt back, so that `before` is there again; false, and nothing is changed, if another stands there by now.
    pub fn take_back(&self, receipt: &Receipt, before: Option<&Receipt>) -> Result<bool> {
        self.exchange(&receipt.capsule, Some(receipt), before)
    }

    fn exchange(&self, capsule: &str, from: Option<&Receipt>, to: Option<&Receipt>) -> Result<bool> {
        let open = self.store.opened()?;
        let name = namespace::plain_key(Kind::Receipt, capsule);
        let bytes = to.map(write).transpose()?;
        open.database.change(&name, |batch| {
            let now = open.database.host.get(&name).map_err(unreadable)?;
            let now = now.map(|bytes| read(&bytes)).transpose()?;
            let is_same = now.as_ref() == from;
            match bytes {
                Some(bytes) if is_same => batch.insert(&open.database.host, &*name, bytes),
                None if is_same => batch.remove(&open.database.host, &*name),
                _ => {}
            }
            Ok(is_same)
        })
    }

    /// Removes the capsule's receipt and tells whether there was one.
    pub fn remove(&self, capsule: &str) -> Result<bool> {
        let open = self.store.opened()?;
        let name = namespace::plain_key(Kind::Receipt, capsule);
        open.database.change(&name, |batch| {
            let found = open.database.host.contains_key(&name).map_err(unreadable)?;
            if found {
                batch.remove(&open.database.host, &*name);
            }
            Ok(found)
        })
    }

    /// Every receipt, by capsule id.
    pub fn all(&self) -> Result<Vec<Receipt>> {
        let open = self.store.opened()?;
        let kind = namespace::plain_key(Kind::Receipt, "");
        open.database.host.prefix(kind).map(|guard| read(&guard.value().map_err(unreadable)?)).collect()
    }
}

fn write(receipt: &Receipt) -> Result<Vec<u8>> {
    serde_json::to_vec(receipt).map_err(|cause| unavailable("a receipt cannot be written", cause))
}

fn read(bytes: &[u8]) -> Result<Receipt> {
    serde_json::from_slice(bytes).map_err(|cause| unavailable("a receipt is malformed", cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_come_back_as_they_were_put() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let mut receipt = Receipt {
            capsule: "notes".into(),
            version: "1.0.0".into(),
            hash: [7; 32],
            principal: "alice".into(),
            attenuation: Some(vec!["kv".into()]),
            capabilities: Capabilities { kv: vec!["notes".into()], uplink: true, ..Default::default() },
            installed_at: 1,
            updated_at: 1,
        };
        store.receipts().put(&receipt).unwrap();
        receipt.updated_at = 2;
        store.receipts().put(&receipt).unwrap();
        assert_eq!(store.receipts().get("notes").unwrap(), Some(receipt.clone()));
        assert_eq!(store.receipts().get("note").unwrap(), None);
        assert_eq!(store.receipts().all().unwrap(), [receipt]);
        assert!(store.receipts().remove("notes").unwrap());
        assert!(!store.receipts().remove("notes").unwrap());
        assert_eq!(store.receipts().all().unwrap(), []);
    }

    #[test]
    fn a_receipt_takes_the_place_of_the_one_that_was_looked_at_and_of_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let receipt = |version: &str| Receipt {
            capsule: "notes".into(),
            version: version.into(),
            hash: [7; 32],
            principal: "alice".into(),
            attenuation: None,
            capabilities: Capabilities::default(),
            installed_at: 1,
            updated_at: 1,
        };
        let receipts = store.receipts();
        assert!(receipts.replace(None, &receipt("1.0.0")).unwrap());
        assert!(!receipts.replace(None, &receipt("2.0.0")).unwrap(), "installed meanwhile");
        assert!(receipts.replace(Some(&receipt("1.0.0")), &receipt("2.0.0")).unwrap());
        assert!(!receipts.take_back(&receipt("1.0.0"), None).unwrap(), "another stands there");
        assert!(receipts.take_back(&receipt("2.0.0"), Some(&receipt("1.0.0"))).unwrap());
        assert!(receipts.take_back(&receipt("1.0.0"), None).unwrap());
        assert!(
            !receipts.replace(Some(&receipt("2.0.0")), &receipt("3.0.0")).unwrap(),
            "uninstalled meanwhile"
        );
        assert_eq!(receipts.get("notes").unwrap(), None);
    }

    #[test]
    fn a_receipt_of_an_older_host_has_accepted_nothing() {
        let mut older = serde_json::to_value(Receipt {
            capsule: "notes".into(),
            version: "1.0.0".into(),
            hash: [7; 32],
            principal: "alice".into(),
            attenuation: None,
            capabilities: Capabilities { uplink: true, ..Default::default() },
            installed_at: 1,
            updated_at: 1,
        })
        .unwrap();
        older.as_object_mut().unwrap().remove("capabilities");
        let read = read(&serde_json::to_vec(&older).unwrap()).unwrap();
        assert_eq!(read.capabilities, Capabilities::default());
    }
}
