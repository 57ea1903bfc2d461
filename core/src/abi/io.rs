//! `astrid:io`: errors, and waiting for the first of many things.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use wasmtime::component::Resource;
use wasmtime_wasi_io::streams::Error as IoError;

use super::bindings::astrid::io::{error, poll};
use super::call::{Touch, Verdict};
use super::ops;
use super::pollable::Pollable;
use super::state::State;
use crate::limits;
use crate::stream::{Awaited, Ready};

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
        let awaited = self.table.get(&this)?.awaited();
        Ok(awaited.is_ready() || awaited.is_closed())
    }

    async fn block(&mut self, this: Resource<Pollable>) -> wasmtime::Result<Result<(), ErrorCode>> {
        let awaited = Arc::clone(self.table.get(&this)?.awaited());
        self.waiting(
            Touch::of(&ops::io::POLLABLE_BLOCK),
            |()| Verdict::ALLOWED,
            |_| {
                Ok(async move {
                    awaited.ready().await;
                    // What was closed while messages still wait is ready: they can be taken.
                    if awaited.is_closed() && !awaited.is_ready() { Err(ErrorCode::Closed) } else { Ok(()) }
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
            watched.push(Arc::clone(self.table.get(pollable)?.awaited()));
        }
        // The handles are the owner's, for whomever the guest acts at the moment.
        let most = usize::try_from(self.owner.profile().quotas.max_pollables).unwrap_or(usize::MAX);
        let most = most.min(limits::POLL_LIST);
        self.waiting(
            Touch::of(&ops::io::POLL).counting("pollables", pollables.len()),
            |ready: &Vec<u32>| Verdict { count: Some(("ready", ready.len() as u64)), ..Verdict::ALLOWED },
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
async fn first_ready(watched: Vec<Arc<dyn Awaited>>) -> Result<Vec<u32>, ErrorCode> {
    let mut waits: Vec<Ready> = Vec::new();
    loop {
        if watched.iter().all(|one| one.is_closed() && !one.is_ready()) {
            return Err(ErrorCode::Closed);
        }
        let ready = |one: &Arc<dyn Awaited>| one.is_ready() || one.is_closed();
        let indices: Vec<u32> =
            (0u32..).zip(&watched).filter(|(_, one)| ready(one)).map(|(n, _)| n).collect();
        if !indices.is_empty() {
            return Ok(indices);
        }
        waits.clear();
        waits.extend(watched.iter().map(|one| one.ready()));
        poll_fn(|context| {
            let woken = waits.iter_mut().any(|wait| wait.as_mut().poll(context).is_ready());
            if woken { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}
