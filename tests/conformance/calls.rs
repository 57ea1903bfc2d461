//! The calls of the host that take a while: made and awaited at once, or started and joined or cancelled later.

use astrid_host::people::BoxFuture;
use astrid_host::{Error, ErrorKind};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::fields::{duration, payload, principal, text, texts};
use crate::steps::{Failed, World};

impl World<'_> {
    /// A call that may be waited for now or later.
    pub(super) fn call(&self, what: &str, step: &Value) -> Result<BoxFuture<Result<Value, Error>>, Failed> {
        let principal = principal(step)?;
        Ok(match what {
            "trigger" => {
                let mut trigger =
                    self.capsule(step)?.trigger(step["action"].as_str().unwrap_or("script"), payload(step));
                if let Some(principal) = principal {
                    trigger = trigger.principal(principal);
                }
                if let Some(timeout) = duration(step) {
                    trigger = trigger.timeout(timeout);
                }
                if let Some(traceparent) = step["traceparent"].as_str() {
                    trigger = trigger.traceparent(traceparent);
                }
                Box::pin(async move {
                    let result = trigger.await?;
                    Ok(json!({ "action": result.action, "data": result.data, "json": result.json().ok() }))
                })
            }
            "install" => {
                let mut install = self.host()?.install(self.path(text(step, "capsule")?));
                if let Some(principal) = principal {
                    install = install.principal(principal);
                }
                if let Some(kept) = texts(step, "attenuate") {
                    install = install.attenuate(kept);
                }
                if let Some(hash) = step["hash"].as_str() {
                    install = install.hash(hash);
                }
                install = install.accept_new_capabilities(step["accept_new_capabilities"] == true);
                Box::pin(async move {
                    let installed = install.await?;
                    Ok(json!({
                        "id": installed.id, "version": installed.version, "hash": installed.hash,
                        "upgraded_from": installed.upgraded_from, "warnings": installed.warnings,
                    }))
                })
            }
            "publish" => {
                let mut publish = self.host()?.publish(text(step, "topic")?, payload(step));
                if let Some(principal) = principal {
                    publish = publish.principal(principal);
                }
                if let Some(most) = step["fan_out"].as_u64() {
                    publish = publish.fan_out(usize::try_from(most).unwrap_or(usize::MAX));
                }
                Box::pin(async move {
                    let outcome = publish.await?;
                    Ok(json!({
                        "delivered": outcome.delivered, "handlers": outcome.handlers, "decision": outcome.decision,
                        "data": outcome.data, "reason": outcome.reason,
                    }))
                })
            }
            "wait_ready" => {
                let (capsule, timeout) = (self.capsule(step)?.clone(), duration(step));
                Box::pin(async move {
                    capsule.wait_ready(timeout).await?;
                    Ok(json!({}))
                })
            }
            "dial" => {
                let (home, step) = (self.home_folder(), step.to_string());
                Box::pin(async move {
                    let mut dial = std::process::Command::new(env!("CARGO_BIN_EXE_dial"));
                    dial.arg(home).arg(step);
                    let done = tokio::task::spawn_blocking(move || dial.output()).await;
                    let output = done
                        .map_err(|error| error.to_string())
                        .and_then(|done| done.map_err(|error| error.to_string()));
                    let told = output.and_then(|output| {
                        serde_json::from_slice(&output.stdout)
                            .map_err(|_| String::from_utf8_lossy(&output.stderr).into_owned())
                    });
                    told.map_err(|wrong| Error::new(ErrorKind::Internal, wrong))
                })
            }
            other => return Err(Failed::Scenario(format!("`{other}` cannot be started"))),
        })
    }

    /// Waits for a call that was started.
    pub(super) async fn join(&mut self, step: &Value) -> Result<Value, Failed> {
        let ended = self.started(step)?.await;
        if step["any"] == true {
            return Ok(json!({}));
        }
        Ok(ended.map_err(|error| error.to_string())??)
    }

    /// Cancels a call by dropping its future, and waits until it is dropped.
    pub(super) async fn cancel(&mut self, step: &Value) -> Result<Value, Failed> {
        let call = self.started(step)?;
        call.abort();
        match call.await {
            Err(error) if error.is_cancelled() => Ok(json!({})),
            Err(error) => Err(Failed::Scenario(error.to_string())),
            Ok(Ok(result)) => Err(Failed::Scenario(format!("the call had ended with {result}"))),
            Ok(Err(error)) => Err(Failed::Scenario(format!("the call had ended with {error}"))),
        }
    }

    fn started(&mut self, step: &Value) -> Result<JoinHandle<Result<Value, Error>>, Failed> {
        let name = text(step, "call")?;
        self.calls.remove(name).ok_or_else(|| Failed::Scenario(format!("no call `{name}` was started")))
    }
}
