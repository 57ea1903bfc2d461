//! What an enemy tries. Each line is a case: the call, what it must answer, and why.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

use super::FsError::*;
use super::races::fifo;
use super::*;
use crate::limits;

macro_rules! cases {
    ($($call:expr => $expected:expr, $why:literal;)+) => {
        $(assert_eq!($call, $expected, "{}: {}", stringify!($call), $why);)+
    };
}

/// A file's kind where there is no error; most cases only ask whether there is one.
fn kind(stat: Result<FileStat, FsError>) -> Result<Kind, FsError> {
    stat.map(|stat| stat.kind)
}

fn opened(view: &View, path: &str, mode: Mode) -> Result<(), FsError> {
    open(view, path, mode).map(drop)
}

#[test]
fn climbing() {
    let site = Site::new();
    site.put("d/f", "inside");
    let v = site.view();
    cases! {
        v.read_file("../outside/secret") => Err(BoundaryEscape), "the plainest way out";
        v.read_file("d/../../outside/secret") => Err(BoundaryEscape), "down before up is still up";
        v.read_file("/../outside/secret") => Err(BoundaryEscape), "an absolute path is below the root as well";
        v.read_file("workspace://../outside/secret") => Err(BoundaryEscape), "a scheme changes nothing";
        v.read_file("cwd://d/../../outside/secret") => Err(BoundaryEscape), "nor does the older one";
        v.read_file("home://../bob/x") => Err(BoundaryEscape), "no principal climbs into another's home";
        v.read_file("tmp://../../x") => Err(BoundaryEscape), "tmp is a root of its own, not a folder of the home";
        v.read_file("/tmp/../x") => Err(BoundaryEscape), "also in its older spelling";
        v.write_file("../new", b"") => Err(BoundaryEscape), "writing";
        v.append("../new", b"") => Err(BoundaryEscape), "adding";
        v.mkdir("../new") => Err(BoundaryEscape), "making a folder";
        v.mkdir_all("d/../../new/x") => Err(BoundaryEscape), "making many";
        v.unlink("../outside/secret") => Err(BoundaryEscape), "removing";
        v.remove_dir_all("../outside") => Err(BoundaryEscape), "removing a tree";
        v.rename("d/f", "../f") => Err(BoundaryEscape), "moving out";
        v.rename("../outside/secret", "f") => Err(BoundaryEscape), "moving in";
        v.copy("../outside/secret", "f") => Err(BoundaryEscape), "copying in";
        v.copy("d/f", "../f") => Err(BoundaryEscape), "copying out";
        v.hard_link("../outside/secret", "f") => Err(BoundaryEscape), "naming what is outside";
        v.hard_link("d/f", "../f") => Err(BoundaryEscape), "a name outside";
        opened(&v, "../outside/secret", Mode::ReadWrite) => Err(BoundaryEscape), "opening";
        v.readdir("..") => Err(BoundaryEscape), "listing";
        v.canonicalize("..") => Err(BoundaryEscape), "asking where it is";
        v.read_link("../l") => Err(BoundaryEscape), "asking where it leads";
        kind(v.stat("..")) => Err(BoundaryEscape), "asking what it is";
        kind(v.stat_symlink("..")) => Err(BoundaryEscape), "asking what it is itself";
        v.exists("../outside") => Err(BoundaryEscape), "asking whether it is: an error and never false";
        v.read_file("/etc/passwd") => Err(NotFound), "an absolute path never leaves the workspace";
        v.read_file("//etc/passwd") => Err(NotFound), "nor with two slashes";
        v.read_file("..\\outside\\secret") => Err(NotFound), "a backslash separates nothing here";
        v.read_file("%2e%2e/outside/secret") => Err(NotFound), "nothing is decoded";
        v.read_file("\u{ff0e}\u{ff0e}/x") => Err(NotFound), "wide dots are no dots";
        v.read_file(".../f") => Err(NotFound), "three dots are a name";
        v.read_file("d/./../d//f") => Ok(b"inside".to_vec()), "what stays inside is normalised";
    }
    site.assert_outside_untouched();
}

#[test]
fn links_that_leave() {
    let site = Site::new();
    site.put("f", "inside");
    site.link(site.outside(""), "abs");
    site.link("../outside", "rel");
    site.link("../outside/secret", "file");
    site.link("../outside/new", "dangling");
    site.link("rel", "chain");
    site.link("/", "slash");
    site.link("deep/../..", "sly");
    site.put("deep/x", "");
    site.link("/proc/self/root", "magic");
    site.link("/proc/self/fd/0", "magic-fd");
    site.link("/proc/self/cwd", "magic-cwd");
    site.link("loop", "loop");
    site.link("ping", "pong");
    site.link("pong", "ping");
    let v = site.view();
    cases! {
        v.read_file("abs/secret") => Err(BoundaryEscape), "through an absolute link";
        v.read_file("rel/secret") => Err(BoundaryEscape), "through a relative one";
        v.read_file("file") => Err(BoundaryEscape), "by a link at the end";
        v.read_file("chain/secret") => Err(BoundaryEscape), "by a link to a link";
        v.read_file("slash/etc/passwd") => Err(BoundaryEscape), "by a link to everything";
        v.read_file("sly/outside/secret") => Err(BoundaryEscape), "by a link that goes down before it climbs";
        v.exists("file") => Err(BoundaryEscape), "its existence is told to nobody";
        v.exists("dangling") => Err(BoundaryEscape), "whether there is something or not";
        v.write_file("dangling", b"x") => Err(BoundaryEscape), "nothing is made at the other end";
        v.write_file("file", b"x") => Err(BoundaryEscape), "nor replaced";
        v.append("file", b"x") => Err(BoundaryEscape), "nor extended";
        opened(&v, "file", Mode::Write) => Err(BoundaryEscape), "nor emptied";
        opened(&v, "dangling", Mode::Append) => Err(BoundaryEscape), "nor made by opening";
        v.mkdir("rel/d") => Err(BoundaryEscape), "no folder is made there";
        v.mkdir_all("abs/d/e") => Err(BoundaryEscape), "nor many";
        v.mkdir_all("dangling/e") => Err(BoundaryEscape), "nor through what is not there";
        v.unlink("rel/secret") => Err(BoundaryEscape), "nothing is removed there";
        v.remove_dir_all("abs/") => Err(NotDirectory), "a link is no folder, whatever it leads to";
        v.rename("f", "rel/f") => Err(BoundaryEscape), "nothing is moved there";
        v.rename("abs/secret", "g") => Err(BoundaryEscape), "nor from there";
        v.hard_link("file", "g") => Err(BoundaryEscape), "nor given a name";
        v.hard_link("f", "rel/g") => Err(BoundaryEscape), "nor one there";
        v.copy("file", "g") => Err(BoundaryEscape), "nor copied";
        v.copy("f", "file") => Err(BoundaryEscape), "nor copied over";
        v.readdir("abs") => Err(BoundaryEscape), "nor listed";
        v.canonicalize("rel") => Err(BoundaryEscape), "nor named";
        v.read_link("rel") => Err(BoundaryEscape), "the target of a link is no news of the outside";
        v.read_link("abs") => Err(BoundaryEscape), "above all not where the outside is on this machine";
        kind(v.stat("file")) => Err(BoundaryEscape), "nor described";
        kind(v.stat_symlink("file")) => Ok(Kind::Symlink), "the link itself is inside";
        kind(v.stat_symlink("rel/secret")) => Err(BoundaryEscape), "what is behind it is not";
        v.read_file("magic/etc/passwd") => Err(BoundaryEscape), "a magic link is read as text, never jumped through";
        v.read_file("magic-fd") => Err(BoundaryEscape), "no descriptor of the host is reached";
        v.readdir("magic-cwd") => Err(BoundaryEscape), "nor its folder";
        v.read_file("loop") => Err(Access), "a circle ends";
        v.exists("ping") => Err(Access), "of two as well";
        v.write_file("loop/x", b"") => Err(Access), "and at the start of a path";
        v.unlink("loop") => Ok(()), "and can be removed";
        v.rename("abs", "moved") => Ok(()), "a link can be moved";
        v.read_file("moved/secret") => Err(BoundaryEscape), "and leads out from there no less";
        v.unlink("moved") => Ok(()), "removing a link removes the link";
    }
    site.assert_outside_untouched();
}

#[test]
fn what_is_no_file() {
    let site = Site::new();
    fifo(&site.inside("pipe"));
    let _socket = std::os::unix::net::UnixListener::bind(site.inside("socket")).unwrap();
    site.link("pipe", "to-pipe");
    site.put("f", "inside");
    let v = site.view();
    cases! {
        v.read_file("pipe") => Err(Access), "a pipe without a writer would block for ever";
        opened(&v, "pipe", Mode::Read) => Err(Access), "also by opening";
        opened(&v, "pipe", Mode::Write) => Err(Access), "a writer would wake the reader";
        opened(&v, "pipe", Mode::ReadWrite) => Err(Access), "both at once";
        v.append("pipe", b"x") => Err(Access), "adding";
        v.write_file("pipe", b"x") => Err(Access), "it is not replaced either";
        v.copy("pipe", "g") => Err(Access), "it has no content to copy";
        v.copy("f", "pipe") => Err(Access), "and takes none";
        v.hard_link("pipe", "g") => Err(Access), "and no second name";
        v.read_file("to-pipe") => Err(Access), "through a link";
        v.readdir("pipe") => Err(NotDirectory), "it holds no names";
        kind(v.stat("pipe")) => Ok(Kind::Fifo), "looking is not opening";
        kind(v.stat("socket")) => Ok(Kind::Socket), "of a socket as well";
        v.read_file("socket") => Err(Access), "a socket is not opened";
        v.write_file("socket", b"x") => Err(Access), "nor replaced";
        v.exists("pipe") => Ok(true), "it is there";
        v.unlink("pipe") => Ok(()), "and can be removed";
        v.unlink("socket") => Ok(()), "like the socket";
    }
}

#[test]
fn names_of_what_is_outside() {
    let site = Site::new();
    fs::hard_link(site.outside("secret"), site.inside("hard")).unwrap();
    site.put("f", "inside");
    let v = site.view();
    cases! {
        v.read_file("hard") => Err(Access), "a second name of a file outside is that file";
        v.append("hard", b"x") => Err(Access), "adding would change it there";
        opened(&v, "hard", Mode::Read) => Err(Access), "opening";
        opened(&v, "hard", Mode::Write) => Err(Access), "emptying";
        opened(&v, "hard", Mode::ReadWrite) => Err(Access), "changing";
        v.copy("hard", "g") => Err(Access), "copying its content";
        v.hard_link("hard", "g") => Err(Access), "a third name would not make it ours";
        v.rename("hard", "moved") => Ok(()), "the name itself is inside";
        v.write_file("moved", b"new") => Ok(()), "replacing changes the name, not the file";
        v.read_file("moved") => Ok(b"new".to_vec()), "so this is another file now";
    }
    site.assert_outside_untouched();
}

#[test]
fn roots_and_what_is_the_hosts() {
    let site = Site::new();
    let v = site.view();
    v.write_file("tmp://t", b"").unwrap();
    v.write_file("home://f", b"").unwrap();
    let home = site.folder.path().join("home/home/alice");
    fs::create_dir(home.join(".config")).unwrap();
    fs::write(home.join(".config/token"), "secret").unwrap();
    fs::write(home.join(".local/log"), "secret").unwrap();
    std::os::unix::fs::symlink(".config/token", home.join("token")).unwrap();
    std::os::unix::fs::symlink(".local", home.join("local")).unwrap();
    cases! {
        v.remove_dir_all("workspace://") => Err(Access), "a root is never removed";
        v.remove_dir_all(".") => Err(Access), "under no name";
        v.remove_dir_all("home://") => Err(Access), "nor a home, with the host's folders in it";
        v.remove_dir_all("/tmp") => Err(Access), "nor the scratch folder";
        v.unlink("/") => Err(Access), "nor as a file";
        v.rename(".", "x") => Err(Access), "nor moved";
        v.rename("home://f", "home://") => Err(Access), "nor replaced";
        v.mkdir("tmp://") => Err(Access), "nor made";
        v.write_file("home://", b"") => Err(IsDirectory), "nor written";
        v.read_file("home://.config/token") => Err(NotFound), "what is the host's does not exist";
        v.exists("home://.config") => Ok(false), "the folder neither";
        v.exists("home://.local") => Ok(false), "nor this one";
        v.read_file("home://.local/log") => Err(NotFound), "nor what is in it";
        v.exists("home://.local/tmp/t") => Ok(true), "but for the scratch folder";
        v.read_file("home://token") => Err(NotFound), "no link leads there";
        v.read_file("home://local/log") => Err(NotFound), "by no way round";
        v.exists("home://local") => Ok(false), "not even to the folder";
        v.write_file("home://.config/new", b"") => Err(NotFound), "nothing is put there";
        v.mkdir("home://.config") => Err(NotFound), "nor is it made";
        v.rename("home://f", "home://.config") => Err(NotFound), "nor replaced";
        v.rename("home://.config", "home://mine") => Err(NotFound), "nor moved away";
        v.remove_dir_all("home://.local") => Err(NotFound), "nor removed";
        v.readdir("home://") => Ok(["f", "local", "token"].map(str::to_owned).to_vec()), "nor listed";
        v.rename("home://.local/tmp/t", "tmp://u") => Err(CrossVfs), "two roots are two, even one in the other";
        v.exists("cwd://home://f") => Ok(false), "one scheme is enough";
        v.read_file("file:///etc/passwd") => Err(InvalidPath), "a scheme nobody knows";
        v.read_file("HOME://f") => Err(InvalidPath), "nor one in capitals";
        v.read_file("") => Err(InvalidPath), "no path at all";
        v.read_file("f\0.txt") => Err(InvalidPath), "the kernel would stop at the zero";
        v.write_file("a\nb", b"") => Err(InvalidPath), "no line of a log is forged";
        v.write_file("\u{1b}[31m", b"") => Err(InvalidPath), "nor a terminal driven";
        v.write_file("e\u{301}", b"") => Err(InvalidPath), "two spellings of one name are one too many";
        v.write_file(&"x".repeat(4097), b"") => Err(InvalidPath), "longer than any path";
        v.write_file(&"x".repeat(256), b"") => Err(InvalidPath), "longer than any name";
    }
    assert_eq!(fs::read_to_string(home.join(".config/token")).unwrap(), "secret");
}

#[test]
fn names_no_guest_can_spell() {
    let site = Site::new();
    for name in [&b"\xff\xfe"[..], b"line\nbreak", b"e\xcc\x81"] {
        fs::write(site.inside("").join(OsStr::from_bytes(name)), "x").unwrap();
    }
    fs::create_dir(site.inside("").join(OsStr::from_bytes(b"d\xff"))).unwrap();
    fs::write(site.inside("").join(OsStr::from_bytes(b"d\xff/in")), "in").unwrap();
    site.link(OsStr::from_bytes(b"d\xff/in"), "l");
    site.link(OsStr::from_bytes(b"d\xff"), "ld");
    site.put("plain", "");
    let v = site.view();
    cases! {
        v.readdir(".") => Ok(["l", "ld", "plain"].map(str::to_owned).to_vec()), "what cannot be named is not listed";
        v.read_file("l") => Ok(b"in".to_vec()), "a link may lead through it";
        v.canonicalize("l") => Err(InvalidPath), "but where it led cannot be told";
        v.read_link("l") => Err(InvalidPath), "nor what it says";
        v.readdir("ld") => Ok(vec!["in".to_owned()]), "what is in it can be named";
        v.read_file("\u{fffd}\u{fffd}") => Err(NotFound), "the sign for what cannot be read is a name like others";
    }
    fs::create_dir(site.inside("tree")).unwrap();
    fs::write(site.inside("tree").join(OsStr::from_bytes(b"\xff")), "x").unwrap();
    assert_eq!(v.remove_dir_all("tree"), Ok(1), "removing a tree removes what cannot be named as well");
}

#[test]
fn deep_and_wide() {
    let site = Site::new();
    let v = site.view();
    let deep = vec!["d"; 1500].join("/");
    v.mkdir_all(&deep).unwrap();
    v.write_file(&format!("{deep}/f"), b"deep").unwrap();
    v.mkdir("outer").unwrap();
    v.mkdir_all(&format!("outer/{deep}")).unwrap();
    // Moved into one another they are deeper than any path can name.
    v.rename("d", &format!("outer/{deep}/d")).unwrap();
    site.link(vec!["."; 2000].join("/"), "dots");
    site.link(vec!["outer/.."; 400].join("/"), "zigzag");
    for n in 0..50 {
        site.link(format!("c{}", n + 1), &format!("c{n}"));
    }
    cases! {
        v.exists(&format!("outer/{deep}/d/d")) => Ok(true), "a path may be as deep as it is long";
        v.exists("dots") => Ok(true), "dots lead nowhere and cost little";
        v.exists("zigzag") => Ok(true), "going up and down a bit is no attack";
        v.exists("c0") => Err(Access), "more links than any path should have";
        v.exists("c20") => Ok(false), "fewer are followed to their end";
        v.remove_dir_all("outer") => Ok(3001), "deeper than stack or descriptors reach";
    }
    assert!(!site.inside("outer").exists());
}

#[test]
fn removing_a_tree_follows_nothing() {
    let site = Site::new();
    site.put("tree/a/b", "");
    site.put("kept", "kept");
    site.link(site.outside(""), "tree/out");
    site.link("../kept", "tree/in");
    site.link("..", "tree/a/up");
    fifo(&site.inside("tree/pipe"));
    assert_eq!(site.view().remove_dir_all("tree"), Ok(6));
    assert_eq!(fs::read(site.inside("kept")).unwrap(), b"kept");
    site.assert_outside_untouched();
}

#[test]
fn what_the_system_forbids() {
    let site = Site::new();
    site.put("closed/f", "x");
    site.put("read-only", "x");
    fs::set_permissions(site.inside("closed"), fs::Permissions::from_mode(0o000)).unwrap();
    fs::set_permissions(site.inside("read-only"), fs::Permissions::from_mode(0o444)).unwrap();
    // The superuser may do all this; the rule is the system's and not ours.
    let privileged = fs::read(site.inside("closed/f")).is_ok();
    let v = site.view();
    let expected = if privileged { Ok(b"x".to_vec()) } else { Err(Access) };
    assert_eq!(v.read_file("closed/f"), expected, "a folder that may not be entered");
    let expected = if privileged { Ok(()) } else { Err(Access) };
    assert_eq!(
        v.write_file("read-only", b"y"),
        expected,
        "a file that may not be written is not replaced either"
    );
    fs::set_permissions(site.inside("closed"), fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn cancelled_work_ends_early() {
    let site = Site::new();
    let (mut view, cancel) = (site.view(), Cancel::default());
    site.put("f", vec![7; limits::COPY_PIECE_BYTES * 3]);
    site.put("tree/f", "");
    view.cancel = cancel.clone();
    cancel.give();
    assert_eq!(view.copy("f", "g"), Err(Closed));
    assert!(!site.inside("g").exists());
    assert_eq!(view.remove_dir_all("tree"), Err(Closed));
    assert_eq!(view.readdir("tree"), Err(Closed));
    assert_eq!(view.meter.bytes(), 0);
}
