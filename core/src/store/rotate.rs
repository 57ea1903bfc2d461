//! Changing the keys of an open home so that a sudden end at any moment leaves the old or the new one in force.

use ed25519_dalek::SigningKey;
use zeroize::Zeroizing;

use super::Store;
use super::database::{Database, unreadable};
use super::home::Home;
use super::keys::{self, KeyFiles};
use super::namespace::{self, Kind};
use super::seal::Seal;
use crate::error::{Error, ErrorKind, Result};

/// What is left of a seed of the audit log, with the place of the record that replaced it.
pub type LeftOfSeed = (u64, Zeroizing<[u8; 64]>);

impl Store {
    /// The key that signs the audit log's checkpoints, and what is left of those before it, oldest first.
    pub fn audit_keys(&self) -> Result<(SigningKey, Vec<LeftOfSeed>)> {
        let open = self.opened()?;
        let seed = KeyFiles::audit(&open.home).load(false)?;
        let left = keys::left_of_seeds(&open.home)?;
        let first = match left.first() {
            Some((_, first)) => *first.last_chunk().unwrap_or(&[0; 32]),
            None => keys::public(&seed),
        };
        keys::publish(&open.home, &first)?;
        Ok((SigningKey::from_bytes(&seed), left))
    }

    /// Makes the key that is to sign the audit log next, and keeps it beside the present one.
    pub fn make_next_audit_key(&self) -> Result<SigningKey> {
        let open = self.opened()?;
        Ok(SigningKey::from_bytes(&*KeyFiles::audit(&open.home).make_next()?))
    }

    /// The key that was to sign next, if the change was cut off.
    pub fn next_audit_key(&self) -> Result<Option<SigningKey>> {
        let open = self.opened()?;
        Ok(KeyFiles::audit(&open.home).next()?.map(|seed| SigningKey::from_bytes(&seed)))
    }

    /// Lets the next key sign: the record with this place in the log names it. `left` is what is kept of the present key.
    pub fn promote_audit_key(&self, record: u64, left: &[u8; 64]) -> Result<()> {
        let open = self.opened()?;
        keys::keep_left(&open.home, record, left)?;
        KeyFiles::audit(&open.home).promote()
    }

    /// Gives the next key up, which the log does not name.
    pub fn discard_next_audit_key(&self) -> Result<()> {
        KeyFiles::audit(&self.opened()?.home).discard()
    }

    /// Seals every secret with another key: the embedder's own `new` where it keeps the key, and one made here where the
    /// home does. All or nothing; the old key opens nothing afterwards.
    pub fn rotate_secret_key(&self, new: Option<[u8; 32]>) -> Result<()> {
        let open = self.opened()?;
        let invalid = |why| Err(Error::new(ErrorKind::InvalidArgument, why));
        let files = KeyFiles::secret(&open.home);
        let own = Zeroizing::new(match (open.own_key, new) {
            (true, None) => {
                return invalid("the key that seals secrets is the embedder's own: name the next one");
            }
            (false, Some(_)) => return invalid("the key that seals secrets is kept in the home: name none"),
            (_, new) => new,
        });
        let key = match &*own {
            Some(own) => Zeroizing::new(*own),
            None => files.make_next()?,
        };
        let mut seal = open.seal.write();
        let next = Seal::new(&key);
        reseal(&open.database, &seal, &next)?;
        *seal = next;
        // From here on the new key is in force, whether its file has its name yet or not.
        if own.is_some() { Ok(()) } else { files.promote() }
    }
}

fn reseal(database: &Database, old: &Seal, new: &Seal) -> Result<()> {
    database.rewrite(
        &namespace::plain_key(Kind::Secret, ""),
        |record, sealed| new.seal(record, &old.open(record, sealed)?),
        |batch| batch.insert(&database.host, key_name(), *new.name()),
    )
}

/// The key that seals the secrets of this home. One that does not is refused before anything is written with it.
pub(super) fn seal_of(home: &Home, database: &Database, own: Option<[u8; 32]>) -> Result<Seal> {
    let files = KeyFiles::secret(home);
    let own = own.map(Zeroizing::new);
    let seal = match &own {
        Some(own) => Seal::new(own),
        None => Seal::new(&*files.load(home.is_fresh())?),
    };
    let named = database.host.get(key_name()).map_err(unreadable)?;
    let is_named = |seal: &Seal| named.as_ref().is_some_and(|named| **named == *seal.name());
    let next = if own.is_some() { None } else { files.next()? };
    if let Some(next) = next.map(|next| Seal::new(&next)) {
        // A change was cut off: before the batch that sealed everything anew, or after it.
        if is_named(&next) {
            files.promote()?;
            return Ok(next);
        }
        files.discard()?;
    }
    if named.is_some() {
        return if is_named(&seal) { Ok(seal) } else { Err(wrong_key()) };
    }
    // The first homes did not name their key: a secret says whether it is the one.
    if let Some(guard) = database.host.prefix(namespace::plain_key(Kind::Secret, "")).next() {
        let (record, sealed) = guard.into_inner().map_err(unreadable)?;
        seal.open(&record, &sealed).map_err(|cause| wrong_key().caused_by(cause))?;
    }
    database.change(&key_name(), |batch| {
        batch.insert(&database.host, key_name(), *seal.name());
        Ok::<_, Error>(())
    })?;
    Ok(seal)
}

fn key_name() -> Vec<u8> {
    namespace::plain_key(Kind::SecretKey, "")
}

fn wrong_key() -> Error {
    Error::new(ErrorKind::HomeUnusable, "the secrets of the home are sealed with another key")
}
