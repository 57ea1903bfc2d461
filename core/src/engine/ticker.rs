//! The clock tick of a process's engine: it moves the epoch while guests run and sleeps while none does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{JoinHandle, Thread};

use crate::limits;

/// Idle ticks after which the ticker goes to sleep, so that a burst of short calls does not wake it each time.
const IDLE_TICKS: u32 = 10;

/// A thread that increments the epoch of its engines every tick while at least one guest is being run.
pub struct Ticker {
    shared: Arc<Shared>,
    thread: Thread,
    handle: Option<JoinHandle<()>>,
    process: u32,
}

#[derive(Default)]
struct Shared {
    running: AtomicUsize,
    asleep: AtomicBool,
    ended: AtomicBool,
}

impl Ticker {
    /// Starts the thread.
    pub fn start(engines: Vec<wasmtime::Engine>) -> wasmtime::Result<Self> {
        let shared = Arc::new(Shared::default());
        let handle = std::thread::Builder::new().name("astrid-ticker".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || tick(&shared, &engines)
        })?;
        Ok(Self {
            shared,
            thread: handle.thread().clone(),
            handle: Some(handle),
            process: std::process::id(),
        })
    }

    /// Says that a guest is on a thread now; the ticker runs until the returned value is dropped.
    pub fn running(&self) -> Running<'_> {
        self.shared.running.fetch_add(1, Ordering::SeqCst);
        // Both sides write before they read, so either this sees the ticker asleep or the ticker sees the guest.
        if self.shared.asleep.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
        Running(&self.shared)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        self.thread.unpark();
        // In a child of fork the thread does not exist, and joining it would wait for ever.
        if self.process == std::process::id()
            && let Some(handle) = self.handle.take()
        {
            drop(handle.join());
        }
    }
}

/// A guest is on a thread.
pub struct Running<'a>(&'a Shared);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

fn tick(shared: &Shared, engines: &[wasmtime::Engine]) {
    let mut idle = 0;
    while !shared.ended.load(Ordering::SeqCst) {
        std::thread::park_timeout(limits::TICK);
        engines.iter().for_each(wasmtime::Engine::increment_epoch);
        idle = if shared.running.load(Ordering::SeqCst) == 0 { idle + 1 } else { 0 };
        if idle < IDLE_TICKS {
            continue;
        }
        shared.asleep.store(true, Ordering::SeqCst);
        while shared.running.load(Ordering::SeqCst) == 0 && !shared.ended.load(Ordering::SeqCst) {
            std::thread::park();
        }
        shared.asleep.store(false, Ordering::SeqCst);
        idle = 0;
    }
}
