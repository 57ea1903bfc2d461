//! How much a principal may use.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::error::{Error, ErrorKind, Result};
use crate::limits::{
    FILE_HANDLES, FILES_MADE, HTTP_STREAMS, LISTENERS, MIB, MOST_FILE_HANDLES, MOST_SOCKETS, POLLABLES,
    PROCESSES, RETAINED_PROCESSES, SOCKETS, SUBSCRIPTIONS, TABLE_HANDLES, UDP_SOCKETS,
};
use crate::manifest::reader::Fields;

/// The largest number a limited quota may be: what TOML can write.
const MOST: u64 = i64::MAX.unsigned_abs();

/// Declares the quotas once: field, default, largest value, whether there may be no limit, and what it bounds.
macro_rules! quotas {
    ($($(#[doc = $doc:literal])+ $name:ident = $default:expr, $most:expr, $unlimited:literal;)+) => {
        /// How much a principal may use. Every quota is at least 1; [`Quotas::UNLIMITED`] stands for no limit where one may
        /// be lifted, and is spelled `"unlimited"` in a profile.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Quotas { $($(#[doc = $doc])+ pub $name: u64,)+ }

        impl Default for Quotas {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        impl Quotas {
            /// Every quota's name.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name),)+];

            /// A quota by its name.
            pub fn get(&self, name: &str) -> Option<u64> {
                match name { $(stringify!($name) => Some(self.$name),)+ _ => None }
            }

            fn slot(&mut self, name: &str) -> Option<(&mut u64, u64, bool)> {
                match name { $(stringify!($name) => Some((&mut self.$name, $most, $unlimited)),)+ _ => None }
            }
        }
    };
}

quotas! {
    /// Linear memory and tables of all instances together, in bytes.
    max_memory_bytes = 64 * MIB as u64, MOST, true;
    /// Wall clock of one trigger, in seconds, without the time waited for people; at most a day.
    max_timeout_secs = 300, 86_400, false;
    /// Bytes published a second by one capsule.
    max_ipc_throughput_bytes = 10 * MIB as u64, MOST, true;
    /// Background processes at once, over all capsules.
    max_background_processes = PROCESSES as u64, 256, false;
    /// Bytes one capsule keeps in the key-value store and, counted apart, bytes it writes to files while the host is open.
    max_storage_bytes = 1024 * MIB as u64, MOST, true;
    /// Files, folders and further names of files one capsule makes while the host is open.
    max_files = FILES_MADE, MOST, true;
    /// Fuel a second over all capsules.
    max_cpu_fuel_per_sec = 2_000_000_000, MOST, true;
    /// Triggers that run at once; each may burn this share of the fuel.
    max_in_flight_calls = 4, 64, false;
    /// Subscriptions of one capsule at once.
    max_subscriptions = SUBSCRIPTIONS as u64, SUBSCRIPTIONS as u64, false;
    /// Pollables of one capsule at once.
    max_pollables = POLLABLES as u64, TABLE_HANDLES as u64, false;
    /// Streams of TCP and Unix sockets one capsule has open at once.
    max_sockets = SOCKETS as u64, MOST_SOCKETS as u64, false;
    /// TCP listeners one capsule has open at once.
    max_listeners = LISTENERS as u64, MOST_SOCKETS as u64, false;
    /// UDP sockets one capsule has open at once.
    max_udp_sockets = UDP_SOCKETS as u64, MOST_SOCKETS as u64, false;
    /// HTTP streams and uploads one capsule has open at once.
    max_http_streams = HTTP_STREAMS as u64, MOST_SOCKETS as u64, false;
    /// Files one capsule has open at once.
    max_file_handles = FILE_HANDLES as u64, MOST_FILE_HANDLES as u64, false;
    /// Processes that are kept under an id, running or ended, over all capsules.
    max_retained_processes = RETAINED_PROCESSES as u64, 256, false;
}

impl Quotas {
    /// No limit.
    pub const UNLIMITED: u64 = u64::MAX;

    /// Sets a quota by its name. An unknown name, 0, a value above the quota's largest, and [`Quotas::UNLIMITED`] where a
    /// limit must stay are `invalid_argument`s that name the quota.
    pub fn set(&mut self, name: &str, value: u64) -> Result<()> {
        let Some((slot, most, unlimited)) = self.slot(name) else {
            return Err(Error::new(ErrorKind::InvalidArgument, format!("`{name}` is no quota")));
        };
        if let Some(rule) = broken(value, most, unlimited) {
            return Err(Error::new(ErrorKind::InvalidArgument, format!("`{name}` {rule}")));
        }
        *slot = value;
        Ok(())
    }

    /// Checks every quota as [`Quotas::set`] does, for values that were written into the fields.
    pub fn check(&self) -> Result<()> {
        let mut checked = self.clone();
        Self::NAMES.iter().try_for_each(|name| checked.set(name, self.get(name).unwrap_or(0)))
    }

    /// Reads the table `quotas` of a profile; what is not there keeps its default.
    pub(super) fn read(mut fields: Fields<'_>, warnings: &mut Vec<String>) -> Result<Self> {
        let mut quotas = Self::default();
        for name in Self::NAMES {
            let (Some(field), Some((slot, most, unlimited))) = (fields.take(name), quotas.slot(name)) else {
                continue;
            };
            let wrong = field.error("must be a number, or \"unlimited\" where a limit may be lifted");
            let value = if field.is_text() {
                if field.text()? != "unlimited" {
                    return Err(wrong);
                }
                Self::UNLIMITED
            } else {
                field.number()?
            };
            if let Some(rule) = broken(value, most, unlimited) {
                return Err(fields.error(format!("`{}.{name}` {rule}", fields.path())));
            }
            *slot = value;
        }
        fields.finish(warnings);
        Ok(quotas)
    }
}

fn broken(value: u64, most: u64, unlimited: bool) -> Option<String> {
    match value {
        0 => Some("must be at least 1; no limit is spelled \"unlimited\"".to_owned()),
        Quotas::UNLIMITED if unlimited => None,
        Quotas::UNLIMITED => Some("must have a limit".to_owned()),
        _ if value > most => Some(format!("must be at most {most}")),
        _ => None,
    }
}

impl Serialize for Quotas {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(Self::NAMES.len()))?;
        for name in Self::NAMES {
            match self.get(name) {
                Some(Self::UNLIMITED) => map.serialize_entry(name, "unlimited")?,
                value => map.serialize_entry(name, &value)?,
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_contract_and_legal() {
        let quotas = Quotas::default();
        quotas.check().unwrap();
        assert_eq!(quotas.max_memory_bytes, 67_108_864);
        assert_eq!(quotas.max_timeout_secs, 300);
        assert_eq!(quotas.max_ipc_throughput_bytes, 10_485_760);
        assert_eq!(quotas.max_background_processes, 8);
        assert_eq!(quotas.max_storage_bytes, 1_073_741_824);
        assert_eq!(quotas.max_cpu_fuel_per_sec, 2_000_000_000);
        assert_eq!(quotas.max_in_flight_calls, 4);
        assert_eq!((quotas.max_subscriptions, quotas.max_pollables), (128, 1024));
        assert_eq!((quotas.max_sockets, quotas.max_listeners, quotas.max_udp_sockets), (8, 4, 4));
        assert_eq!(
            (quotas.max_http_streams, quotas.max_file_handles, quotas.max_retained_processes),
            (4, 16, 32)
        );
    }

    #[test]
    fn zero_is_refused_everywhere_and_bounds_hold() {
        for name in Quotas::NAMES {
            let mut quotas = Quotas::default();
            let error = quotas.set(name, 0).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(error.message().contains(name));
            quotas.set(name, 1).unwrap();
            assert_eq!(quotas.get(name), Some(1));
            assert!(quotas.set(name, MOST + 1).is_err());
        }
        let mut quotas = Quotas::default();
        for (name, most) in
            [("max_timeout_secs", 86_400), ("max_background_processes", 256), ("max_in_flight_calls", 64)]
        {
            quotas.set(name, most).unwrap();
            assert!(quotas.set(name, most + 1).is_err() && quotas.set(name, Quotas::UNLIMITED).is_err());
        }
        quotas.set("max_cpu_fuel_per_sec", Quotas::UNLIMITED).unwrap();
        assert!(quotas.set("max_fun", 1).is_err());
        let written = Quotas { max_memory_bytes: 0, ..Quotas::default() };
        assert!(written.check().unwrap_err().message().contains("max_memory_bytes"));
    }
}
