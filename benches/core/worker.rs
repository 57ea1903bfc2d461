//! The guest that makes one host call over and over.

use std::path::Path;

use astrid_host::{Capsule, Host, HostBuilder, HostOptions};

use crate::measure::{Figure, repeated};
use crate::stage::{Stage, guest};

/// Calls of one trigger: so many that the trigger itself does not count.
pub const CALLS: u32 = 1000;

/// What the guest does, by the number it knows it by.
#[derive(Clone, Copy)]
pub enum Work {
    Get = 0,
    Set = 1,
    Send = 2,
    Read = 3,
    Write = 4,
    Copy = 5,
    Move = 6,
    Echo = 7,
    Ask = 8,
}

/// The guest on a host of its own.
pub struct Worker {
    /// The host.
    pub stage: Stage,
    capsule: Capsule,
}

impl Worker {
    /// Loads it into a host whose audit writes an entry for each call, however many there are in a second, and whose other
    /// limits end nothing.
    pub async fn start(options: HostOptions, workspace: Option<&Path>) -> Self {
        let build = |home: &Path| match workspace {
            Some(workspace) => Host::builder(home).workspace(workspace),
            None => Host::builder(home),
        };
        Self::start_by(build, options).await
    }

    /// As [`Self::start`], by a builder of the caller's.
    pub async fn start_by(build: impl FnOnce(&Path) -> HostBuilder, mut options: HostOptions) -> Self {
        options.audit.entries_per_sec = u64::MAX;
        options.audit.bytes_per_sec = u64::MAX;
        options.quotas.set("max_storage_bytes", u64::MAX).expect("a legal quota");
        options.network.local_egress.insert("worker".to_owned(), vec!["127.0.0.1:*".to_owned()]);
        let stage = Stage::build(build, options).await;
        let lines = "[capabilities]\nfs_read = [\"*\"]\nfs_write = [\"*\"]\nnet_connect = [\"127.0.0.1:*\"]\n\
             [publish]\n\"test.*\" = \"opaque\"\n[subscribe]\n\"test.*\" = \"opaque\"\n";
        let capsule = stage.load(&guest("worker"), "worker", lines).await;
        Self { stage, capsule }
    }

    /// Does it so often.
    pub async fn work(&self, work: Work, times: u32, arguments: [u32; 2]) {
        let numbers = [work as u32, times, arguments[0], arguments[1]];
        let payload: Vec<u8> = numbers.into_iter().flat_map(u32::to_le_bytes).collect();
        self.capsule.trigger("work", payload).await.expect("every call succeeds");
    }

    /// Processor time of one of `times` calls in one trigger.
    pub async fn figure(
        &self,
        name: &str,
        includes: &'static str,
        work: Work,
        times: u32,
        size: u32,
    ) -> Figure {
        repeated(name, includes, || self.work(work, times, [size, 0])).await.divided_by(f64::from(times))
    }
}
