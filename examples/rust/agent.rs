//! A small agent host: it installs one capsule, answers its questions, and shows what it did.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use astrid_host::audit::Filter;
use astrid_host::people::{ApprovalQuestion, Decision, Delivery, ElicitAnswer, ElicitQuestion, UplinkEvent};
use astrid_host::{Host, Principal, Result};

/// Answers what the install hook asks; a real program would ask a person.
fn elicited(question: &ElicitQuestion) -> ElicitAnswer {
    match question.key.as_str() {
        "name" => ElicitAnswer::Text("Ada".to_owned()),
        "tone" => ElicitAnswer::Text("formal".to_owned()),
        "api-token" => ElicitAnswer::Text("s3cret".to_owned()),
        _ => ElicitAnswer::Cancelled,
    }
}

/// Tea may be bought. Yachts may not.
fn decided(question: &ApprovalQuestion) -> Decision {
    if question.resource.starts_with("tea") { Decision::Approve } else { Decision::Deny }
}

/// Takes what the capsule has to say to people outside.
fn taken(event: &UplinkEvent) -> Delivery {
    if let UplinkEvent::Message(message) = event {
        println!("uplink {}/{}: {}", message.platform, message.platform_user_id, message.content);
    }
    Delivery::Delivered
}

/// Does everything once; true if the audit log is as it was written.
async fn run(host: &Host) -> Result<bool> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/capsules/concierge");
    let people = [Principal::parse("alice")?, Principal::parse("bob")?];
    let alice = &people[0];

    let installed = host.install(&folder).principal(alice.clone()).await?;
    println!("installed {} {}", installed.id, installed.version);
    let concierge = host.load(&folder).principal(alice.clone()).await?;
    concierge.wait_ready(Some(Duration::from_secs(10))).await?;

    for who in &people {
        let greeting = concierge.trigger("greet", "").principal(who.clone()).await?;
        println!("greet {who}: {}", greeting.data.unwrap_or_default());
    }

    for (item, price) in [("tea", 3), ("yacht", 1_000_000)] {
        let payload = serde_json::json!({ "item": item, "price": price }).to_string();
        let answer = concierge.trigger("buy", payload).principal(alice.clone()).await?;
        println!("buy {item}: {}", answer.data.unwrap_or_default());
    }

    let payload = serde_json::json!({ "user": "ann", "text": "Your tea is on its way." }).to_string();
    concierge.trigger("notify", payload).principal(alice.clone()).await?;

    let answers = host.subscribe("concierge.v1.answer.*")?;
    let question = serde_json::json!("Is there tea?").to_string().into_bytes();
    host.publish("concierge.v1.ask.demo", question).principal(alice.clone()).await?;
    let heard = answers.next().await.and_then(|message| {
        let payload: serde_json::Value = serde_json::from_str(&message.payload).ok()?;
        payload["answer"].as_str().map(str::to_owned)
    });
    println!("bus: {}", heard.unwrap_or_else(|| "no answer".to_owned()));

    for who in &people {
        let used = host.usage(who)?;
        println!("usage {who}: {} triggers, {} bytes stored", used.triggers, used.stored_bytes);
    }

    for entry in host.audit().entries(&Filter::default())? {
        let who = entry.principal.as_deref().unwrap_or("-");
        println!(
            "  {:>3} {:<27} {:<8} {:<9} {}",
            entry.seq,
            entry.operation,
            who,
            entry.outcome.name(),
            entry.subject
        );
    }
    let audit = host.audit().verify()?;
    println!("audit: {} entries, {}", audit.entries, if audit.intact { "verified" } else { "NOT verified" });
    Ok(audit.intact)
}

async fn open_and_run(home: &Path) -> Result<bool> {
    let host = Host::builder(home)
        .on_elicit(Arc::new(|question| Box::pin(async move { Ok(elicited(&question)) })))
        .on_approval(Arc::new(|question| Box::pin(async move { Ok(decided(&question)) })))
        .on_uplink(Arc::new(|event| Box::pin(async move { Ok(taken(&event)) })))
        .open()
        .await?;
    let intact = run(&host).await;
    host.close().await?;
    intact
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let home = match tempfile::tempdir() {
        Ok(home) => home,
        Err(error) => {
            eprintln!("no home: {error}");
            return ExitCode::FAILURE;
        }
    };
    match open_and_run(home.path()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:?}");
            ExitCode::FAILURE
        }
    }
}
