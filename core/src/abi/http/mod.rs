//! `astrid:http`: requests, for both versions of the package.
//!
//! What a guest asks for is read and judged here; [`crate::http`] does it, and comes back for every hop. Version 1.0.0 runs the
//! same code with the default options.

mod gate;
mod stream;
mod upload;
mod v1_0;
mod v1_1;

use std::sync::Arc;

use super::arms::{Arm, Refusal};
use super::call::{Touch, Verdict};
use super::holding::Holding;
use super::memory::InFlight;
use super::ops::Op;
use super::state::State;
use super::tenant::Tenant;
use crate::http::{Answer, Ceilings, HttpError, Options, Request, Whose};
use crate::manifest::EnvKind;
use gate::Watch;
pub use stream::HttpStream;
pub use upload::HttpUpload;

/// A request as either version hands it over.
pub(super) struct Asked {
    url: String,
    method: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

/// A response that is given whole.
pub(super) struct Whole {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    final_url: String,
    redirects: u32,
    elapsed_ms: u64,
    wire_bytes: u64,
}

type Answered<T> = wasmtime::Result<Result<T, HttpError>>;

impl Arm for HttpError {
    fn name(&self) -> &'static str {
        match self {
            Self::Denied => "capability-denied",
            Self::Invalid => "invalid-request",
            Self::Dns => "dns-error",
            Self::Airlock => "airlock-rejected",
            Self::Tls => "tls-error",
            Self::Timeout => "timeout",
            Self::Connection => "connection-error",
            Self::TooLarge => "body-too-large",
            Self::Closed => "closed",
            Self::Quota => "quota",
            Self::RedirectBlocked => "redirect-blocked",
            Self::TooManyRedirects => "too-many-redirects",
            Self::Integrity => "integrity-mismatch",
            Self::Scheme => "scheme-denied",
            Self::Bomb => "decompression-bomb",
            Self::Protocol(_) => "protocol",
            Self::Fault(_) => "unknown",
        }
    }

    fn refuse(why: Refusal) -> Self {
        match why {
            Refusal::Cancelled => Self::Closed,
            Refusal::Denied => Self::Denied,
            Refusal::Audit | Refusal::Bytes => Self::Fault(why.text()),
        }
    }

    fn fault(text: &'static str) -> Self {
        Self::Fault(text)
    }
}

fn told<T>(_: &T) -> Verdict {
    Verdict::ALLOWED
}

impl State {
    /// Reads a request, its secrets put in place.
    fn read_request(&mut self, asked: Asked, options: &Options) -> Result<Request, HttpError> {
        let mut used = Vec::new();
        let mut secrets = |name: &str| {
            let declared =
                |field: &&crate::manifest::EnvField| field.key == name && field.kind == EnvKind::Secret;
            if !self.capsule.manifest.env.iter().any(|field| declared(&field)) {
                return Err(HttpError::Denied);
            }
            let store = self.capsule.host.store.secrets();
            let secret = store.get_effective(self.principal(), &self.capsule.id, name);
            let secret = secret.map_err(|_| HttpError::Fault("store unavailable"))?;
            used.extend(secret.clone());
            Ok(secret)
        };
        let request =
            Request::read(&asked.url, &asked.method, &asked.headers, asked.body, options, &mut secrets);
        // What a server echoes must not end in the guest's log.
        for secret in used {
            self.remember_secret(Some(secret));
        }
        request
    }

    fn ceilings(&self) -> &Ceilings {
        self.capsule.host.http.ceilings()
    }

    /// Answers a request whose options cannot be read.
    async fn turn_away<T: Send>(&mut self, op: &'static Op, error: HttpError) -> Answered<T> {
        self.effect(Touch::of(op), |_| Err(error)).await
    }

    fn whose(&self) -> Whose {
        Whose { principal: self.principal().clone(), capsule: Arc::clone(&self.capsule.id) }
    }

    /// Sends a request and gives the whole response.
    async fn request_whole(&mut self, op: &'static Op, asked: Asked, options: Options) -> Answered<Whole> {
        let read = self.read_request(asked, &options);
        let (subject, path) = shown(&read);
        let touch = Touch::of(op).on(&subject).moving(path.as_bytes());
        let tell = |whole: &Whole| Verdict { bytes: whole.body.len() as u64, ..Verdict::ALLOWED };
        self.waiting(touch, tell, |state| {
            let request = read?;
            let (client, whose) = (Arc::clone(&state.capsule.host.http), state.whose());
            let gate = Watch::of(state);
            let tenant = Arc::clone(&state.acting);
            let sent = charge(&tenant, request.body_len())?;
            Ok(async move {
                let runtime = client.runtime().clone();
                let between = options.between_bytes;
                let answer = client.send(request, options, whose, gate).await?;
                let (mut body, mut held) = (Vec::new(), vec![sent]);
                loop {
                    let piece = answer.body.next(&runtime, between).await?;
                    if piece.is_empty() {
                        break;
                    }
                    held.push(charge(&tenant, piece.len())?);
                    body.extend_from_slice(&piece);
                }
                Ok(Whole {
                    status: answer.status,
                    wire_bytes: answer.body.wire_bytes(),
                    headers: answer.headers,
                    body,
                    final_url: answer.url.into(),
                    redirects: answer.redirects,
                    elapsed_ms: u64::try_from(answer.began.elapsed().as_millis()).unwrap_or(u64::MAX),
                })
            })
        })
        .await
    }

    /// Sends a request and gives the response as soon as its headers are there.
    async fn start_stream(
        &mut self,
        op: &'static Op,
        asked: Asked,
        options: Options,
    ) -> Answered<HttpStream> {
        let read = self.read_request(asked, &options);
        let (subject, path) = shown(&read);
        let touch = Touch::of(op).on(&subject).moving(path.as_bytes());
        self.waiting(touch, told, |state| {
            let request = read?;
            let slot = state.owner.take(&state.capsule.id, Holding::HttpStreams).ok_or(HttpError::Quota)?;
            let (client, whose) = (Arc::clone(&state.capsule.host.http), state.whose());
            let gate = Watch::of(state);
            let ending = Arc::clone(&gate);
            let (between, subject) = (options.between_bytes, request.subject());
            let sent = charge(&state.acting, request.body_len())?;
            Ok(async move {
                let _sent = sent;
                let answer: Answer = client.send(request, options, whose, gate).await?;
                Ok(HttpStream::new(answer, between, slot, ending, subject))
            })
        })
        .await
    }
}

/// Counts a body into what the principal's calls under way hold; a request as large as its guest is none that is free.
fn charge(tenant: &Arc<Tenant>, bytes: usize) -> Result<InFlight, HttpError> {
    InFlight::begin(tenant, bytes as u64).ok_or(HttpError::Fault(Refusal::Bytes.text()))
}

/// What the audit shows of a request. Of one that cannot be read it shows nothing: it may hold anything.
fn shown(read: &Result<Request, HttpError>) -> (String, String) {
    read.as_ref()
        .map_or_else(|_| Default::default(), |request| (request.subject(), request.path().to_owned()))
}
