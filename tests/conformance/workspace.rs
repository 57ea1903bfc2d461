//! The workspace of a scenario: the folder it begins as, and what becomes of overlays.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use astrid_host::{HostBuilder, WorkspaceMode};
use serde_json::{Value, json};

use crate::fields::principal;
use crate::steps::{Failed, World};

/// Where it lies in the scenario's folder.
const FOLDER: &str = "workspace";

/// Makes the folder with what is in it, if the scenario has one.
pub fn make(scenario: &Value, folder: &Path) -> Result<(), String> {
    let wanted = &scenario["host"]["workspace"];
    if !wanted.is_object() {
        return Ok(());
    }
    let root = folder.join(FOLDER);
    let failed = |error: std::io::Error| format!("the workspace: {error}");
    let parents = |path: &Path| path.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(failed);
    std::fs::create_dir_all(&root).map_err(failed)?;
    // Programs that capsules start are nobody when the host is root.
    let open_to =
        |path: &Path, mode| std::fs::set_permissions(path, Permissions::from_mode(mode)).map_err(failed);
    open_to(folder, 0o711)?;
    open_to(&root, 0o777)?;
    for name in wanted["folders"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        std::fs::create_dir_all(root.join(name)).map_err(failed)?;
    }
    for (name, content) in wanted["files"].as_object().into_iter().flatten() {
        let path = root.join(name);
        parents(&path)?;
        std::fs::write(path, content.as_str().unwrap_or_default()).map_err(failed)?;
    }
    for (name, target) in wanted["links"].as_object().into_iter().flatten() {
        let path = root.join(name);
        parents(&path)?;
        std::os::unix::fs::symlink(target.as_str().unwrap_or_default(), path).map_err(failed)?;
    }
    Ok(())
}

/// Names the folder to a host that is about to be opened.
pub fn give(scenario: &Value, folder: &Path, builder: HostBuilder) -> HostBuilder {
    let wanted = &scenario["host"]["workspace"];
    if !wanted.is_object() {
        return builder;
    }
    let mode = if wanted["overlay"] == true { WorkspaceMode::Overlay } else { WorkspaceMode::Direct };
    builder.workspace(folder.join(FOLDER)).workspace_mode(mode)
}

impl World<'_> {
    /// Commits an overlay or rolls it back.
    pub(super) async fn settle(&self, verb: &str, step: &Value) -> Result<Value, Failed> {
        let capsule = self.capsule(step)?;
        let principal = principal(step)?.unwrap_or_default();
        if verb == "commit" {
            return Ok(json!({ "changes": capsule.commit(&principal).await? }));
        }
        capsule.rollback(&principal).await?;
        Ok(json!({}))
    }
}
