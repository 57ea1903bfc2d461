//! What a step does: one verb, one call of the host, and its result as JSON.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use astrid_host::{Capsule, Error, Host, Messages, Principal};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::callbacks::Handlers;
use crate::fields::{duration, filter, principal, text, texts};
use crate::life::told;
use crate::options;
use crate::package::{COMPONENT, Guests, path_of};
use crate::principals;
use crate::workspace;

/// How long `next` waits unless the step says otherwise.
const NEXT_MS: u64 = 5000;

/// Why a step did not give a result.
pub enum Failed {
    /// The host said no.
    Host(Error),
    /// The scenario itself cannot be played.
    Scenario(String),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Host(error)
    }
}

impl From<String> for Failed {
    fn from(sentence: String) -> Self {
        Self::Scenario(sentence)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(error) => write!(f, "{error:?}"),
            Self::Scenario(sentence) => f.write_str(sentence),
        }
    }
}

/// What a scenario has opened, loaded and begun.
pub struct World<'a> {
    pub(super) scenario: &'a Value,
    pub(super) folder: PathBuf,
    /// The folder of the home in it: `home`, or the backup it was last opened from.
    home: String,
    pub(super) guests: &'a Guests,
    handlers: Handlers,
    host: Option<Host>,
    others: Vec<Host>,
    /// The capsules as they were written last, by key.
    pub(super) written: HashMap<String, Value>,
    pub(super) capsules: HashMap<String, Capsule>,
    subscriptions: HashMap<String, Messages>,
    pub(super) calls: HashMap<String, JoinHandle<Result<Value, Error>>>,
    doing: String,
}

impl<'a> World<'a> {
    /// A world in which nothing has happened yet.
    pub fn new(scenario: &'a Value, folder: &Path, guests: &'a Guests) -> Self {
        let none = serde_json::Map::new();
        let written = scenario["capsules"].as_object().unwrap_or(&none);
        Self {
            scenario,
            folder: folder.to_owned(),
            home: "home".to_owned(),
            guests,
            handlers: Handlers::read(&scenario["host"]),
            host: None,
            others: Vec::new(),
            written: written.iter().map(|(key, capsule)| (key.clone(), capsule.clone())).collect(),
            capsules: HashMap::new(),
            subscriptions: HashMap::new(),
            calls: HashMap::new(),
            doing: String::new(),
        }
    }

    /// The step being taken, for people to read.
    pub fn doing(&self) -> &str {
        &self.doing
    }

    /// Closes whatever is open.
    pub async fn end(&mut self) {
        for host in self.host.iter().chain(&self.others) {
            // Closing is not what the scenario is about; a failure here shows when the next one uses the home.
            let _ = host.close().await;
        }
    }

    /// Takes a step once.
    pub async fn take(&mut self, step: &Value) -> Result<Value, Failed> {
        let verb = text(step, "do")?;
        self.doing = step.to_string().chars().take(200).collect();
        if let Some(taken) = self.live(verb, step).await {
            return taken;
        }
        match verb {
            "open" => self.open(step).await,
            "close" => {
                self.host()?.close().await?;
                Ok(json!({}))
            }
            "reopen" => self.reopen(step).await,
            "backup" => {
                self.host()?.backup(self.folder.join(text(step, "as")?)).await?;
                Ok(json!({}))
            }
            "rotate_keys" => {
                self.host()?.rotate_keys().await?;
                Ok(json!({}))
            }
            "load" | "load_component" => self.load(verb, step).await,
            "inspect" | "discover" | "static_file" => self.packages(verb, step).await,
            "install" | "trigger" | "publish" | "wait_ready" | "dial" => Ok(self.call(verb, step)?.await?),
            "start" => {
                let call = self.call(step["what"].as_str().unwrap_or("trigger"), step)?;
                self.calls.insert(text(step, "as")?.to_owned(), tokio::spawn(call));
                Ok(json!({}))
            }
            "join" => self.join(step).await,
            "cancel" => self.cancel(step).await,
            "subscribe" => {
                let messages = self.host()?.subscribe(text(step, "pattern")?)?;
                self.subscriptions.insert(text(step, "as")?.to_owned(), messages);
                Ok(json!({}))
            }
            "commit" | "rollback" => self.settle(verb, step).await,
            "next" => self.next(step).await,
            "unsubscribe" => {
                self.subscription(step)?.close();
                Ok(json!({}))
            }
            "unload" => {
                self.capsule(step)?.unload().await?;
                Ok(json!({}))
            }
            "profile" | "set_profile" | "principals" | "remove_principal" | "allowances"
            | "revoke_allowance" => principals::take(self.host()?, verb, step).await,
            _ => self.look(verb, step),
        }
    }

    /// The verbs that only look or set a value.
    fn look(&self, verb: &str, step: &Value) -> Result<Value, Failed> {
        match verb {
            "warnings" => Ok(json!(*self.capsule(step)?.warnings())),
            "asked" => Ok(self.handlers.asked(text(step, "of")?)),
            "configure" => {
                let (host, id) = (self.host()?, self.capsule(step)?.id());
                let (key, value) = (text(step, "key")?, text(step, "value")?);
                match principal(step)? {
                    Some(principal) => host.configure_for(id, &principal, key, value)?,
                    None => host.configure(id, key, value)?,
                }
                Ok(json!({}))
            }
            "metrics" => Ok(json!({ "text": self.host()?.metrics()? })),
            "usage" => as_json(self.host()?.usage(&Principal::parse(text(step, "principal")?)?)?),
            "audit" => as_json(self.host()?.audit().entries(&filter(&step["filter"])?)?),
            "verify" => as_json(self.host()?.audit().verify()?),
            other => Err(Failed::Scenario(format!("there is no verb `{other}`"))),
        }
    }

    async fn open(&mut self, step: &Value) -> Result<Value, Failed> {
        let builder = Host::builder(self.home_folder());
        let builder = workspace::give(self.scenario, &self.folder, builder);
        let named = step.get("as").is_some();
        let builder = if named { builder } else { self.handlers.give(builder) };
        let options = options::read(&self.scenario["host"]["options"])?;
        let host = builder.options(options).open().await?;
        if named {
            self.others.push(host);
        } else {
            self.host = Some(host);
        }
        Ok(json!({}))
    }

    async fn reopen(&mut self, step: &Value) -> Result<Value, Failed> {
        if let Some(backup) = step["home"].as_str() {
            backup.clone_into(&mut self.home);
        }
        self.host()?.close().await?;
        self.capsules.clear();
        self.subscriptions.clear();
        self.calls.clear();
        self.open(&json!({})).await
    }

    async fn load(&mut self, verb: &str, step: &Value) -> Result<Value, Failed> {
        let (key, host) = (text(step, "capsule")?, self.host()?);
        let folder = self.folder.join(key);
        let mut load = if verb == "load" {
            host.load(self.path(key))
        } else {
            let read =
                |name: &str| std::fs::read(folder.join(name)).map_err(|error| format!("{name}: {error}"));
            let manifest = String::from_utf8(read("Capsule.toml")?).map_err(|error| error.to_string())?;
            let hash = step["hash"].as_str().unwrap_or("{{hash}}");
            let hash = self.guests.filled(hash, &self.written[key]["guest"])?;
            host.load_component(read(COMPONENT)?, &manifest, &hash)
        };
        if let Some(principal) = principal(step)? {
            load = load.principal(principal);
        }
        if let Some(kept) = texts(step, "attenuate") {
            load = load.attenuate(kept);
        }
        let capsule = load.shared(step["shared"] == true).await?;
        let told = told(&capsule);
        self.capsules.insert(key.to_owned(), capsule);
        Ok(told)
    }

    async fn next(&self, step: &Value) -> Result<Value, Failed> {
        let messages = self.subscription(step)?;
        let timeout = duration(step).unwrap_or(Duration::from_millis(NEXT_MS));
        Ok(match tokio::time::timeout(timeout, messages.next()).await {
            Err(_) => json!({ "nothing": true }),
            Ok(None) => json!({ "closed": true }),
            Ok(Some(message)) => json!({
                "topic": message.topic, "payload": message.payload,
                "json": serde_json::from_str::<Value>(&message.payload).ok(), "source": message.source,
                "attribution": message.attribution, "principal": message.principal,
            }),
        })
    }

    /// Where the home is.
    pub(super) fn home_folder(&self) -> PathBuf {
        self.folder.join(&self.home)
    }

    /// What the host is given as a capsule's path.
    pub(super) fn path(&self, key: &str) -> PathBuf {
        path_of(&self.folder.join(key), self.written.get(key).unwrap_or(&Value::Null))
    }

    pub(super) fn host(&self) -> Result<&Host, Failed> {
        self.host.as_ref().ok_or_else(|| Failed::Scenario("the host was never opened".to_owned()))
    }

    pub(super) fn capsule(&self, step: &Value) -> Result<&Capsule, Failed> {
        named(&self.capsules, step, "capsule")
    }

    fn subscription(&self, step: &Value) -> Result<&Messages, Failed> {
        named(&self.subscriptions, step, "of")
    }
}

fn named<'m, T>(all: &'m HashMap<String, T>, step: &Value, field: &str) -> Result<&'m T, Failed> {
    let name = text(step, field)?;
    all.get(name).ok_or_else(|| Failed::Scenario(format!("nothing is called `{name}`")))
}

pub(super) fn as_json(value: impl serde::Serialize) -> Result<Value, Failed> {
    serde_json::to_value(value).map_err(|error| Failed::Scenario(error.to_string()))
}
