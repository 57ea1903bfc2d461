//! A trigger's share of its principal's processor: reserved before the guest runs, settled when it has ended.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::select;
use tokio::runtime::Handle;

use crate::abi::tenant::Tenant;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::policy::{Busy, Reservation};
use crate::timer;

/// A reservation; whoever waits for one of the same principal is woken when it is given back.
#[derive(Debug)]
pub struct Share {
    tenant: Arc<Tenant>,
    reservation: Option<Reservation>,
}

impl Share {
    /// Waits for a share until `deadline`. A principal whose profile lifts the bounds waits for nothing.
    ///
    /// # Errors
    /// [`ErrorKind::QuotaExceeded`] when none became free in time.
    pub async fn take(tenant: &Arc<Tenant>, runtime: &Handle, deadline: Option<Instant>) -> Result<Self> {
        loop {
            let given_back = std::pin::pin!(tenant.share_given_back());
            // Looked at anew each time: a profile that is set while a call waits counts for it.
            let profile = tenant.profile();
            if profile.is_exempt_from_cpu_bounds() {
                return Ok(Self { tenant: Arc::clone(tenant), reservation: None });
            }
            let now = Instant::now();
            let until = match tenant.cpu.reserve(now, &profile.quotas) {
                Ok(reservation) => {
                    return Ok(Self { tenant: Arc::clone(tenant), reservation: Some(reservation) });
                }
                Err(Busy::Fuel { until }) => Some(until),
                Err(Busy::Calls) => None,
            };
            let left = deadline.map(|deadline| deadline.saturating_duration_since(now));
            if left == Some(Duration::ZERO) {
                let message = "the principal's processor time or its calls in flight are used up";
                return Err(Error::new(ErrorKind::QuotaExceeded, message));
            }
            let pause = until.map(|until| until.saturating_duration_since(now));
            let pause = [pause, left].into_iter().flatten().min().unwrap_or(limits::HOOK_TIMEOUT);
            select(given_back, std::pin::pin!(timer::sleep(runtime, pause))).await;
        }
    }

    /// The fuel the call may burn.
    pub fn fuel(&self) -> u64 {
        self.reservation.as_ref().map_or(limits::FUEL_PER_TRIGGER, Reservation::fuel)
    }

    /// Ends the call and charges what it used; a share that is dropped instead is charged whole.
    pub fn settle(mut self, used: u64) {
        if let Some(reservation) = self.reservation.take() {
            reservation.settle(used);
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        drop(self.reservation.take());
        self.tenant.wake_waiting_for_share();
    }
}
