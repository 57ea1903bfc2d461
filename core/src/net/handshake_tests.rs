//! The handshake against clients that are right, wrong, slow, rude and curious.

use std::collections::BTreeMap;

use ed25519_dalek::{Signer as _, SigningKey};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::*;
use crate::error::{Error, ErrorKind};

/// A host that knows some principals and keeps what it is told.
#[derive(Default)]
pub(crate) struct House {
    principals: BTreeMap<String, Known>,
    /// `refused principal key client` of every handshake.
    pub(crate) told: Mutex<Vec<String>>,
    deaf: bool,
}

impl Doorkeeper for House {
    fn known(&self, principal: &Principal) -> Option<Known> {
        self.principals.get(principal.as_str()).cloned()
    }

    fn greeted(&self, greeted: &Greeted<'_>) -> Result<()> {
        if self.deaf {
            return Err(Error::new(ErrorKind::AuditUnavailable, "full"));
        }
        let principal = greeted.principal.map_or("-", |principal| principal.as_str());
        let key = greeted.key_id.unwrap_or("-");
        let refused = greeted.refused.unwrap_or("-");
        self.told.lock().push(format!("{refused} {principal} {key} {}", greeted.client));
        Ok(())
    }
}

impl House {
    /// A host with the principal `alice`, whose profile is this.
    pub(crate) fn with_alice(profile: &str) -> Self {
        let profile = Arc::new(Profile::parse_toml(profile).unwrap().profile);
        let known = Known { profile, gone: Cancel::default() };
        Self { principals: BTreeMap::from([("alice".to_owned(), known)]), ..Self::default() }
    }
}

/// What a client answers to a challenge.
type Answer = fn(&str) -> String;

fn key(n: u8) -> SigningKey {
    SigningKey::from_bytes(&[n; 32])
}

/// A profile with `keypair` and the keys of these numbers.
pub(crate) fn profile(keys: &[u8]) -> String {
    let keys: Vec<_> = keys.iter().map(|n| format!("\"ed25519:{}\"", public(*n))).collect();
    format!("[auth]\nmethods = [\"keypair\"]\npublic_keys = [{}]", keys.join(", "))
}

fn public(n: u8) -> String {
    hex::encode(key(n).verifying_key().as_bytes())
}

pub(crate) fn sign(n: u8, principal: &str, challenge: &str) -> String {
    let message = format!("astrid-principal-auth:v1:{principal}:{challenge}");
    hex::encode(&key(n).sign(message.as_bytes()).to_bytes())
}

pub(crate) async fn send(client: &mut UnixStream, frame: &Value) {
    send_bytes(client, frame.to_string().as_bytes()).await;
}

async fn send_bytes(client: &mut UnixStream, bytes: &[u8]) {
    client.write_u32(u32::try_from(bytes.len()).unwrap()).await.unwrap();
    client.write_all(bytes).await.unwrap();
}

/// The next response, or none at the end.
pub(crate) async fn receive(client: &mut UnixStream) -> Option<Value> {
    let length = client.read_u32().await.ok()?;
    let mut frame = vec![0; usize::try_from(length).unwrap()];
    client.read_exact(&mut frame).await.unwrap();
    Some(serde_json::from_slice(&frame).unwrap())
}

pub(crate) fn request(token: &str) -> Value {
    json!({ "token": token, "protocol_version": 1, "client_version": "test 1" })
}

struct Meeting {
    client: UnixStream,
    token: String,
    house: Arc<House>,
    greeting: tokio::task::JoinHandle<io::Result<Outcome>>,
    _folder: tempfile::TempDir,
}

fn meet(house: House) -> Meeting {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let token = Token::make(&file).unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let (client, mut server) = UnixStream::pair().unwrap();
    let house = Arc::new(house);
    let door = Arc::clone(&house);
    let greeting = tokio::spawn(async move { greet(&mut server, &token, &*door).await });
    Meeting { client, token: text, house, greeting, _folder: folder }
}

fn claiming(token: &str, principal: &str) -> Value {
    let mut request = request(token);
    request["claimed_principal"] = principal.into();
    request
}

#[tokio::test]
async fn one_round_trip_lets_in_whom_nobody_knows() {
    let mut meeting = meet(House::default());
    // What a newer client says besides is not understood and not in the way.
    let mut frame = request(&meeting.token.to_uppercase());
    frame["colour"] = "blue".into();
    send(&mut meeting.client, &frame).await;
    let response = receive(&mut meeting.client).await.unwrap();
    let expected =
        json!({ "status": "ok", "protocol_version": 1, "server_version": env!("CARGO_PKG_VERSION") });
    assert_eq!(response, expected);
    assert!(matches!(meeting.greeting.await.unwrap().unwrap(), Outcome::ComesIn(None)));
    assert_eq!(*meeting.house.told.lock(), ["- - - test 1"]);
}

#[tokio::test]
async fn a_wrong_version_learns_nothing_about_the_token() {
    for token in ["", "right"] {
        let mut meeting = meet(House::default());
        let token = if token.is_empty() { String::new() } else { meeting.token.clone() };
        let mut frame = request(&token);
        frame["protocol_version"] = 2.into();
        send(&mut meeting.client, &frame).await;
        let response = receive(&mut meeting.client).await.unwrap();
        assert_eq!(response["status"], "error");
        assert_eq!(response["reason"], "protocol version 2 is not spoken here, 1 is");
        assert!(matches!(meeting.greeting.await.unwrap().unwrap(), Outcome::TurnedAway));
        assert_eq!(*meeting.house.told.lock(), ["protocol version - - test 1"]);
    }
}

#[tokio::test]
async fn whatever_is_wrong_with_a_token_has_one_answer() {
    let mut answers = Vec::new();
    for token in [String::new(), "zz".repeat(32), "0".repeat(64), "0".repeat(63)] {
        let mut meeting = meet(House::default());
        send(&mut meeting.client, &request(&token)).await;
        answers.push(receive(&mut meeting.client).await.unwrap());
        assert!(matches!(meeting.greeting.await.unwrap().unwrap(), Outcome::TurnedAway));
        assert!(receive(&mut meeting.client).await.is_none());
        assert_eq!(*meeting.house.told.lock(), ["token - - test 1"]);
    }
    assert_eq!(answers[0]["reason"], "authentication failed");
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

#[tokio::test]
async fn whoever_does_not_speak_so_is_dropped_without_a_word() {
    let token = "0".repeat(64);
    let frames: [&[u8]; 7] = [
        b"",
        b"hello",
        b"[]",
        b"\xff\xfe",
        br#"{"token": 1, "protocol_version": 1, "client_version": ""}"#,
        br#"{"token": "", "protocol_version": 256, "client_version": ""}"#,
        br#"{"token": "", "protocol_version": 1}"#,
    ];
    for frame in frames {
        let mut meeting = meet(House::default());
        send_bytes(&mut meeting.client, frame).await;
        assert!(receive(&mut meeting.client).await.is_none(), "{frame:?}");
        assert!(meeting.greeting.await.unwrap().is_err(), "{frame:?}");
        assert!(meeting.house.told.lock().is_empty());
    }
    // Neither does one that is too long; its content is not waited for.
    let mut meeting = meet(House::default());
    meeting.client.write_u32(4097).await.unwrap();
    assert!(receive(&mut meeting.client).await.is_none());
    // The longest is heard.
    let mut meeting = meet(House::default());
    let mut frame = request(&token).to_string();
    frame.push_str(&" ".repeat(4096 - frame.len()));
    send_bytes(&mut meeting.client, frame.as_bytes()).await;
    assert_eq!(receive(&mut meeting.client).await.unwrap()["reason"], "authentication failed");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stalls_is_dropped() {
    for begun in [&[][..], &[0, 0], &[0, 0, 0, 9, b'{']] {
        let mut meeting = meet(House::default());
        meeting.client.write_all(begun).await.unwrap();
        let error = meeting.greeting.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}

#[tokio::test]
async fn a_client_that_signs_the_challenge_is_its_principal() {
    let mut meeting = meet(House::with_alice(&profile(&[1, 2])));
    send(&mut meeting.client, &claiming(&meeting.token, "alice")).await;
    let response = receive(&mut meeting.client).await.unwrap();
    let challenge = response["challenge"].as_str().unwrap().to_owned();
    assert!(response["status"] == "ok" && challenge.len() == 64);
    send(&mut meeting.client, &json!({ "signature": sign(2, "alice", &challenge) })).await;
    let response = receive(&mut meeting.client).await.unwrap();
    assert!(response["status"] == "ok" && response.get("challenge").is_none());
    let Outcome::ComesIn(Some(ingress)) = meeting.greeting.await.unwrap().unwrap() else { panic!() };
    let keys = Profile::parse_toml(&profile(&[2])).unwrap().profile.public_keys;
    assert_eq!((ingress.principal.as_str(), &ingress.key_id), ("alice", &keys[0].key_id));
    assert_eq!(ingress.owner.len(), 32);
    assert_eq!(*meeting.house.told.lock(), [format!("- alice {} test 1", ingress.key_id)]);
    assert!(ingress.stands());
    meeting.house.principals["alice"].gone.give();
    assert!(!ingress.stands());
}

#[tokio::test]
async fn a_claim_that_is_not_proved_is_turned_away_and_never_let_in_as_nobody() {
    let (good, other) = (profile(&[1]), profile(&[9]));
    let disabled = format!("enabled = false\n{good}");
    let no_method = good.replace("\"keypair\"", "\"passkey\"");
    let right: Answer = |challenge| sign(1, "alice", challenge);
    let cases: [(&str, &str, Answer); 12] = [
        (&good, "bob", right),
        (&good, "not a principal!", right),
        (&good, "", right),
        (&good, "anonymous", |challenge| sign(1, "anonymous", challenge)),
        (&other, "alice", right),
        (&disabled, "alice", right),
        (&no_method, "alice", right),
        ("", "alice", right),
        (&good, "alice", |challenge| sign(1, "bob", challenge)),
        (&good, "alice", |_| sign(1, "alice", &"0".repeat(64))),
        (&good, "alice", |_| "0".repeat(128)),
        (&good, "alice", |_| "no hexadecimal".to_owned()),
    ];
    for (profile, claimed, answer) in cases {
        let mut meeting = meet(House::with_alice(profile));
        send(&mut meeting.client, &claiming(&meeting.token, claimed)).await;
        // Everybody is challenged, so that nobody learns who exists.
        let challenge = receive(&mut meeting.client).await.unwrap()["challenge"].as_str().unwrap().to_owned();
        send(&mut meeting.client, &json!({ "signature": answer(&challenge) })).await;
        let response = receive(&mut meeting.client).await.unwrap();
        assert_eq!(response["reason"], "authentication failed", "{claimed}");
        assert!(matches!(meeting.greeting.await.unwrap().unwrap(), Outcome::TurnedAway), "{claimed}");
        assert!(meeting.house.told.lock()[0].starts_with("principal "), "{claimed}");
    }
}

#[tokio::test]
async fn a_claim_comes_after_the_token() {
    let mut meeting = meet(House::with_alice(&profile(&[1])));
    send(&mut meeting.client, &claiming(&"0".repeat(64), "alice")).await;
    assert_eq!(receive(&mut meeting.client).await.unwrap()["reason"], "authentication failed");
    assert!(matches!(meeting.greeting.await.unwrap().unwrap(), Outcome::TurnedAway));
}

#[tokio::test]
async fn what_a_client_calls_itself_is_cut_and_made_visible() {
    let mut meeting = meet(House::default());
    let mut frame = request(&meeting.token);
    frame["client_version"] = format!("\u{202e}{}", "é".repeat(100)).into();
    send(&mut meeting.client, &frame).await;
    receive(&mut meeting.client).await.unwrap();
    assert_eq!(*meeting.house.told.lock(), [format!("- - - \\u{{202e}}{}", "é".repeat(63))]);
}

#[tokio::test]
async fn nobody_comes_in_who_cannot_be_recorded() {
    let mut meeting = meet(House { deaf: true, ..House::default() });
    send(&mut meeting.client, &request(&meeting.token)).await;
    assert!(receive(&mut meeting.client).await.is_none());
    assert!(meeting.greeting.await.unwrap().is_err());
}
