//! The filter of system calls that a child runs under, as the program the kernel interprets.
//!
//! It lists what is denied: everything that reaches other processes, the kernel's keys, mounts, namespaces, modules, clocks,
//! or that is a large and young surface. The capabilities that most of it needs are gone as well; the filter also takes
//! what needs none.

use std::collections::BTreeMap;

use seccompiler::{
    SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

const EPERM: u32 = 1;
const ENOSYS: u32 = 38;
/// Programs that know it fall back to `clone`, whose flags a filter can read.
const CLONE3: u32 = 435;

/// The families of sockets that a child may make: local, IPv4, IPv6, and the kernel's own answers about interfaces.
const FAMILIES: [u64; 4] = [1, 2, 10, 16];
/// Every flag of `clone` that makes a namespace.
const NAMESPACES: [u64; 8] =
    [0x2000_0000, 0x0002_0000, 0x0800_0000, 0x4000_0000, 0x1000_0000, 0x0400_0000, 0x0200_0000, 0x0000_0080];
/// Pushes characters into a terminal, and the selection of a console.
const TIOCSTI: u64 = 0x5412;
const TIOCLINUX: u64 = 0x541C;

/// Alike on every architecture: rings of calls, mounts by descriptor, taking descriptors and advice to others.
const YOUNG: [i64; 14] = [425, 426, 427, 428, 429, 430, 431, 432, 433, 438, 440, 442, 443, 447];

#[cfg(target_arch = "x86_64")]
mod numbers {
    pub const ARCH: seccompiler::TargetArch = seccompiler::TargetArch::x86_64;
    pub const CLONE: i64 = 56;
    pub const SOCKET: i64 = 41;
    pub const IOCTL: i64 = 16;
    /// ptrace, syslog, personality, ustat, vhangup, `modify_ldt`, `pivot_root`, sysctl, adjtimex, chroot, acct, settimeofday, mount,
    /// umount2, swapon, swapoff, reboot, sethostname, setdomainname, iopl, ioperm, modules, quotactl, nfsservctl,
    /// `lookup_dcookie`, `clock_settime`, kexec, keys, `migrate_pages`, unshare, `move_pages`, `perf_event_open`, `fanotify_init`,
    /// handles of files, `clock_adjtime`, setns, memory of other processes, kcmp, `finit_module`, `kexec_file_load`, bpf, userfaultfd.
    pub const DENIED: &[i64] = &[
        101, 103, 135, 136, 153, 154, 155, 156, 159, 161, 163, 164, 165, 166, 167, 168, 169, 170, 171, 172,
        173, 174, 175, 176, 177, 178, 179, 180, 212, 227, 246, 248, 249, 250, 256, 272, 279, 298, 300, 303,
        304, 305, 308, 310, 311, 312, 313, 320, 321, 323,
    ];
}

#[cfg(target_arch = "aarch64")]
mod numbers {
    pub const ARCH: seccompiler::TargetArch = seccompiler::TargetArch::aarch64;
    pub const CLONE: i64 = 220;
    pub const SOCKET: i64 = 198;
    pub const IOCTL: i64 = 29;
    /// The same calls under this architecture's numbers.
    pub const DENIED: &[i64] = &[
        18, 39, 40, 41, 42, 51, 58, 60, 89, 92, 97, 104, 105, 106, 112, 116, 117, 142, 161, 162, 170, 171,
        217, 218, 219, 224, 225, 238, 239, 241, 262, 264, 265, 266, 268, 270, 271, 272, 273, 280, 282, 294,
    ];
}

/// The program, as bubblewrap reads it.
///
/// # Errors
/// A mistake in the tables of this file.
pub(super) fn program() -> Result<Vec<u8>, seccompiler::Error> {
    let arch: TargetArch = numbers::ARCH;
    let denied = SeccompAction::Errno(EPERM);
    let listed = SeccompFilter::new(rules()?, SeccompAction::Allow, denied, arch)?;
    let listed: seccompiler::BpfProgram = listed.try_into()?;
    let mut bytes = Vec::new();
    let mut put = |code: u16, jt: u8, jf: u8, k: u32| {
        bytes.extend_from_slice(&code.to_ne_bytes());
        bytes.extend_from_slice(&[jt, jf]);
        bytes.extend_from_slice(&k.to_ne_bytes());
    };
    let (load, at_least, equals, answer) = (0x20, 0x35, 0x15, 0x06);
    let errno = |number: u32| 0x0005_0000 | number;
    put(load, 0, 0, 0);
    // On this architecture the same calls have second numbers that no list below holds.
    #[cfg(target_arch = "x86_64")]
    {
        put(at_least, 0, 1, 0x4000_0000);
        put(answer, 0, 0, errno(ENOSYS));
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at_least;
    put(equals, 0, 1, CLONE3);
    put(answer, 0, 0, errno(ENOSYS));
    for one in &listed {
        put(one.code, one.jt, one.jf, one.k);
    }
    Ok(bytes)
}

fn rules() -> Result<BTreeMap<i64, Vec<SeccompRule>>, seccompiler::Error> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        numbers::DENIED.iter().chain(&YOUNG).map(|&number| (number, Vec::new())).collect();
    let word = SeccompCmpArgLen::Dword;
    let rule = |argument, how, value| {
        SeccompRule::new(vec![SeccompCondition::new(argument, word.clone(), how, value)?])
    };
    let flags = NAMESPACES.iter().map(|&flag| rule(0, SeccompCmpOp::MaskedEq(flag), flag));
    rules.insert(numbers::CLONE, flags.collect::<Result<_, _>>()?);
    let pushes = [TIOCSTI, TIOCLINUX].into_iter().map(|request| rule(1, SeccompCmpOp::Eq, request));
    rules.insert(numbers::IOCTL, pushes.collect::<Result<_, _>>()?);
    let other =
        FAMILIES.iter().map(|&family| SeccompCondition::new(0, word.clone(), SeccompCmpOp::Ne, family));
    rules.insert(numbers::SOCKET, vec![SeccompRule::new(other.collect::<Result<_, _>>()?)?]);
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_whole_instructions_and_refuses_clone3_first() {
        let program = program().unwrap();
        assert_eq!(program.len() % 8, 0);
        assert!(program.len() / 8 < 4096, "the kernel takes no more");
        assert!(program.windows(4).any(|word| word == CLONE3.to_ne_bytes()));
    }
}
