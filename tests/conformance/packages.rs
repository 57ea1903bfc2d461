//! The verbs about packages: looking at them, finding them, and reading their files.

use serde_json::{Value, json};

use crate::fields::text;
use crate::steps::{Failed, World, as_json};

impl World<'_> {
    /// Takes one of these steps.
    pub(super) async fn packages(&self, verb: &str, step: &Value) -> Result<Value, Failed> {
        match verb {
            "inspect" => as_json(self.host()?.inspect(self.path(text(step, "capsule")?)).await?),
            "discover" => {
                let discovery = self.host()?.discover(&[&self.folder]).await?;
                let found = discovery.found.iter();
                let found: Vec<_> =
                    found.map(|found| json!({ "id": found.id, "version": found.version })).collect();
                Ok(json!({ "found": found, "warnings": discovery.warnings }))
            }
            _ => {
                let bytes = self.capsule(step)?.static_file(text(step, "file")?).await?;
                Ok(json!({ "text": String::from_utf8_lossy(&bytes) }))
            }
        }
    }
}
