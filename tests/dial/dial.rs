//! A client of a host's local socket, as a scenario describes it:
//!
//! `dial HOME STEP`
//!
//! connects to the socket below the home, plays the step (JSON, see the verb `dial` in `FORMAT.md`) and writes what it was
//! told to its standard output, as one line of JSON.

#![allow(missing_docs)]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;

use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    match run() {
        Ok(told) => {
            println!("{told}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("dial: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<Value> {
    let mut arguments = std::env::args_os().skip(1);
    let home = arguments.next().ok_or("which home?")?;
    let step = arguments.next().ok_or("which step?")?.into_string().map_err(|_| "the step is no text")?;
    let step: Value = serde_json::from_str(&step)?;
    let folder = Path::new(&home).join("run");
    let mut peer = UnixStream::connect(folder.join("system.sock"))?;
    let mut responses = Vec::new();
    if let Some(bytes) = step["raw"].as_str() {
        peer.write_all(bytes.as_bytes())?;
    } else {
        send(&mut peer, request(&folder, &step)?.to_string().as_bytes())?;
    }
    if let Some(mut response) = response(&mut peer)? {
        let challenge = response.get("challenge").and_then(Value::as_str).map(str::to_owned);
        if challenge.is_some() {
            // It is another one each time.
            response["challenge"] = true.into();
        }
        responses.push(response);
        if let Some(challenge) = challenge {
            let signed = json!({ "signature": signature(&step, &challenge) });
            send(&mut peer, signed.to_string().as_bytes())?;
            responses.extend(self::response(&mut peer)?);
        }
    }
    let mut heard = Vec::new();
    for act in step["script"].as_array().into_iter().flatten() {
        if let Some(text) = act["say"].as_str() {
            send(&mut peer, text.as_bytes())?;
        } else {
            // `hear` waits for a message, `end` for the end.
            heard.push(hear(&mut peer)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    Ok(json!({ "responses": responses, "heard": heard }))
}

/// What a client says first: everything is right unless the step says otherwise.
fn request(folder: &Path, step: &Value) -> Result<Value> {
    let token = std::fs::read_to_string(folder.join("system.token"))?;
    let mut request = json!({ "token": token, "protocol_version": 1, "client_version": "scenario" });
    if let Some(fields) = step["request"].as_object() {
        for (name, value) in fields {
            request[name] = value.clone();
        }
    }
    Ok(request)
}

/// Signs as the principal that is claimed, with the key whose seed is 32 times the number that the step names.
fn signature(step: &Value, challenge: &str) -> String {
    let seed = step["key"].as_u64().and_then(|key| u8::try_from(key).ok()).unwrap_or_default();
    let principal = step["request"]["claimed_principal"].as_str().unwrap_or_default();
    let message = format!("astrid-principal-auth:v1:{principal}:{challenge}");
    let signature = SigningKey::from_bytes(&[seed; 32]).sign(message.as_bytes()).to_bytes();
    signature.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn send(peer: &mut UnixStream, bytes: &[u8]) -> Result<()> {
    let length = u32::try_from(bytes.len())?;
    Ok(peer.write_all(&[&length.to_be_bytes()[..], bytes].concat())?)
}

fn response(peer: &mut UnixStream) -> Result<Option<Value>> {
    Ok(match hear(peer)? {
        Some(bytes) => Some(serde_json::from_slice(&bytes)?),
        None => None,
    })
}

/// The next message; none at the end, or when the other side is gone.
fn hear(peer: &mut UnixStream) -> Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    if peer.read_exact(&mut length).is_err() {
        return Ok(None);
    }
    let mut bytes = vec![0; usize::try_from(u32::from_be_bytes(length))?];
    peer.read_exact(&mut bytes)?;
    Ok(Some(bytes))
}
