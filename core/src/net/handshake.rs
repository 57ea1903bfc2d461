//! What a client of the local socket has to say before a capsule sees it, and what it learns.
//!
//! Both sides send a length of four bytes, most significant first, and as many bytes of JSON. Whoever does not speak so is
//! dropped without a word. The version is compared before the token, so that the answer to a wrong version tells nothing
//! about the token; every failure after that has one and the same answer. A client that names a principal signs a challenge
//! with the key of one of its devices, or is turned away: it never comes in as nobody instead.

use std::io;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::token::Token;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::policy::Profile;
use crate::principal::Principal;
use crate::visible::visible;
use crate::{hex, limits};

/// The protocol that is spoken here.
const VERSION: u8 = 1;
/// The one answer to whatever is wrong with a token, a principal or a signature.
const FAILED: &str = "authentication failed";

/// Who authenticated itself on a connection of the local socket.
#[derive(Clone, Debug)]
pub struct Ingress {
    /// The principal.
    pub principal: Principal,
    /// The id of the device's key.
    pub key_id: String,
    /// An id of this connection alone, which only serves to compare.
    pub owner: String,
    /// Given when the principal is removed; whoever bears its name later is somebody else.
    pub gone: Cancel,
}

impl Ingress {
    /// Whether the principal is still the one that signed.
    #[must_use]
    pub fn stands(&self) -> bool {
        !self.gone.is_given()
    }
}

/// A principal that may come in, as the host knows it at this moment.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its profile, with the keys of its devices.
    pub profile: Arc<Profile>,
    /// Given when it is removed.
    pub gone: Cancel,
}

/// How a handshake ended, for whoever keeps the record.
#[derive(Clone, Copy, Debug)]
pub struct Greeted<'a> {
    /// Why the client was turned away; none for one that may come in.
    pub refused: Option<&'static str>,
    /// The principal it authenticated as, or claimed to be.
    pub principal: Option<&'a Principal>,
    /// The key it signed with.
    pub key_id: Option<&'a str>,
    /// What it says it is: at most 64 characters, every one of them visible.
    pub client: &'a str,
}

/// What the handshake asks the rest of the host.
pub trait Doorkeeper: Send + Sync {
    /// A principal that may authenticate itself now; none for one that is unknown, disabled, or whose profile is unreadable.
    fn known(&self, principal: &Principal) -> Option<Known>;

    /// Records how a handshake ended, before the client learns it.
    ///
    /// # Errors
    /// When it cannot be recorded; then the client is dropped without a word.
    fn greeted(&self, greeted: &Greeted<'_>) -> Result<()>;
}

/// What became of a client.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It may come in; who it is, if it said so.
    ComesIn(Option<Ingress>),
    /// It may not.
    TurnedAway,
}

#[derive(Deserialize)]
struct Request {
    token: String,
    protocol_version: u8,
    client_version: String,
    claimed_principal: Option<String>,
}

#[derive(Deserialize)]
struct Signed {
    signature: String,
}

#[derive(Serialize)]
struct Response<'a> {
    status: &'static str,
    protocol_version: u8,
    server_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    challenge: Option<&'a str>,
}

impl<'a> Response<'a> {
    const OK: Self = Self {
        status: "ok",
        protocol_version: VERSION,
        server_version: env!("CARGO_PKG_VERSION"),
        reason: None,
        challenge: None,
    };

    fn error(reason: &'a str) -> Self {
        Self { status: "error", reason: Some(reason), ..Self::OK }
    }
}

/// Greets a client. One that is turned away has had its answer.
///
/// # Errors
/// When the client breaks off, is too slow or does not speak the protocol, or when nothing could be recorded.
pub(super) async fn greet(
    client: &mut UnixStream,
    token: &Token,
    door: &dyn Doorkeeper,
) -> io::Result<Outcome> {
    let request: Request = hear(client).await?;
    let version: String = request.client_version.chars().take(limits::CLIENT_VERSION_CHARS).collect();
    let version = visible(&version);
    let greeted = |refused| Greeted { refused, principal: None, key_id: None, client: &version };
    if request.protocol_version != VERSION {
        record(door, &greeted(Some("protocol version")))?;
        let reason =
            format!("protocol version {} is not spoken here, {VERSION} is", request.protocol_version);
        say(client, &Response::error(&reason)).await?;
        return Ok(Outcome::TurnedAway);
    }
    if !token.is(&request.token) {
        record(door, &greeted(Some("token")))?;
        say(client, &Response::error(FAILED)).await?;
        return Ok(Outcome::TurnedAway);
    }
    let Some(claimed) = request.claimed_principal else {
        record(door, &greeted(None))?;
        say(client, &Response::OK).await?;
        return Ok(Outcome::ComesIn(None));
    };
    let challenge = hex::encode(&random::<32>()?);
    say(client, &Response { challenge: Some(&challenge), ..Response::OK }).await?;
    let signed: Signed = hear(client).await?;
    let principal = Principal::parse(&claimed).ok();
    let ingress = principal.as_ref().and_then(|named| verify(named, &challenge, &signed.signature, door));
    let Some((known, key_id)) = ingress else {
        record(door, &Greeted { principal: principal.as_ref(), ..greeted(Some("principal")) })?;
        say(client, &Response::error(FAILED)).await?;
        return Ok(Outcome::TurnedAway);
    };
    let owner = hex::encode(&random::<16>()?);
    record(door, &Greeted { principal: principal.as_ref(), key_id: Some(&key_id), ..greeted(None) })?;
    say(client, &Response::OK).await?;
    Ok(Outcome::ComesIn(principal.map(|principal| Ingress { principal, key_id, owner, gone: known.gone })))
}

/// The key of one of the principal's devices that has signed the challenge.
fn verify(
    principal: &Principal,
    challenge: &str,
    signature: &str,
    door: &dyn Doorkeeper,
) -> Option<(Known, String)> {
    let signature = hex::decode::<64>(signature)?;
    let known = door.known(principal).filter(|known| known.profile.enabled)?;
    if !known.profile.auth_methods.iter().any(|method| method == "keypair") {
        return None;
    }
    let message = format!("astrid-principal-auth:v1:{principal}:{challenge}");
    let signed = known.profile.public_keys.iter().find(|key| key.has_signed(message.as_bytes(), &signature));
    let key_id = signed?.key_id.clone();
    Some((known, key_id))
}

fn record(door: &dyn Doorkeeper, greeted: &Greeted<'_>) -> io::Result<()> {
    door.greeted(greeted).map_err(io::Error::other)
}

fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

/// Reads one frame of JSON; all of it has to come in time.
async fn hear<T: for<'a> Deserialize<'a>>(client: &mut UnixStream) -> io::Result<T> {
    timeout(limits::GREETING_STEP, async {
        let length = usize::try_from(client.read_u32().await?).unwrap_or(usize::MAX);
        if length > limits::GREETING_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut frame = vec![0; length];
        client.read_exact(&mut frame).await?;
        Ok(serde_json::from_slice(&frame)?)
    })
    .await
    .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

async fn say(client: &mut UnixStream, response: &Response<'_>) -> io::Result<()> {
    let json = serde_json::to_vec(response)?;
    let length = u32::try_from(json.len()).map_err(io::Error::other)?;
    let frame = [&length.to_be_bytes()[..], &json].concat();
    timeout(limits::GREETING_STEP, client.write_all(&frame))
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

#[cfg(test)]
#[path = "handshake_tests.rs"]
pub(super) mod tests;
