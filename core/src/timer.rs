//! Waiting for time on the host's runtime, from whatever thread polls the guest.

use std::time::Duration;

use tokio::runtime::Handle;

/// Sleeps on the timer of `runtime`; the future may be polled by any executor, or by a thread that has none.
pub async fn sleep(runtime: &Handle, duration: Duration) {
    let sleep = {
        // Only the making of the timer needs to know the runtime; it must not be entered across the wait.
        let _entered = runtime.enter();
        tokio::time::sleep(duration)
    };
    sleep.await;
}
