//! `astrid:io`: errors, and waiting for the first of many things.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use wasmtime::component::Resource;
use wasmtime_wasi_io::streams::Error as IoError;

use super::bindings::astrid::io::{error, poll};
use super::call::{Touch, Verdict};
use super::ops;
use super::pollable::Pollable;
use super::state::State;
use crate::bus::Readiness;
use crate::limits;

use poll::ErrorCode;

impl error::Host for State {}

impl error::HostError for State {
    async fn to_debug_string(&mut self, this: Resource<IoError>) -> wasmtime::Result<String> {
        self.count(&ops::io::ERROR_TO_DEBUG_STRING);
        // The kind alone: the text of an operating system's error may name a path of the host.
        let error = self.table.get(&this)?;
        let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        Ok(kind.map_or_else(|| "the operation failed".to_owned(), |kind| kind.to_string()))
    }

    async fn drop(&mut self, this: Resource<IoError>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl poll::HostPollable for State {
    async fn ready(&mut self, this: Resource<Pollable>) -> wasmtime::Result<bool> {
        self.count(&ops::io::POLLABLE_READY);
        let readiness = self.table.get(&this)?.readiness();
        Ok(readiness.is_ready() || readiness.is_closed())
    }

    async fn block(&mut self, this: Resource<Pollable>) -> wasmtime::Result<Result<(), ErrorCode>> {
        let readiness = self.table.get(&this)?.readiness().clone();
        self.waiting(
            Touch::of(&ops::io::POLLABLE_BLOCK),
            |()| Verdict::ALLOWED,
            |_| {
                Ok(async move {
                    readiness.wait().await;
                    // What was closed while messages still wait is ready: they can be taken.
                    if readiness.is_closed() && !readiness.is_ready() {
                        Err(ErrorCode::Closed)
                    } else {
                        Ok(())
                    }
                })
            },
        )
        .await
    }

    async fn drop(&mut self, this: Resource<Pollable>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl poll::Host for State {
    async fn poll(
        &mut self,
        pollables: Vec<Resource<Pollable>>,
    ) -> wasmtime::Result<Result<Vec<u32>, ErrorCode>> {
        let mut watched = Vec::with_capacity(pollables.len().min(limits::POLL_LIST));
        for pollable in pollables.iter().take(limits::POLL_LIST) {
            watched.push(self.table.get(pollable)?.readiness().clone());
        }
        let most = usize::try_from(self.acting.profile().quotas.max_pollables).unwrap_or(usize::MAX);
        let most = most.min(limits::POLL_LIST);
        self.waiting(
            Touch::of(&ops::io::POLL),
            |_| Verdict::ALLOWED,
            |_| {
                if pollables.is_empty() {
                    return Err(ErrorCode::InvalidInput);
                }
                if pollables.len() > most {
                    return Err(ErrorCode::TooLarge);
                }
                Ok(first_ready(watched))
            },
        )
        .await
    }
}

/// Waits for the first readiness and names every index that is ready then, ascending. Something the host closed
/// counts as ready beside others, so that the guest finds out; if everything is closed there is nothing to wait for.
async fn first_ready(watched: Vec<Readiness>) -> Result<Vec<u32>, ErrorCode> {
    let mut waits: Vec<Pin<Box<dyn Future<Output = ()> + Send>>> = Vec::new();
    loop {
        if watched.iter().all(|one| one.is_closed() && !one.is_ready()) {
            return Err(ErrorCode::Closed);
        }
        let ready = |one: &Readiness| one.is_ready() || one.is_closed();
        let indices: Vec<u32> =
            (0u32..).zip(&watched).filter(|(_, one)| ready(one)).map(|(n, _)| n).collect();
        if !indices.is_empty() {
            return Ok(indices);
        }
        waits.clear();
        for one in &watched {
            let one = one.clone();
            waits.push(Box::pin(async move { one.wait().await }));
        }
        poll_fn(|context| {
            let woken = waits.iter_mut().any(|wait| wait.as_mut().poll(context).is_ready());
            if woken { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}
