//! The room's tests: what it promises here, what an enemy tries in `hostile`, who is quicker in `races`.

mod hostile;
mod limits;
mod overlay;
mod races;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::*;
use crate::cancel::Cancel;
use crate::manifest;
use crate::policy::Capabilities;
use crate::principal::Principal;

/// A host's home, a workspace, and a folder beside it that no capsule may reach.
pub(super) struct Site {
    folder: tempfile::TempDir,
    pub vfs: Vfs,
    capabilities: Arc<Capabilities>,
    pub budget: Budget,
}

/// Everything that a capsule can be granted by patterns.
const ALL: [&str; 3] = ["*", "home://", "tmp://"];

impl Site {
    pub fn new() -> Self {
        Self::with(&ALL, &ALL, WorkspaceMode::Direct)
    }

    pub fn with(read: &[&str], write: &[&str], mode: WorkspaceMode) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "workspace", "outside"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        fs::write(folder.path().join("outside/secret"), "not for guests").unwrap();
        let workspace = folder.path().join("workspace");
        let vfs = Vfs::open(&folder.path().join("home"), Some(&workspace), mode, false).unwrap();
        let texts = |patterns: &[&str]| patterns.iter().map(ToString::to_string).collect();
        let declared = manifest::Capabilities {
            fs_read: texts(read),
            fs_write: texts(write),
            ..manifest::Capabilities::default()
        };
        let capabilities = Arc::new(Capabilities::from_declared(&declared).unwrap());
        let budget = Budget { bytes: 1 << 30, entries: 1 << 20 };
        Self { folder, vfs, capabilities, budget }
    }

    pub fn view(&self) -> View {
        self.view_of("alice", "notes")
    }

    pub fn view_of(&self, principal: &str, capsule: &str) -> View {
        let principal = Principal::parse(principal).unwrap();
        View::new(
            &self.vfs,
            &principal,
            &Arc::from(capsule),
            &self.capabilities,
            self.budget,
            Cancel::default(),
        )
    }

    /// A path in the workspace as the embedding program sees it.
    pub fn inside(&self, path: &str) -> PathBuf {
        self.folder.path().join("workspace").join(path)
    }

    /// A path beside the workspace.
    pub fn outside(&self, path: &str) -> PathBuf {
        self.folder.path().join("outside").join(path)
    }

    pub fn put(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.inside(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub fn link(&self, target: impl AsRef<Path>, path: &str) {
        let path = self.inside(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, path).unwrap();
    }

    /// Nothing outside was changed, whatever was tried.
    pub fn assert_outside_untouched(&self) {
        assert_eq!(fs::read_to_string(self.outside("secret")).unwrap(), "not for guests");
        assert_eq!(fs::read_dir(self.outside("")).unwrap().count(), 1);
    }
}

fn open(view: &View, path: &str, mode: Mode) -> Result<OpenFile, FsError> {
    view.open(path, mode, || Some(())).map(|(file, ())| file)
}

#[test]
fn files_are_written_read_replaced_and_extended() {
    let site = Site::new();
    let view = site.view();
    view.write_file("a.txt", b"one").unwrap();
    assert_eq!(view.read_file("workspace://a.txt").unwrap(), b"one");
    view.append("a.txt", b" two").unwrap();
    view.append("new.txt", b"first").unwrap();
    assert_eq!(fs::read(site.inside("a.txt")).unwrap(), b"one two");
    view.write_file("a.txt", b"3").unwrap();
    view.copy("a.txt", "home://b.txt").unwrap();
    view.copy("home://b.txt", "/tmp/c.txt").unwrap();
    assert_eq!(view.read_file("tmp://c.txt").unwrap(), b"3");
    assert_eq!(view.readdir(".").unwrap(), ["a.txt", "new.txt"]);
    assert_eq!(view.readdir("home://").unwrap(), ["b.txt"], "the host's own folders are not listed");
    assert_eq!(fs::read_dir(site.inside("")).unwrap().count(), 2, "no draft is left behind");
}

#[test]
fn replacing_keeps_permissions_and_is_refused_where_writing_is() {
    use std::os::unix::fs::PermissionsExt;
    let site = Site::new();
    site.put("run.sh", "#!");
    fs::set_permissions(site.inside("run.sh"), fs::Permissions::from_mode(0o741)).unwrap();
    site.view().write_file("run.sh", b"#!/bin/sh").unwrap();
    assert_eq!(fs::metadata(site.inside("run.sh")).unwrap().permissions().mode() & 0o7777, 0o741);
    assert_eq!(site.view().stat("run.sh").unwrap().mode, 0o741);
}

#[test]
fn open_modes_do_what_they_say() {
    let site = Site::new();
    let (view, budget) = (site.view(), site.budget);
    assert_eq!(open(&view, "f", Mode::Read).unwrap_err(), FsError::NotFound);
    assert_eq!(open(&view, "f", Mode::ReadWrite).unwrap_err(), FsError::NotFound);
    let file = open(&view, "f", Mode::Write).unwrap();
    assert_eq!(file.write_at(2, b"cd", budget), Ok(2));
    assert_eq!(file.write_at(0, b"ab", budget), Ok(2));
    assert_eq!(file.read_at(0, 9), Err(FsError::Access));
    file.sync_data().unwrap();
    file.sync_all().unwrap();
    let file = open(&view, "f", Mode::Append).unwrap();
    assert_eq!(file.write_at(0, b"ef", budget), Ok(2), "the offset is ignored");
    let file = open(&view, "f", Mode::ReadWrite).unwrap();
    assert_eq!(file.read_at(1, 100).unwrap(), b"bcdef");
    assert_eq!(file.read_at(6, 1).unwrap(), b"");
    assert_eq!(file.read_at(u64::MAX, 1).unwrap(), b"");
    file.set_len(2, budget).unwrap();
    file.set_len(4, budget).unwrap();
    assert_eq!(file.read_at(0, 100).unwrap(), b"ab\0\0");
    assert_eq!(file.stat().unwrap().size, 4);
    let file = open(&view, "f", Mode::Read).unwrap();
    assert_eq!(file.write_at(0, b"x", budget), Err(FsError::Access));
    assert_eq!(file.set_len(0, budget), Err(FsError::Access));
    open(&view, "f", Mode::Write).unwrap();
    assert_eq!(view.stat("f").unwrap().size, 0, "opened for writing it is emptied");
    assert_eq!(file.read_at(0, 1).unwrap(), b"");
    view.unlink("f").unwrap();
    assert_eq!(file.stat().unwrap().size, 0, "a handle keeps to its file");
}

#[test]
fn stat_tells_all_it_knows() {
    let site = Site::new();
    site.put("f", "12345");
    site.link("f", "l");
    let view = site.view();
    let stat = view.stat("l").unwrap();
    assert_eq!((stat.size, stat.kind), (5, Kind::Regular));
    let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    for moment in [stat.modified, stat.accessed] {
        assert!((now - moment.unwrap().seconds).abs() < 3600);
    }
    assert_eq!(view.stat_symlink("l").unwrap().kind, Kind::Symlink);
    assert_eq!(view.stat(".").unwrap().kind, Kind::Directory);
    let before =
        fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH - std::time::Duration::from_millis(1500));
    fs::File::options().write(true).open(site.inside("f")).unwrap().set_times(before).unwrap();
    let modified = view.stat("f").unwrap().modified.unwrap();
    assert_eq!(
        (modified.seconds, modified.nanoseconds),
        (-2, 500_000_000),
        "before 1970 seconds are negative"
    );
}

#[test]
fn folders_are_made_listed_moved_and_removed() {
    let site = Site::new();
    let view = site.view();
    view.mkdir("d").unwrap();
    assert_eq!(view.mkdir("d"), Err(FsError::AlreadyExists));
    assert_eq!(view.mkdir("x/y"), Err(FsError::NotFound));
    view.mkdir_all("d/e/f").unwrap();
    view.mkdir_all("d/e/f").unwrap();
    view.write_file("d/e/file", b"").unwrap();
    assert_eq!(view.mkdir_all("d/e/file"), Err(FsError::AlreadyExists));
    assert_eq!(view.mkdir_all("d/e/file/x"), Err(FsError::NotDirectory));
    view.rename("d/e", "g").unwrap();
    assert_eq!(view.readdir("g").unwrap(), ["f", "file"]);
    assert_eq!(view.rename("g", "g/f/h"), Err(FsError::InvalidPath));
    view.write_file("d/x", b"").unwrap();
    assert_eq!(view.rename("g", "d"), Err(FsError::NotEmpty));
    assert_eq!(view.rename("g", "d/x"), Err(FsError::NotDirectory));
    assert_eq!(view.rename("d/x", "g"), Err(FsError::IsDirectory));
    assert_eq!(view.rename("d/x", "home://x"), Err(FsError::CrossVfs));
    assert_eq!(view.unlink("g"), Err(FsError::IsDirectory));
    assert_eq!(view.remove_dir_all("g").unwrap(), 2);
    assert_eq!(view.remove_dir_all("d/x"), Err(FsError::NotDirectory));
    assert_eq!(view.readdir("d").unwrap(), ["x"]);
    view.unlink("d/x").unwrap();
    assert_eq!(view.exists("d/x"), Ok(false));
}

#[test]
fn links_inside_are_followed_and_resolved() {
    let site = Site::new();
    site.put("a/b/file", "x");
    site.link("b/../b", "a/l");
    site.link("../a/l/file", "c/f");
    site.link(site.inside("a"), "abs");
    site.link("..", "a/up");
    let view = site.view();
    assert_eq!(view.canonicalize("c/f").unwrap(), "workspace://a/b/file");
    assert_eq!(view.canonicalize("abs/l").unwrap(), "workspace://a/b");
    assert_eq!(view.canonicalize("a/up").unwrap(), "workspace://");
    assert_eq!(view.canonicalize("a/up/a/up/c").unwrap(), "workspace://c");
    assert_eq!(view.canonicalize("home://.").unwrap(), "home://");
    assert_eq!(view.read_link("c/f").unwrap(), "workspace://a/l/file");
    assert_eq!(view.read_link("abs").unwrap(), "workspace://a");
    assert_eq!(view.read_link("a/b/file"), Err(FsError::InvalidPath));
    view.write_file("c/f", b"through").unwrap();
    assert_eq!(fs::read(site.inside("a/b/file")).unwrap(), b"through");
    assert!(site.inside("c/f").is_symlink(), "the link is still one");
    view.unlink("c/f").unwrap();
    assert!(site.inside("a/b/file").exists(), "removing a link removes the link");
}

#[test]
fn second_names_that_the_host_gave_are_good() {
    let site = Site::new();
    let view = site.view();
    view.write_file("one", b"x").unwrap();
    view.hard_link("one", "two").unwrap();
    assert_eq!(view.hard_link("one", "two"), Err(FsError::AlreadyExists));
    view.append("two", b"y").unwrap();
    assert_eq!(view.read_file("one").unwrap(), b"xy");
    view.hard_link("two", "three").unwrap();
    view.unlink("one").unwrap();
    fs::hard_link(site.inside("three"), site.outside("four")).unwrap();
    assert_eq!(view.read_file("two"), Err(FsError::Access), "one name more than were given");
    fs::remove_file(site.outside("four")).unwrap();
    assert_eq!(view.read_file("two").unwrap(), b"xy");
    view.mkdir("d").unwrap();
    assert_eq!(view.hard_link("d", "e"), Err(FsError::IsDirectory));
    assert_eq!(view.hard_link("two", "home://two"), Err(FsError::CrossVfs));
}

#[test]
fn principals_have_homes_of_their_own_and_no_others() {
    let site = Site::new();
    let (alice, bob) = (site.view_of("alice", "notes"), site.view_of("bob", "notes"));
    alice.write_file("home://x", b"alice's").unwrap();
    alice.write_file("tmp://x", b"alice's").unwrap();
    assert_eq!(bob.read_file("home://x"), Err(FsError::NotFound));
    assert_eq!(bob.read_file("tmp://x"), Err(FsError::NotFound));
    assert_eq!(bob.read_file("home://../alice/x"), Err(FsError::BoundaryEscape));
    site.vfs.erase(&Principal::parse("alice").unwrap()).unwrap();
    assert_eq!(alice.exists("home://x"), Ok(false));
}

#[test]
fn a_pattern_that_does_not_cover_denies_before_anything_is_known() {
    let site =
        Site::with(&["workspace://open", "home://notes"], &["workspace://open/w"], WorkspaceMode::Direct);
    site.put("open/a", "a");
    site.put("open/w/b", "b");
    site.put("closed/c", "c");
    site.link("../closed/c", "open/l");
    site.link("open/a", "to-open");
    let view = site.view();
    assert_eq!(view.read_file("open/a").unwrap(), b"a");
    for path in
        ["closed/c", "closed/missing", "closed", "open/l", "opened", ".", "home://", "tmp://x", "closed/c/d"]
    {
        assert_eq!(view.exists(path), Err(FsError::CapabilityDenied), "{path}");
        assert_eq!(view.read_file(path), Err(FsError::CapabilityDenied), "{path}");
        assert_eq!(view.write_file(path, b""), Err(FsError::CapabilityDenied), "{path}");
    }
    assert_eq!(view.read_file("to-open").unwrap(), b"a", "what counts is where it leads");
    assert_eq!(view.write_file("open/a", b""), Err(FsError::CapabilityDenied));
    assert_eq!(view.rename("open/w/b", "open/b"), Err(FsError::CapabilityDenied));
    assert_eq!(view.copy("open/a", "open/w/a"), Ok(()));
    assert_eq!(view.copy("closed/c", "open/w/c"), Err(FsError::CapabilityDenied));
    view.mkdir_all("open/w/x/y").unwrap();
    assert_eq!(view.mkdir_all("closed/x"), Err(FsError::CapabilityDenied));
    assert!(!site.folder.path().join("home/home/alice").exists(), "a refused call makes no home");
}

#[test]
fn a_host_without_a_workspace_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let vfs = Vfs::open(folder.path(), None, WorkspaceMode::Overlay, false).unwrap();
    let mut site = Site::new();
    site.vfs = vfs;
    assert_eq!(site.view().exists("x"), Err(FsError::CapabilityDenied));
    site.view().write_file("home://x", b"").unwrap();
}

#[test]
fn a_workspace_that_holds_the_home_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    for workspace in [folder.path(), &home, Path::new("/")] {
        let error = Vfs::open(&home, Some(workspace), WorkspaceMode::Direct, false).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::InvalidArgument);
    }
}
