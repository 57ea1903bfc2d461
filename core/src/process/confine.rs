//! The moment between fork and exec: what the wrapper does not inherit.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, RawFd};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::fs::{Mode, OFlags, RawDir};
use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};

/// What happens in the child before it becomes the wrapper.
pub(super) struct Confinement {
    /// The descriptors it keeps, beside the three of every program.
    pub keeps: Vec<RawFd>,
}

impl Confinement {
    /// Has `command` confined when it is started.
    #[expect(unsafe_code, reason = "there is no other way into the moment before exec")]
    pub fn apply(self, command: &mut Command) {
        // SAFETY: the closure runs in the child of a fork of a process with threads, where only what takes no lock and
        // allocates nothing may be called. `enter` makes system calls on values of the stack; the buffer of the listing
        // lies on the stack as well; errors are made of numbers.
        unsafe { command.pre_exec(move || self.enter()) };
    }

    fn enter(&self) -> io::Result<()> {
        forget_what_is_ignored();
        self.close_what_leaks()
    }

    /// Has every descriptor closed at exec but those of every program and those that are kept: the embedding program may have
    /// opened some without asking for that.
    fn close_what_leaks(&self) -> io::Result<()> {
        let folder = rustix::fs::open(
            "/proc/self/fd",
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        let mut buffer = [MaybeUninit::<u8>::uninit(); 2048];
        let mut entries = RawDir::new(&folder, &mut buffer);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let Some(number) = number(entry.file_name().to_bytes()) else { continue };
            if number > 2 {
                with(number, |fd| {
                    let flags = fcntl_getfd(fd)?;
                    let flags = if self.keeps.contains(&number) {
                        flags - FdFlags::CLOEXEC
                    } else {
                        flags | FdFlags::CLOEXEC
                    };
                    fcntl_setfd(fd, flags)
                })?;
            }
        }
        Ok(())
    }
}

/// Gives every signal its usual effect: what the embedding program ignores, an interrupt when it runs in the background, its
/// capsules' programs would ignore as well, and outlive a polite request to end.
#[expect(unsafe_code, reason = "only the C library sets what a signal does")]
fn forget_what_is_ignored() {
    for signal in 1..=libc::SIGRTMAX() {
        // SAFETY: it takes numbers alone and is one of the functions that may be called after a fork. It fails for the two
        // signals whose effect is always the usual one, and for the two that the C library keeps to itself.
        let _ = unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

/// The number a name spells, if it spells one; without allocating.
fn number(name: &[u8]) -> Option<RawFd> {
    name.iter().try_fold(0, |number: RawFd, digit| {
        digit.is_ascii_digit().then(|| number.checked_mul(10)?.checked_add(RawFd::from(digit - b'0')))?
    })
}

#[expect(unsafe_code, reason = "a number that was listed becomes a descriptor in no other way")]
fn with<T>(number: RawFd, use_it: impl FnOnce(BorrowedFd<'_>) -> rustix::io::Result<T>) -> io::Result<T> {
    // SAFETY: the number was just listed among this process's open descriptors, and after the fork no other thread runs that
    // could close it.
    let fd = unsafe { BorrowedFd::borrow_raw(number) };
    Ok(use_it(fd)?)
}
