//! What guests hold at once for a principal, each kind against its quota.

use std::sync::Arc;

use parking_lot::Mutex;

use super::context::{Slot, Slots};
use crate::policy::{Quotas, ThroughputWindow};

/// Something of which a principal's guests may hold only so many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holding {
    /// Subscriptions of one capsule.
    Subscriptions,
    /// Pollables of one capsule.
    Pollables,
    /// Streams of TCP and Unix sockets of one capsule.
    Sockets,
    /// TCP listeners of one capsule.
    Listeners,
    /// UDP sockets of one capsule.
    UdpSockets,
    /// HTTP streams and uploads of one capsule.
    HttpStreams,
    /// Open files of one capsule.
    FileHandles,
    /// Background processes over all capsules.
    Processes,
    /// Processes kept under an id over all capsules.
    RetainedProcesses,
}

impl Holding {
    /// Every kind, in the order in which usage shows them.
    pub const ALL: [Self; 9] = [
        Self::Subscriptions,
        Self::Pollables,
        Self::Sockets,
        Self::Listeners,
        Self::UdpSockets,
        Self::HttpStreams,
        Self::FileHandles,
        Self::Processes,
        Self::RetainedProcesses,
    ];

    /// How many there may be.
    #[must_use]
    pub const fn limit(self, quotas: &Quotas) -> u64 {
        match self {
            Self::Subscriptions => quotas.max_subscriptions,
            Self::Pollables => quotas.max_pollables,
            Self::Sockets => quotas.max_sockets,
            Self::Listeners => quotas.max_listeners,
            Self::UdpSockets => quotas.max_udp_sockets,
            Self::HttpStreams => quotas.max_http_streams,
            Self::FileHandles => quotas.max_file_handles,
            Self::Processes => quotas.max_background_processes,
            Self::RetainedProcesses => quotas.max_retained_processes,
        }
    }

    /// Whether all capsules share the limit, instead of each having it for itself.
    pub(super) const fn spans_capsules(self) -> bool {
        matches!(self, Self::Processes | Self::RetainedProcesses)
    }
}

/// What one principal's guests hold of every kind, and what they may still publish in this second.
#[derive(Debug)]
pub(super) struct Holdings {
    slots: [Arc<Slots>; Holding::ALL.len()],
    /// Bytes published.
    pub(super) throughput: Mutex<ThroughputWindow>,
}

impl Default for Holdings {
    fn default() -> Self {
        // The limit is that of the profile in force at the moment, so none is kept here.
        Self {
            slots: std::array::from_fn(|_| Arc::new(Slots::new(usize::MAX))),
            throughput: Mutex::default(),
        }
    }
}

impl Holdings {
    /// Takes one more, unless there are as many as the quotas allow.
    pub(super) fn take(&self, what: Holding, quotas: &Quotas) -> Option<Slot> {
        let most = usize::try_from(what.limit(quotas)).unwrap_or(usize::MAX);
        self.slots[what as usize].take_below(most)
    }

    /// How many are held.
    pub(super) fn held(&self, what: Holding) -> u64 {
        self.slots[what as usize].taken() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_place_and_a_limit_of_its_own() {
        let holdings = Holdings::default();
        for (n, what) in Holding::ALL.into_iter().enumerate() {
            assert_eq!(what as usize, n);
            let mut quotas = Quotas::default();
            let name = Quotas::NAMES.iter().find(|name| {
                let mut lowered = Quotas::default();
                lowered.set(name, 1).unwrap();
                what.limit(&lowered) == 1
            });
            quotas.set(name.unwrap(), 2).unwrap();
            let (first, _second) = (holdings.take(what, &quotas), holdings.take(what, &quotas));
            assert!(holdings.take(what, &quotas).is_none());
            drop(first);
            assert_eq!(holdings.held(what), 1);
        }
    }

    #[test]
    fn a_limit_that_is_lowered_counts_for_the_next() {
        let holdings = Holdings::default();
        let mut quotas = Quotas::default();
        let held: Vec<_> = (0..3).map_while(|_| holdings.take(Holding::Sockets, &quotas)).collect();
        quotas.max_sockets = 2;
        assert!(held.len() == 3 && holdings.take(Holding::Sockets, &quotas).is_none());
        quotas.max_sockets = 4;
        assert!(holdings.take(Holding::Sockets, &quotas).is_some());
    }
}
