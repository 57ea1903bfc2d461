//! Guests' key-value data: one namespace for each (principal, capsule), with its bytes counted as they change.

use std::fmt;

use super::Store;
use super::database::{Database, unreadable};
use super::namespace;
use crate::error::Error;
use crate::limits;
use crate::principal::Principal;

/// Why a key-value call did not happen; each is an arm the guest can see.
#[derive(Debug)]
pub enum KvError {
    /// The key, prefix or cursor breaks a rule: 1 to 256 bytes, normalised (NFC), no control characters. A prefix may be empty.
    InvalidKey,
    /// The value is over 1 MiB, or the listing over 1,024 keys.
    TooLarge,
    /// The namespace would grow past its quota.
    Quota,
    /// The key does not hold what was expected.
    CasMismatch,
    /// The store cannot be read or written; for the embedder, not for the guest.
    Unavailable(Error),
}

impl From<Error> for KvError {
    fn from(error: Error) -> Self {
        Self::Unavailable(error)
    }
}

impl fmt::Display for KvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidKey => f.write_str("the key breaks a rule"),
            Self::TooLarge => f.write_str("the value or the listing is too large"),
            Self::Quota => f.write_str("the namespace's quota is used up"),
            Self::CasMismatch => f.write_str("the key does not hold what was expected"),
            Self::Unavailable(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for KvError {}

/// One page of keys, sorted by their bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The keys.
    pub keys: Vec<String>,
    /// The cursor of the next page, only if there are more keys.
    pub next: Option<String>,
}

/// The key-value data of one capsule for one principal. Every change is atomic and is seen by every later read.
#[derive(Clone)]
pub struct Namespace {
    store: Store,
    head: Vec<u8>,
}

impl Namespace {
    pub(super) fn new(store: Store, principal: &Principal, capsule: &str) -> Self {
        Self { store, head: namespace::capsule_head(principal, capsule) }
    }

    /// The value under the key, or none.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KvError> {
        let key = self.key(key)?;
        let open = self.store.opened()?;
        Ok(open.database.values.get(key).map_err(unreadable)?.map(|value| value.to_vec()))
    }

    /// Sets the key. The namespace's keys and values may together take `quota` bytes; a change that does not make
    /// them more is let through even over the quota, so that a guest whose quota was lowered can shrink.
    pub fn set(&self, key: &str, value: &[u8], quota: u64) -> Result<(), KvError> {
        let key = self.writable(key, value)?;
        let open = self.store.opened()?;
        open.database.change_soon(&self.head, |batch| self.put(&open.database, batch, key, value, quota))
    }

    /// Removes the key; it need not be there.
    pub fn delete(&self, key: &str) -> Result<(), KvError> {
        let key = self.key(key)?;
        let open = self.store.opened()?;
        let database = &open.database;
        database.change_soon(&self.head, |batch| {
            let Some(held) = self.held(database, &key)? else { return Ok(()) };
            let used = database.used(&self.head)?.saturating_sub(held);
            batch.remove(&database.values, key);
            batch.insert(&database.usage, &*self.head, used.to_le_bytes());
            Ok(())
        })
    }

    /// Every key with this prefix; [`KvError::TooLarge`] if there are more than 1,024.
    pub fn list(&self, prefix: &str) -> Result<Vec<String>, KvError> {
        let page = self.page(prefix, None, 0)?;
        if page.next.is_some() { Err(KvError::TooLarge) } else { Ok(page.keys) }
    }

    /// At most `limit` keys (0 and anything above mean 1,024) with this prefix, after the cursor. The cursor is the
    /// last key of the page before and need not exist any more. Reads no more than the page.
    pub fn page(&self, prefix: &str, cursor: Option<&str>, limit: u32) -> Result<Page, KvError> {
        if !namespace::is_key_prefix(prefix) || cursor.is_some_and(|cursor| !namespace::is_key(cursor)) {
            return Err(KvError::InvalidKey);
        }
        let most = match usize::try_from(limit) {
            Ok(limit) if (1..=limits::KV_PAGE_KEYS).contains(&limit) => limit,
            _ => limits::KV_PAGE_KEYS,
        };
        let wanted = namespace::join(&self.head, prefix);
        let mut from = cursor.map_or_else(
            || wanted.clone(),
            |cursor| {
                let mut after = namespace::join(&self.head, cursor);
                after.push(0); // The least key after the cursor.
                after
            },
        );
        if from < wanted {
            from.clone_from(&wanted);
        }
        let mut page = Page::default();
        if !from.starts_with(&wanted) {
            return Ok(page);
        }
        let open = self.store.opened()?;
        let until =
            namespace::after_prefix(&wanted).map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        for guard in open.database.values.range((std::ops::Bound::Included(from), until)) {
            if page.keys.len() == most {
                page.next = page.keys.last().cloned();
                break;
            }
            let key = guard.key().map_err(unreadable)?;
            page.keys.push(String::from_utf8_lossy(&key[self.head.len()..]).into_owned());
        }
        Ok(page)
    }

    /// Removes every key with this prefix at once and returns how many there were; the empty prefix clears all.
    pub fn clear_prefix(&self, prefix: &str) -> Result<u64, KvError> {
        if !namespace::is_key_prefix(prefix) {
            return Err(KvError::InvalidKey);
        }
        let open = self.store.opened()?;
        let database = &open.database;
        database.change_soon(&self.head, |batch| {
            let (mut removed, mut freed) = (0, 0);
            for guard in database.values.prefix(namespace::join(&self.head, prefix)) {
                let (key, value) = guard.into_inner().map_err(unreadable)?;
                freed += self.weight(&key, value.len());
                removed += 1;
                batch.remove(&database.values, key);
            }
            if removed > 0 {
                let used = database.used(&self.head)?.saturating_sub(freed);
                batch.insert(&database.usage, &*self.head, used.to_le_bytes());
            }
            Ok(removed)
        })
    }

    /// Sets the key if it holds `expected` (none: if it is absent), atomically against every other change.
    pub fn cas(&self, key: &str, expected: Option<&[u8]>, new: &[u8], quota: u64) -> Result<(), KvError> {
        let key = self.writable(key, new)?;
        let open = self.store.opened()?;
        let database = &open.database;
        database.change_soon(&self.head, |batch| {
            if database.values.get(&key).map_err(unreadable)?.as_deref() != expected {
                return Err(KvError::CasMismatch);
            }
            self.put(database, batch, key, new, quota)
        })
    }

    /// Bytes of all keys and values.
    pub fn used_bytes(&self) -> Result<u64, KvError> {
        Ok(self.store.opened()?.database.used(&self.head)?)
    }

    fn put(
        &self,
        database: &Database,
        batch: &mut fjall::OwnedWriteBatch,
        key: Vec<u8>,
        value: &[u8],
        quota: u64,
    ) -> Result<(), KvError> {
        let before = database.used(&self.head)?;
        let held = self.held(database, &key)?.unwrap_or(0);
        let after = before.saturating_sub(held).saturating_add(self.weight(&key, value.len()));
        if after > quota && after > before {
            return Err(KvError::Quota);
        }
        batch.insert(&database.values, key, value);
        batch.insert(&database.usage, &*self.head, after.to_le_bytes());
        Ok(())
    }

    /// Bytes the key and its value take now.
    fn held(&self, database: &Database, key: &[u8]) -> Result<Option<u64>, KvError> {
        let size = database.values.size_of(key).map_err(unreadable)?;
        Ok(size.map(|bytes| self.weight(key, bytes as usize)))
    }

    /// What counts: the guest's own key and value, not what the store adds.
    fn weight(&self, key: &[u8], value: usize) -> u64 {
        (key.len() - self.head.len() + value) as u64
    }

    fn key(&self, key: &str) -> Result<Vec<u8>, KvError> {
        if namespace::is_key(key) { Ok(namespace::join(&self.head, key)) } else { Err(KvError::InvalidKey) }
    }

    fn writable(&self, key: &str, value: &[u8]) -> Result<Vec<u8>, KvError> {
        let key = self.key(key)?;
        if value.len() > limits::KV_VALUE_BYTES { Err(KvError::TooLarge) } else { Ok(key) }
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Namespace").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "kv_tests.rs"]
mod tests;
