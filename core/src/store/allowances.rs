//! Allowances: what was allowed beforehand, for each principal. What they mean is decided elsewhere; here they are kept.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Store;
use super::database::{Database, unavailable, unreadable};
use super::namespace::{self, Kind};
use crate::error::Result;
use crate::principal::Principal;

/// The allowances of a store. A record is any serde type; its id is unique for its principal.
pub struct Allowances<'a> {
    store: &'a Store,
}

impl<'a> Allowances<'a> {
    pub(super) fn new(store: &'a Store) -> Self {
        Self { store }
    }

    /// Every allowance of the principal, by id.
    pub fn list<T: DeserializeOwned>(&self, principal: &Principal) -> Result<BTreeMap<String, T>> {
        let open = self.store.opened()?;
        let raw = records(&open.database, &namespace::owned_head(Kind::Allowance, principal))?;
        raw.into_iter().map(|(id, bytes)| Ok((id, read(&bytes)?))).collect()
    }

    /// Keeps an allowance in place of an earlier one with the same id.
    pub fn put<T: Serialize>(&self, principal: &Principal, id: &str, record: &T) -> Result<()> {
        let open = self.store.opened()?;
        let head = namespace::owned_head(Kind::Allowance, principal);
        let bytes = write(record)?;
        open.database.change_soon(&head, |batch| {
            batch.insert(&open.database.host, namespace::join(&head, id), bytes);
            Ok(())
        })
    }

    /// Removes an allowance and tells whether it was there, once that is as durable as the store promises.
    pub fn remove(&self, principal: &Principal, id: &str) -> Result<bool> {
        let open = self.store.opened()?;
        let head = namespace::owned_head(Kind::Allowance, principal);
        let name = namespace::join(&head, id);
        open.database.change(&head, |batch| {
            let found = open.database.host.contains_key(&name).map_err(unreadable)?;
            if found {
                batch.remove(&open.database.host, name);
            }
            Ok(found)
        })
    }

    /// Hands all allowances of the principal to `edit` and keeps what it leaves, while nobody else changes them: the
    /// way to look one up, use it and drop the expired ones in one step.
    pub fn edit<T: Serialize + DeserializeOwned, R>(
        &self,
        principal: &Principal,
        edit: impl FnOnce(&mut BTreeMap<String, T>) -> R,
    ) -> Result<R> {
        let open = self.store.opened()?;
        let host = &open.database.host;
        let head = namespace::owned_head(Kind::Allowance, principal);
        open.database.change_soon(&head, |batch| {
            let before = records(&open.database, &head)?;
            let mut edited = BTreeMap::new();
            for (id, bytes) in &before {
                edited.insert(id.clone(), read(bytes)?);
            }
            let result = edit(&mut edited);
            for id in before.keys().filter(|id| !edited.contains_key(*id)) {
                batch.remove(host, namespace::join(&head, id));
            }
            for (id, record) in &edited {
                let bytes = write(record)?;
                if before.get(id) != Some(&bytes) {
                    batch.insert(host, namespace::join(&head, id), bytes);
                }
            }
            Ok(result)
        })
    }
}

fn records(database: &Database, head: &[u8]) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut records = BTreeMap::new();
    for guard in database.host.prefix(head) {
        let (key, value) = guard.into_inner().map_err(unreadable)?;
        let id = std::str::from_utf8(&key[head.len()..])
            .map_err(|cause| unavailable("the id of an allowance is not text", cause))?;
        records.insert(id.to_owned(), value.to_vec());
    }
    Ok(records)
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|cause| unavailable("an allowance is malformed", cause))
}

fn write<T: Serialize>(record: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(record).map_err(|cause| unavailable("an allowance cannot be written", cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allowance_is_used_exactly_as_often_as_it_says() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let (alice, bob) = (Principal::parse("alice").unwrap(), Principal::parse("bob").unwrap());
        store.allowances().put(&alice, "x", &5u32).unwrap();
        store.allowances().put(&alice, "y", &1u32).unwrap();
        let take = |left: &mut BTreeMap<String, u32>| match left.get_mut("x") {
            None => false,
            Some(1) => left.remove("x").is_some(),
            Some(uses) => {
                *uses -= 1;
                true
            }
        };
        let used: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| (0..4).filter(|_| store.allowances().edit(&alice, take).unwrap()).count())
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(used, 5);
        assert_eq!(store.allowances().list::<u32>(&alice).unwrap(), BTreeMap::from([("y".into(), 1)]));
        assert!(store.allowances().list::<u32>(&bob).unwrap().is_empty());
        assert!(store.allowances().remove(&alice, "y").unwrap());
        assert!(!store.allowances().remove(&alice, "y").unwrap());
    }
}
