//! The workspace seen through an overlay.

use std::fs;

use super::*;

fn site() -> Site {
    let site = Site::with(&ALL, &ALL, WorkspaceMode::Overlay);
    site.put("a.txt", "lower");
    site.put("d/x", "x");
    site.put("d/e/y", "y");
    site
}

fn alice() -> (Principal, Arc<str>) {
    (Principal::parse("alice").unwrap(), Arc::from("notes"))
}

#[test]
fn changes_are_seen_by_their_maker_alone() {
    let site = site();
    let view = site.view();
    view.write_file("a.txt", b"upper").unwrap();
    view.append("d/x", b"+").unwrap();
    view.unlink("d/e/y").unwrap();
    view.mkdir_all("n/m").unwrap();
    assert_eq!(view.read_file("a.txt").unwrap(), b"upper");
    assert_eq!(view.read_file("d/x").unwrap(), b"x+");
    assert_eq!(view.read_file("d/e/y"), Err(FsError::NotFound));
    assert_eq!(view.readdir(".").unwrap(), ["a.txt", "d", "n"]);
    for other in [site.view_of("bob", "notes"), site.view_of("alice", "other")] {
        assert_eq!(other.read_file("a.txt").unwrap(), b"lower");
        assert_eq!(other.read_file("d/e/y").unwrap(), b"y");
        assert_eq!(other.readdir(".").unwrap(), ["a.txt", "d"]);
    }
    assert_eq!(fs::read(site.inside("a.txt")).unwrap(), b"lower");
    assert_eq!(fs::read(site.inside("d/x")).unwrap(), b"x");
}

#[test]
fn what_was_removed_and_made_anew_shows_nothing_of_the_old() {
    let site = site();
    let view = site.view();
    assert_eq!(view.remove_dir_all("d").unwrap(), 3);
    assert_eq!(view.exists("d/x"), Ok(false));
    assert_eq!(view.readdir(".").unwrap(), ["a.txt"]);
    view.mkdir("d").unwrap();
    assert_eq!(view.readdir("d").unwrap(), Vec::<String>::new());
    view.write_file("d/z", b"z").unwrap();
    view.unlink("a.txt").unwrap();
    view.mkdir("a.txt").unwrap();
    assert_eq!(view.readdir("a.txt").unwrap(), Vec::<String>::new());
    assert_eq!(site.vfs.commit(&alice().0, &alice().1).unwrap(), 8);
    assert_eq!(fs::read(site.inside("d/z")).unwrap(), b"z");
    assert!(!site.inside("d/x").exists() && site.inside("a.txt").is_dir());
}

#[test]
fn renames_cross_the_layers() {
    let site = site();
    let view = site.view();
    view.rename("d", "moved").unwrap();
    assert_eq!(view.exists("d"), Ok(false));
    assert_eq!(view.read_file("moved/e/y").unwrap(), b"y");
    view.rename("a.txt", "moved/e/y").unwrap();
    assert_eq!(view.read_file("moved/e/y").unwrap(), b"lower");
    assert_eq!(view.readdir(".").unwrap(), ["moved"]);
    view.mkdir("other").unwrap();
    assert_eq!(view.rename("other", "moved"), Err(FsError::NotEmpty));
    assert_eq!(view.rename("other", "moved/x"), Err(FsError::NotDirectory));
    assert_eq!(view.rename("moved/x", "other"), Err(FsError::IsDirectory));
    assert_eq!(fs::read(site.inside("d/e/y")).unwrap(), b"y");
    site.vfs.commit(&alice().0, &alice().1).unwrap();
    assert_eq!(fs::read(site.inside("moved/e/y")).unwrap(), b"lower");
    assert!(!site.inside("d").exists() && !site.inside("a.txt").exists());
    assert_eq!(view.readdir(".").unwrap(), ["moved", "other"]);
}

#[test]
fn an_emptied_folder_may_be_replaced_and_then_hides_the_old_one() {
    let site = site();
    let view = site.view();
    view.unlink("d/x").unwrap();
    view.remove_dir_all("d/e").unwrap();
    view.mkdir("fresh").unwrap();
    view.write_file("fresh/f", b"f").unwrap();
    view.rename("fresh", "d").unwrap();
    assert_eq!(view.readdir("d").unwrap(), ["f"]);
    site.vfs.commit(&alice().0, &alice().1).unwrap();
    assert_eq!(fs::read_dir(site.inside("d")).unwrap().count(), 1);
}

#[test]
fn rolling_back_closes_files_and_forgets_everything() {
    let site = site();
    let view = site.view();
    view.write_file("a.txt", b"upper").unwrap();
    view.unlink("d/x").unwrap();
    let (file, home) =
        (open(&view, "a.txt", Mode::ReadWrite).unwrap(), open(&view, "home://f", Mode::Write).unwrap());
    site.vfs.rollback(&alice().0, &alice().1).unwrap();
    assert_eq!(file.read_at(0, 1), Err(FsError::Closed));
    assert_eq!(file.write_at(0, b"x", site.budget), Err(FsError::Closed));
    assert_eq!(file.set_len(0, site.budget), Err(FsError::Closed));
    assert_eq!(file.stat().unwrap_err(), FsError::Closed);
    assert_eq!(file.sync_all(), Err(FsError::Closed));
    assert_eq!(file.sync_data(), Err(FsError::Closed));
    home.sync_data().unwrap();
    assert_eq!(view.read_file("a.txt").unwrap(), b"lower");
    assert_eq!(view.read_file("d/x").unwrap(), b"x");
    assert_eq!(site.vfs.commit(&alice().0, &alice().1).unwrap(), 0);
}

#[test]
fn links_lead_through_both_layers_and_not_out_of_them() {
    let site = site();
    site.link("d/e", "short");
    site.link("../outside/secret", "out");
    let view = site.view();
    view.write_file("short/new", b"n").unwrap();
    assert_eq!(view.canonicalize("short/new").unwrap(), "workspace://d/e/new");
    assert_eq!(view.readdir("short").unwrap(), ["new", "y"]);
    assert_eq!(view.read_file("out"), Err(FsError::BoundaryEscape));
    assert_eq!(view.write_file("out", b""), Err(FsError::BoundaryEscape));
    view.rename("out", "kept").unwrap();
    assert_eq!(view.read_file("kept"), Err(FsError::BoundaryEscape));
    site.vfs.commit(&alice().0, &alice().1).unwrap();
    assert!(site.inside("kept").is_symlink() && site.inside("d/e/new").is_file());
    site.assert_outside_untouched();
}

#[test]
fn copies_into_the_overlay_count_as_written() {
    let mut site = site();
    site.budget.bytes = 6;
    site.put("big", "1234567");
    let view = site.view();
    assert_eq!(view.append("big", b""), Err(FsError::TooLarge));
    view.append("a.txt", b"!").unwrap();
    assert_eq!(view.meter.bytes(), 6);
    assert_eq!(view.read_file("big").unwrap(), b"1234567");
    view.hard_link("d/e/y", "second").unwrap_err();
}

#[test]
fn a_direct_workspace_has_nothing_to_commit() {
    let site = Site::new();
    let error = site.vfs.commit(&alice().0, &alice().1).unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::InvalidArgument);
    assert!(site.vfs.rollback(&alice().0, &alice().1).is_err());
}

#[test]
fn a_forgotten_capsule_leaves_no_overlay() {
    let site = site();
    site.view().write_file("a.txt", b"upper").unwrap();
    site.view_of("bob", "other").write_file("a.txt", b"bob's").unwrap();
    for name in ["..", "../home", "/", "."] {
        site.vfs.forget(name).unwrap();
    }
    assert_eq!(
        site.view().read_file("a.txt").unwrap(),
        b"upper",
        "what is no capsule's name removes nothing"
    );
    site.vfs.forget("notes").unwrap();
    assert_eq!(site.view().read_file("a.txt").unwrap(), b"lower");
    assert_eq!(site.view_of("bob", "other").read_file("a.txt").unwrap(), b"bob's");
}
