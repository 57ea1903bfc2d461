//! Forgetting a capsule: everything that is kept of it, whoever it is kept for, in one batch.

use super::Store;
use super::database::unreadable;
use super::namespace::{self, Kind};
use crate::error::Result;

impl Store {
    /// Erases the capsule's receipt, its settings and secrets, host-wide and of every principal, what is allowed to it, and
    /// the key-value data that every principal keeps in it: all or nothing. Tells whether there was anything.
    ///
    /// # Errors
    /// [`crate::ErrorKind::StoreUnavailable`] when the database cannot be read or written.
    pub fn forget(&self, capsule: &str) -> Result<bool> {
        let open = self.opened()?;
        let database = &open.database;
        database.change_all(|batch| {
            for keyspace in [&database.values, &database.usage] {
                for guard in keyspace.iter() {
                    let key = guard.key().map_err(unreadable)?;
                    if namespace::is_of_capsule(&key, capsule) {
                        batch.remove(keyspace, key);
                    }
                }
            }
            for guard in database.host.iter() {
                let (key, value) = guard.into_inner().map_err(unreadable)?;
                let its_own = match Kind::of(&key) {
                    Some(Kind::Secret | Kind::Setting) => namespace::is_scope_of(&key, capsule),
                    Some(Kind::Receipt) => *key == *namespace::plain_key(Kind::Receipt, capsule),
                    Some(Kind::Allowance) => allows(&value, capsule),
                    Some(Kind::User | Kind::Link | Kind::LinkOfUser | Kind::Format | Kind::SecretKey)
                    | None => false,
                };
                if its_own {
                    batch.remove(&database.host, key);
                }
            }
            Ok(!batch.is_empty())
        })
    }
}

/// What is allowed means nothing to the store, but an allowance says of which capsule it is.
fn allows(record: &[u8], capsule: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct About {
        capsule: String,
    }
    serde_json::from_slice::<About>(record).is_ok_and(|about| about.capsule == capsule)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Receipt, Scope};
    use super::*;
    use crate::principal::Principal;

    fn fill(store: &Store, capsule: &str) {
        for principal in ["alice", "bob"].map(|name| Principal::parse(name).unwrap()) {
            store.kv(&principal, capsule).set("k", b"v", 100).unwrap();
            store.settings().set(&Scope::of(&principal, capsule), "s", "v").unwrap();
            store.secrets().set(&Scope::of(&principal, capsule), "t", "v").unwrap();
            store.allowances().put(&principal, capsule, &json!({ "capsule": capsule })).unwrap();
        }
        store.settings().set(&Scope::host(capsule), "s", "v").unwrap();
        store.secrets().set(&Scope::host(capsule), "t", "v").unwrap();
        let receipt = Receipt {
            capsule: capsule.into(),
            version: "1.0.0".into(),
            hash: [0; 32],
            principal: "alice".into(),
            attenuation: None,
            capabilities: crate::manifest::Capabilities::default(),
            installed_at: 1,
            updated_at: 1,
        };
        store.receipts().put(&receipt).unwrap();
    }

    fn kept(store: &Store, capsule: &str) -> usize {
        let mut kept = usize::from(store.receipts().get(capsule).unwrap().is_some());
        for principal in ["alice", "bob"].map(|name| Principal::parse(name).unwrap()) {
            kept += usize::from(store.kv(&principal, capsule).get("k").unwrap().is_some());
            kept += store.settings().all(&Scope::of(&principal, capsule)).unwrap().len();
            kept += usize::from(store.secrets().exists(&Scope::of(&principal, capsule), "t").unwrap());
            let allowed = store.allowances().list::<serde_json::Value>(&principal).unwrap();
            kept += usize::from(allowed.contains_key(capsule));
        }
        kept += store.settings().all(&Scope::host(capsule)).unwrap().len();
        kept + usize::from(store.secrets().exists(&Scope::host(capsule), "t").unwrap())
    }

    #[test]
    fn nothing_of_it_is_left_and_everything_of_others() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        for capsule in ["notes", "note", "notess"] {
            fill(&store, capsule);
        }
        assert!(store.forget("notes").unwrap());
        assert_eq!(kept(&store, "notes"), 0);
        assert_eq!((kept(&store, "note"), kept(&store, "notess")), (11, 11));
        let alice = Principal::parse("alice").unwrap();
        assert_eq!(store.used_bytes(&alice).unwrap(), 4);
        assert!(!store.forget("notes").unwrap());
    }
}
