//! A watcher tells what changed in the folders of capsules, and never runs bytes that nobody installed.

#![allow(clippy::expect_used)]

use std::path::{Path, PathBuf};

use astrid_host::{CapsuleChange, CapsuleChanges, ErrorKind, Host};
use serde_json::Value;

fn guest(name: &str) -> Vec<u8> {
    let index: Value =
        serde_json::from_slice(&std::fs::read(env!("GUESTS_INDEX")).expect("an index")).expect("JSON");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(index[name]["path"].as_str().expect("a path"));
    std::fs::read(path).expect("the component")
}

fn write(folder: &Path, version: &str, component: &str) {
    std::fs::create_dir_all(folder).expect("a folder");
    std::fs::write(folder.join("guest.wasm"), guest(component)).expect("the component");
    let name = folder.file_name().expect("a name").to_string_lossy();
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"{version}\"\n[[component]]\nfile = \"guest.wasm\"\n"
    );
    std::fs::write(folder.join("Capsule.toml"), manifest).expect("the manifest");
}

/// Watching threads are counted over the whole process, so one test has it at a time.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

fn watchers() -> usize {
    let threads = std::fs::read_dir("/proc/self/task").expect("the threads of this process");
    let named = |thread: &std::fs::DirEntry| std::fs::read_to_string(thread.path().join("comm"));
    threads.flatten().filter(|thread| named(thread).is_ok_and(|name| name.starts_with("notify-rs"))).count()
}

async fn next(changes: &CapsuleChanges) -> CapsuleChange {
    changes.next().await.expect("a change")
}

struct World {
    _folder: tempfile::TempDir,
    capsules: PathBuf,
    host: Host,
}

async fn world() -> World {
    let folder = tempfile::tempdir().expect("a folder");
    let capsules = folder.path().join("capsules");
    write(&capsules.join("notes"), "1.0.0", "minimal");
    write(&capsules.join("other"), "1.0.0", "minimal");
    let host = Host::builder(folder.path().join("home")).open().await.expect("a host");
    World { _folder: folder, capsules, host }
}

#[tokio::test(flavor = "current_thread")]
async fn changes_are_told_once_and_only_installed_bytes_run() {
    let _alone = ALONE.lock().await;
    let World { _folder, capsules, host } = world().await;
    let notes = capsules.join("notes");
    host.install(&notes).await.expect("installed");
    let capsule = host.load(&notes).await.expect("loaded");
    let changes = host.watch(&capsules).reload(true).await.expect("a watch");
    assert_eq!(watchers(), 1);

    // What tools leave behind, and a file that is written again as it was, are no changes.
    std::fs::create_dir_all(capsules.join("other/target")).expect("a folder");
    std::fs::write(capsules.join("other/target/x"), "x").expect("a file");
    write(&capsules.join("other"), "1.0.0", "minimal");
    write(&notes, "1.1.0", "minimal");
    let change = next(&changes).await;
    assert_eq!((change.folder.as_path(), change.id.as_deref(), change.gone), (&*notes, Some("notes"), false));
    change.reloaded.expect("a reload").expect("reloaded");
    assert_eq!((capsule.generation(), capsule.version().as_str()), (2, "1.1.0"));

    write(&notes, "1.2.0", "run-returns");
    let error = next(&changes).await.reloaded.expect("a reload").expect_err("nobody installed it");
    assert_eq!((error.kind(), capsule.generation()), (ErrorKind::HashMismatch, 2));
    host.install(&notes).await.expect("installed");
    assert_eq!((capsule.generation(), capsule.version().as_str()), (3, "1.2.0"));

    // One that comes later, and one that goes.
    write(&capsules.join("third"), "1.0.0", "minimal");
    let change = next(&changes).await;
    assert_eq!((change.folder, change.id, change.gone), (capsules.join("third"), None, false));
    assert!(change.reloaded.is_none());
    std::fs::remove_dir_all(&notes).expect("removed");
    let change = next(&changes).await;
    assert_eq!((change.folder, change.id.as_deref(), change.gone), (notes, Some("notes"), true));
    assert!(change.reloaded.is_none());

    host.close().await.expect("closed");
    assert!(changes.next().await.is_none());
    // The thread ends by itself; nobody is told when.
    for _ in 0..1000 {
        if watchers() == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(watchers(), 0);
}

#[tokio::test(flavor = "current_thread")]
async fn one_capsule_is_watched_alone_and_a_missing_folder_not_at_all() {
    let _alone = ALONE.lock().await;
    let World { _folder, capsules, host } = world().await;
    let missing = host.watch(capsules.join("missing")).await.expect_err("there is no such folder");
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    host.install(capsules.join("notes")).await.expect("installed");
    let capsule = host.load(capsules.join("notes")).await.expect("loaded");
    let changes = capsule.watch().expect("a folder").await.expect("a watch");
    write(&capsules.join("other"), "1.1.0", "minimal");
    write(&capsules.join("notes"), "1.1.0", "minimal");
    let change = next(&changes).await;
    assert_eq!((change.folder, change.id.as_deref()), (capsules.join("notes"), Some("notes")));
    assert!(change.reloaded.is_none() && capsule.generation() == 1);
    drop(changes);
    host.close().await.expect("closed");
}
