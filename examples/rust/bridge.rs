//! A chat bridge: people on a chat platform talk with a capsule, and the capsule writes to them.
//!
//! The platform is lines of text over TCP: the first line says who it is, each further one is a question to the concierge, and
//! `/tell WHO TEXT` has the concierge write to somebody. With a port as its argument it serves; without one it plays a
//! conversation with itself.

use std::collections::HashMap;
use std::error::Error;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use astrid_host::people::{Delivery, ElicitAnswer, UplinkEvent};
use astrid_host::{Capsule, Host, Principal};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

type Failure = Box<dyn Error + Send + Sync>;

/// Who is connected, by name.
#[derive(Clone, Default)]
struct People(Arc<Mutex<HashMap<String, UnboundedSender<String>>>>);

impl People {
    fn with<T>(&self, look: impl FnOnce(&mut HashMap<String, UnboundedSender<String>>) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sends somebody a line, and tells whether they are there.
    fn write(&self, who: &str, text: String) -> bool {
        self.with(|people| people.get(who).is_some_and(|line| line.send(text).is_ok()))
    }

    /// Takes what the capsule writes to somebody outside.
    fn take(&self, event: UplinkEvent) -> Delivery {
        let UplinkEvent::Message(message) = event else { return Delivery::Delivered };
        let there = self.write(&message.platform_user_id, message.content);
        if there { Delivery::Delivered } else { Delivery::NoSession }
    }
}

/// The principal behind an account, found or made.
fn known(host: &Host, who: &str) -> astrid_host::Result<Principal> {
    for user in host.users()? {
        if host.links(&user.id)?.iter().any(|link| link.platform_user_id == who) {
            return Ok(user.principal);
        }
    }
    let user = host.create_user(Some(who), None)?;
    host.link_account(&user.id, "demo", who, "bridge")?;
    Ok(user.principal)
}

/// Serves one person. A real platform would say for sure who it is.
async fn talk(host: Host, desk: Capsule, people: People, socket: TcpStream) -> Result<(), Failure> {
    let (reader, mut writer) = socket.into_split();
    let mut lines = BufReader::new(reader).lines();
    let who = lines.next_line().await?.unwrap_or_default();
    let plain = !who.is_empty() && who.chars().all(|c| c.is_ascii_alphanumeric());
    if !plain || people.with(|people| people.contains_key(&who)) {
        return Ok(());
    }
    let (line, mut outgoing) = unbounded_channel::<String>();
    people.with(|people| people.insert(who.clone(), line));
    let writing = tokio::spawn(async move {
        while let Some(text) = outgoing.recv().await {
            if writer.write_all(format!("{text}\n").as_bytes()).await.is_err() {
                return;
            }
        }
    });
    let principal = known(&host, &who)?;
    while let Some(text) = lines.next_line().await? {
        if let Some((user, said)) = text.strip_prefix("/tell ").and_then(|rest| rest.split_once(' ')) {
            let payload = json!({ "user": user, "text": said }).to_string();
            let told = desk.trigger("notify", payload).principal(Principal::parse("desk")?).await?;
            people.write(&who, format!("[{}]", told.data.unwrap_or_default()));
        } else {
            let question = json!(text).to_string().into_bytes();
            host.publish(format!("concierge.v1.ask.{who}"), question).principal(principal.clone()).await?;
        }
    }
    people.with(|people| people.remove(&who));
    writing.await?;
    Ok(())
}

/// Brings what the capsule answers to who asked.
async fn pass_answers_on(host: Host, people: People) -> Result<(), Failure> {
    let answers = host.subscribe("concierge.v1.answer.*")?;
    while let Some(message) = answers.next().await {
        let said: Value = serde_json::from_str(&message.payload)?;
        let who = message.topic.rsplit('.').next().unwrap_or_default();
        people.write(who, said["answer"].as_str().unwrap_or_default().to_owned());
    }
    Ok(())
}

/// Is somebody on the platform for a while.
async fn play(port: u16) -> Result<(), Failure> {
    let (reader, mut writer) = TcpStream::connect(("127.0.0.1", port)).await?.into_split();
    let mut heard = BufReader::new(reader).lines();
    writer.write_all(b"ann\n").await?;
    for (said, lines) in
        [("Is there tea?", 1), ("/tell ann Your tea is ready.", 2), ("/tell bob Come too.", 1)]
    {
        println!("ann: {said}");
        writer.write_all(format!("{said}\n").as_bytes()).await?;
        for _ in 0..lines {
            println!("  -> {}", heard.next_line().await?.unwrap_or_default());
        }
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let (home, people) = (tempfile::tempdir()?, People::default());
    let taking = people.clone();
    let host = Host::builder(home.path())
        .on_elicit(Arc::new(|_| Box::pin(async { Ok(ElicitAnswer::Cancelled) })))
        .on_uplink(Arc::new(move |event| {
            let delivery = taking.take(event);
            Box::pin(async move { Ok(delivery) })
        }))
        .open()
        .await?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/capsules/concierge");
    let owner = Principal::parse("desk")?;
    host.install(&folder).principal(owner.clone()).await?;
    // Its one run loop answers everybody, each for themselves.
    let desk = host.load(&folder).principal(owner).shared(true).await?;
    desk.wait_ready(Some(Duration::from_secs(10))).await?;
    tokio::spawn(pass_answers_on(host.clone(), people.clone()));

    let port: Option<u16> = std::env::args().nth(1).map(|text| text.parse()).transpose()?;
    let listener = TcpListener::bind(("127.0.0.1", port.unwrap_or(0))).await?;
    let serving = listener.local_addr()?.port();
    let served = host.clone();
    let accepting = tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(talk(served.clone(), desk.clone(), people.clone(), socket));
        }
    });
    match port {
        Some(_) => accepting.await?,
        None => play(serving).await?,
    }
    host.close().await?;
    Ok(())
}
