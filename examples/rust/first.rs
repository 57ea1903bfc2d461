//! Installs a capsule for alice and calls it for bob, who may have tea and nothing else.

use std::sync::Arc;

use astrid_host::people::{ApprovalQuestion, Decision};
use astrid_host::{Host, Principal, Result};

fn decide(question: &ApprovalQuestion) -> Decision {
    if question.resource.starts_with("tea") { Decision::Approve } else { Decision::Deny }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let (alice, bob) = (Principal::parse("alice")?, Principal::parse("bob")?);
    let host = Host::builder("home")
        .on_approval(Arc::new(|question| Box::pin(async move { Ok(decide(&question)) })))
        .open()
        .await?;
    host.install("examples/capsules/concierge").principal(alice.clone()).await?;
    let concierge = host.load("examples/capsules/concierge").principal(alice).await?;
    let greeting = concierge.trigger("greet", "").principal(bob.clone()).await?;
    let bought = concierge.trigger("buy", r#"{"item": "yacht"}"#).principal(bob).await?;
    println!("{}\n{}", greeting.data.unwrap_or_default(), bought.data.unwrap_or_default());
    println!("{}", host.audit().verify()?.intact);
    host.close().await
}
