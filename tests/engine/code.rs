//! The code that a home keeps is used when nobody touched it, and never otherwise.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use astrid_host::{Host, Principal};

use crate::stage::{alone, counted, guest, load, open, variant};

/// The engine remembers this many components, whatever lies on disk.
const REMEMBERED: u8 = 16;

/// How often components were compiled, found in memory, found on disk.
fn counts(host: &Host) -> [u64; 3] {
    [
        "astrid_compile_duration_seconds_count",
        "astrid_compile_cache_hits_total{place=\"memory\"}",
        "astrid_compile_cache_hits_total{place=\"disk\"}",
    ]
    .map(|sample| counted(host, sample))
}

const COMPILED: [u64; 3] = [1, 0, 0];
const FROM_DISK: [u64; 3] = [0, 0, 1];

/// Two homes: the one that is looked at, and one whose capsules make the engine forget all others.
struct Homes {
    watched: tempfile::TempDir,
    _others: tempfile::TempDir,
    others: Host,
    component: Vec<u8>,
}

impl Homes {
    async fn new() -> Self {
        let (watched, others) =
            (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let host = open(others.path()).await;
        Self { watched, _others: others, others: host, component: guest("echo") }
    }

    fn folder(&self) -> PathBuf {
        self.watched.path().join("cache")
    }

    /// Makes the engine as forgetful as that of a new process.
    async fn forget(&self) {
        for n in 0..REMEMBERED {
            let other = variant(&self.component, 100 + n);
            let capsule = load(&self.others, "other", &Principal::default(), &other).await.expect("it loads");
            capsule.unload().await.expect("unloaded");
        }
    }

    /// Opens the home in an engine that has forgotten, loads the component and calls it; where its code came from.
    async fn play(&self, component: &[u8]) -> [u64; 3] {
        self.forget().await;
        let host = open(self.watched.path()).await;
        let before = counts(&host);
        let capsule = load(&host, "main", &Principal::default(), component).await.expect("it loads");
        let reply = capsule.trigger("say", "words").await.expect("an answer");
        assert_eq!(reply.data.as_deref(), Some("words"));
        let after = counts(&host);
        host.close().await.expect("closed");
        [0, 1, 2].map(|n| after[n] - before[n])
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder()).expect("the folder");
        entries.map(|entry| entry.expect("an entry").path()).collect()
    }
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[tokio::test(flavor = "current_thread")]
async fn code_is_kept_and_whatever_was_touched_is_made_anew() {
    let _alone = alone().await;
    let homes = Homes::new().await;
    let component = homes.component.clone();
    assert_eq!(homes.play(&component).await, COMPILED);
    let [file] = &homes.files()[..] else { panic!("one component, one file") };
    assert_eq!((mode(&homes.folder()), mode(file)), (0o700, 0o600));
    assert_eq!(homes.play(&component).await, FROM_DISK);

    let other = variant(&component, 1);
    assert_eq!(homes.play(&other).await, COMPILED);
    let files = homes.files();
    let other_file = files.iter().find(|found| *found != file).expect("a second file");
    let (whole, foreign) = (fs::read(file).expect("code"), fs::read(other_file).expect("code"));
    let aside = homes.watched.path().join("aside");
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    let places = [0, 31, 32, 64, whole.len() / 3, whole.len() / 2, whole.len() - 1];
    let mut forged: Vec<Vec<u8>> = places.into_iter().map(flipped).collect();
    forged.extend([
        whole[..whole.len() / 2].to_vec(),
        whole[..20].to_vec(),
        Vec::new(),
        [&whole[..], &[0]].concat(),
        whole[32..].to_vec(),
        foreign,
    ]);
    for bytes in forged {
        fs::write(file, &bytes).expect("a forged file");
        assert_eq!(homes.play(&component).await, COMPILED);
        assert_eq!((fs::read(file).expect("code").len(), mode(file)), (whole.len(), 0o600), "replaced");
    }
    fs::rename(file, &aside).expect("aside");
    fs::rename(other_file, file).expect("swapped");
    fs::rename(&aside, other_file).expect("swapped");
    assert_eq!(homes.play(&component).await, COMPILED);
    assert_eq!(homes.play(&other).await, COMPILED);
    assert_eq!((homes.play(&component).await, homes.play(&other).await), (FROM_DISK, FROM_DISK));

    // What is no regular file is not even opened, though it leads to the right bytes.
    fs::rename(file, &aside).expect("aside");
    symlink(&aside, file).expect("a link");
    assert_eq!(homes.play(&component).await, COMPILED);
    assert!(fs::symlink_metadata(file).expect("it is there").is_file(), "replaced");
    fs::remove_file(file).expect("removed");
    let socket = UnixListener::bind(file).expect("a socket");
    assert_eq!(homes.play(&component).await, COMPILED);
    drop(socket);
    assert_eq!(homes.play(&component).await, FROM_DISK);
    // A folder cannot be read, and not be replaced by a file either: the capsule works all the same.
    fs::remove_file(file).expect("removed");
    fs::create_dir(file).expect("a folder");
    assert_eq!(homes.play(&component).await, COMPILED);
    fs::remove_dir(file).expect("removed");
    homes.others.close().await.expect("closed");
}

#[tokio::test(flavor = "current_thread")]
async fn code_from_before_the_keys_were_changed_is_not_run() {
    let _alone = alone().await;
    let homes = Homes::new().await;
    let component = homes.component.clone();
    assert_eq!(homes.play(&component).await, COMPILED);
    let [file] = &homes.files()[..] else { panic!("one component, one file") };
    let old = fs::read(file).expect("code");
    let host = open(homes.watched.path()).await;
    host.rotate_keys().await.expect("new keys");
    host.close().await.expect("closed");
    fs::create_dir_all(homes.folder()).expect("the folder");
    fs::write(file, &old).expect("the old file");
    assert_eq!(homes.play(&component).await, COMPILED);
    assert_ne!(fs::read(file).expect("code"), old, "replaced, under the new seal");
    assert_eq!(homes.play(&component).await, FROM_DISK);
    homes.others.close().await.expect("closed");
}
