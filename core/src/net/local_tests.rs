//! The local socket with real clients.

use std::os::unix::fs::FileTypeExt as _;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::super::handshake::tests::{House, profile, receive, request, send, sign};
use super::*;

struct Place {
    folder: PathBuf,
    local: Arc<LocalSocket>,
    door: Arc<dyn Doorkeeper>,
    _home: tempfile::TempDir,
}

fn place() -> Place {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("run");
    let local = LocalSocket::new(folder.clone(), Handle::current());
    let door: Arc<dyn Doorkeeper> = Arc::new(House::with_alice(&profile(&[1])));
    Place { folder, local, door, _home: home }
}

impl Place {
    fn open(&self) -> Result<()> {
        self.local.open(Arc::downgrade(&self.door))
    }

    async fn dial(&self) -> UnixStream {
        UnixStream::connect(self.folder.join(SOCKET)).await.unwrap()
    }

    fn token(&self) -> String {
        fs::read_to_string(self.folder.join(TOKEN)).unwrap()
    }

    /// A client that has passed the handshake, as alice if it signs.
    async fn come(&self, signs: bool) -> UnixStream {
        let mut client = self.dial().await;
        let mut frame = request(&self.token());
        if signs {
            frame["claimed_principal"] = "alice".into();
        }
        send(&mut client, &frame).await;
        let response = receive(&mut client).await.unwrap();
        if signs {
            let challenge = response["challenge"].as_str().unwrap();
            let signature = sign(1, "alice", challenge);
            send(&mut client, &serde_json::json!({ "signature": signature })).await;
            assert_eq!(receive(&mut client).await.unwrap()["status"], "ok");
        } else {
            assert_eq!(response["status"], "ok");
        }
        client
    }
}

fn anybody(_: Option<&Ingress>) -> bool {
    true
}

#[tokio::test]
async fn it_is_private_and_goes_with_its_files() {
    let place = place();
    place.open().unwrap();
    let (socket, token) = (place.folder.join(SOCKET), place.folder.join(TOKEN));
    for (path, mode) in [(&place.folder, 0o700), (&socket, 0o600), (&token, 0o600)] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, mode, "{}", path.display());
    }
    let before = place.token();
    place.open().unwrap();
    assert_eq!(place.token(), before, "an open socket stays as it is");
    place.local.close();
    assert!(!socket.exists() && !token.exists());
    assert_eq!(place.open().unwrap_err().kind(), ErrorKind::Closed);
    assert!(place.local.next(anybody).await.is_none());
}

#[tokio::test]
async fn what_a_process_left_behind_is_in_nobodys_way() {
    let place = place();
    fs::create_dir_all(&place.folder).unwrap();
    // One that ended suddenly leaves its socket, and one that ended even more so the other name.
    drop(StdListener::bind(place.folder.join(SOCKET)).unwrap());
    drop(StdListener::bind(place.folder.join("system.new")).unwrap());
    fs::write(place.folder.join(TOKEN), "old").unwrap();
    place.open().unwrap();
    assert_eq!(place.token().len(), 64);
    place.come(false).await;
    assert!(place.local.next(anybody).await.unwrap().ingress.is_none());
}

#[tokio::test]
async fn a_path_may_be_too_long_for_an_address() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("deep".repeat(30)).join("run");
    let local = LocalSocket::new(folder.clone(), Handle::current());
    let door: Arc<dyn Doorkeeper> = Arc::new(House::default());
    local.open(Arc::downgrade(&door)).unwrap();
    assert!(fs::metadata(folder.join(SOCKET)).unwrap().file_type().is_socket());
    let held = File::open(&folder).unwrap();
    let path = format!("/proc/self/fd/{}/{SOCKET}", held.as_raw_fd());
    let mut client = UnixStream::connect(path).await.unwrap();
    send(&mut client, &request(&fs::read_to_string(folder.join(TOKEN)).unwrap())).await;
    assert_eq!(receive(&mut client).await.unwrap()["status"], "ok");
}

#[tokio::test]
async fn a_client_brings_what_it_says_and_who_it_is() {
    let place = place();
    place.open().unwrap();
    let mut client = place.come(true).await;
    client.write_all(b"hello").await.unwrap();
    let mut arrived = place.local.next(anybody).await.unwrap();
    assert_eq!(arrived.ingress.unwrap().principal.as_str(), "alice");
    let mut said = [0; 5];
    arrived.socket.read_exact(&mut said).await.unwrap();
    assert_eq!(&said, b"hello");
}

#[tokio::test]
async fn one_that_stalls_keeps_nobody_waiting() {
    let place = place();
    place.open().unwrap();
    let mut stalling = Vec::new();
    for _ in 0..limits::LOCAL_CLIENTS - 1 {
        stalling.push(place.dial().await);
    }
    place.come(false).await;
    assert!(place.local.next(anybody).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn more_than_it_has_places_for_wait_until_one_is_free() {
    let place = place();
    place.open().unwrap();
    let mut stalling = Vec::new();
    for _ in 0..limits::LOCAL_CLIENTS {
        stalling.push(place.dial().await);
    }
    // Time goes on only when nothing else does: those in front have had theirs.
    let begun = tokio::time::Instant::now();
    place.come(false).await;
    assert!(begun.elapsed() >= limits::GREETING_STEP);
    assert!(place.local.next(anybody).await.is_some());
}

#[tokio::test]
async fn a_client_that_is_not_anybodys_stays_for_others() {
    let place = place();
    place.open().unwrap();
    let (_alice, _nobody) = (place.come(true).await, place.come(false).await);
    let arrived = place.local.next(|ingress| ingress.is_none()).await.unwrap();
    assert!(arrived.ingress.is_none());
    assert!(place.local.next(anybody).await.unwrap().ingress.is_some());
}

#[tokio::test]
async fn readiness_follows_those_who_wait() {
    let place = place();
    place.open().unwrap();
    let awaited = place.local.readiness(|ingress| ingress.is_some());
    let _nobody = place.come(false).await;
    assert!(!awaited.is_ready());
    let (_alice, ()) = futures_util::future::join(place.come(true), awaited.ready()).await;
    assert!(awaited.is_ready() && !awaited.is_closed());
    place.local.next(|ingress| ingress.is_some()).await.unwrap();
    assert!(!awaited.is_ready());
    let ((), ()) = futures_util::future::join(awaited.ready(), async { place.local.close() }).await;
    assert!(awaited.is_closed() && !awaited.is_ready());
}

#[tokio::test]
async fn whom_nobody_takes_is_sent_away() {
    let place = place();
    place.open().unwrap();
    let mut client = place.come(false).await;
    tokio::time::pause();
    // Nothing else goes on, so the time passes at once.
    assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
    tokio::time::resume();
    let next = tokio::time::timeout(Duration::ZERO, place.local.next(anybody));
    assert!(next.await.is_err());
}

#[tokio::test]
async fn closing_sends_away_whoever_waits() {
    let place = place();
    place.open().unwrap();
    let mut client = place.come(false).await;
    place.local.close();
    assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
    assert!(UnixStream::connect(place.folder.join(SOCKET)).await.is_err());
}
