//! The versions of what is stored: what a newer host wrote is refused, what an older one wrote is migrated.
//!
//! The home itself has its version in the file `VERSION`, the audit log in the header of each segment and a profile in
//! its `profile_version`; everything in the database has it here.

use fjall::OwnedWriteBatch;

use super::database::{Database, unreadable};
use super::namespace::{self, Kind};
use crate::error::{Error, ErrorKind, Result};

/// A kind of record and the version this host writes, which is the newest it reads.
pub(super) type Format = (&'static str, u32);

/// Everything in the database. A new version comes with a migration from the one before.
pub(super) const FORMATS: &[Format] = &[
    ("values", 1),
    ("usage", 1),
    ("secrets", 1),
    ("settings", 1),
    ("receipts", 1),
    ("allowances", 1),
    ("identities", 1),
];

/// Brings all records of one kind from one version to the next, in the batch that also notes the new version.
pub(super) struct Migration {
    pub(super) format: &'static str,
    pub(super) from: u32,
    pub(super) run: fn(&Database, &mut OwnedWriteBatch) -> Result<()>,
}

/// All migrations there are.
pub(super) const MIGRATIONS: &[Migration] = &[];

/// Refuses records of a newer version and migrates those of an older one, a version at a time.
pub(super) fn settle(database: &Database, formats: &[Format], migrations: &[Migration]) -> Result<()> {
    let mut stored = Vec::with_capacity(formats.len());
    // Nothing is migrated in a home that is refused in the end.
    for (name, newest) in formats {
        let version = version(database, name)?;
        if version > *newest {
            let message = format!(
                "the home holds {name} in the newer format {version}; this host reads up to {newest}"
            );
            return Err(Error::new(ErrorKind::HomeUnusable, message));
        }
        stored.push(version);
    }
    for ((name, newest), stored) in formats.iter().zip(stored) {
        for from in stored..*newest {
            let step = migrations.iter().find(|step| step.format == *name && step.from == from);
            let message =
                || format!("the home holds {name} in the format {from}, which this host cannot migrate");
            let step = step.ok_or_else(|| Error::new(ErrorKind::HomeUnusable, message()))?;
            database.change(&key(name), |batch| {
                (step.run)(database, batch)?;
                batch.insert(&database.host, key(name), (from + 1).to_le_bytes());
                Ok::<_, Error>(())
            })?;
        }
        note(database, name, *newest)?;
    }
    Ok(())
}

/// Writes the version down where it is not yet.
fn note(database: &Database, name: &str, version: u32) -> Result<()> {
    database.change(&key(name), |batch| {
        if !database.host.contains_key(key(name)).map_err(unreadable)? {
            batch.insert(&database.host, key(name), version.to_le_bytes());
        }
        Ok(())
    })
}

/// The version of what is stored; 1 where none was noted, which is how the first homes were written.
fn version(database: &Database, name: &str) -> Result<u32> {
    let Some(bytes) = database.host.get(key(name)).map_err(unreadable)? else { return Ok(1) };
    let bytes = <[u8; 4]>::try_from(&*bytes).map_err(|_| {
        Error::new(ErrorKind::HomeUnusable, format!("the version of the {name} in the home is malformed"))
    })?;
    Ok(u32::from_le_bytes(bytes))
}

fn key(name: &str) -> Vec<u8> {
    namespace::plain_key(Kind::Format, name)
}

#[cfg(test)]
mod tests {
    use super::super::Durability;
    use super::*;

    fn open(folder: &std::path::Path) -> Database {
        Database::open(folder, Durability::Process).unwrap()
    }

    #[test]
    fn an_older_format_is_migrated_version_by_version() {
        let dir = tempfile::tempdir().unwrap();
        let database = open(dir.path());
        database.host.insert("old", "1").unwrap();
        settle(&database, &[("things", 1)], &[]).unwrap();
        let steps = [
            Migration {
                format: "things",
                from: 1,
                run: |database, batch| {
                    batch.insert(&database.host, "old", "2");
                    Ok(())
                },
            },
            Migration {
                format: "things",
                from: 2,
                run: |database, batch| {
                    let old = database.host.get("old").map_err(unreadable)?.unwrap_or_default();
                    batch.remove(&database.host, "old");
                    batch.insert(&database.host, "new", [&*old, b"3"].concat());
                    Ok(())
                },
            },
        ];
        settle(&database, &[("things", 3), ("others", 1)], &steps).unwrap();
        assert_eq!(&*database.host.get("new").unwrap().unwrap(), b"23");
        assert_eq!(version(&database, "things").unwrap(), 3);
        // A second opening finds nothing to do.
        settle(&database, &[("things", 3), ("others", 1)], &steps).unwrap();
        assert_eq!(&*database.host.get("new").unwrap().unwrap(), b"23");
    }

    #[test]
    fn a_newer_format_is_refused_by_name_before_anything_is_migrated() {
        let dir = tempfile::tempdir().unwrap();
        let database = open(dir.path());
        database.host.insert(key("others"), 2u32.to_le_bytes()).unwrap();
        let steps = [Migration { format: "things", from: 1, run: |_, _| panic!("migrated") }];
        let error = settle(&database, &[("things", 2), ("others", 1)], &steps).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HomeUnusable);
        assert!(error.message().contains("others in the newer format 2"), "{error}");
        let error = settle(&database, &[("things", 2)], &[]).unwrap_err();
        assert!(error.message().contains("cannot migrate"), "{error}");
    }

    #[test]
    fn every_older_version_of_what_is_stored_has_a_migration() {
        for (name, newest) in FORMATS {
            for from in 1..*newest {
                assert!(
                    MIGRATIONS.iter().any(|step| step.format == *name && step.from == from),
                    "{name} {from}"
                );
            }
        }
    }
}
