//! The verbs about the life of capsules.

use astrid_host::Capsule;
use serde_json::{Value, json};

use crate::fields::text;
use crate::steps::{Failed, World};

/// What loading a capsule tells.
pub fn told(capsule: &Capsule) -> Value {
    json!({
        "id": capsule.id(), "version": capsule.version(), "hash": capsule.hash(),
        "state": capsule.state().name(), "warnings": *capsule.warnings(),
    })
}

impl World<'_> {
    /// Takes a step whose verb is one of these; none if it is another.
    pub(super) async fn live(&mut self, verb: &str, step: &Value) -> Option<Result<Value, Failed>> {
        Some(match verb {
            "load_all" => self.load_all().await,
            "reload" => self.reload(step).await,
            "uninstall" => self.uninstall(step).await,
            "rewrite" => self.rewrite(step),
            "state" => self.capsule(step).map(|capsule| {
                json!({
                    "state": capsule.state().name(), "generation": capsule.generation(),
                    "restarts": capsule.restarts(), "failure": capsule.failure(),
                })
            }),
            _ => return None,
        })
    }

    async fn load_all(&mut self) -> Result<Value, Failed> {
        let loaded = self.host()?.load_all(&self.folder).await?;
        let result = loaded.iter().map(told).collect();
        for capsule in loaded {
            self.capsules.insert(capsule.id().to_owned(), capsule);
        }
        Ok(result)
    }

    async fn reload(&self, step: &Value) -> Result<Value, Failed> {
        let capsule = self.capsule(step)?;
        capsule.reload().await?;
        Ok(told(capsule))
    }

    async fn uninstall(&self, step: &Value) -> Result<Value, Failed> {
        let key = text(step, "capsule")?;
        let id = self.scenario["capsules"][key]["name"].as_str().unwrap_or(key);
        self.host()?.uninstall(id).await?;
        Ok(json!({}))
    }

    fn rewrite(&mut self, step: &Value) -> Result<Value, Failed> {
        let key = text(step, "capsule")?;
        let folder = self.folder.join(key);
        if folder.exists() {
            std::fs::remove_dir_all(&folder).map_err(|error| error.to_string())?;
        }
        self.guests.write(&folder, key, step)?;
        self.written.insert(key.to_owned(), step.clone());
        Ok(json!({}))
    }
}
