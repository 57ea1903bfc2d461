//! A line of a guest's log, as C sees it.

use std::ffi::c_char;
use std::time::UNIX_EPOCH;

use ::astrid_host::logs::LogLine;

use crate::question::{Shown, Texts, size_of_struct};

/// What a capsule logged. Every text is borrowed until the callback returns.
#[repr(C)]
pub struct astrid_log_line {
    /// The size of this struct in the library that runs; later versions append fields.
    pub struct_size: u32,
    /// Which capsule logged it.
    pub capsule: *const c_char,
    /// For whom the capsule acted.
    pub principal: *const c_char,
    /// `trace`, `debug`, `info`, `warn` or `error`.
    pub level: *const c_char,
    /// One line of text; control and bidirectional characters are made visible.
    pub message: *const c_char,
    /// When, in milliseconds since 1970.
    pub time_ms: u64,
    /// 0 for what a capsule logged. Otherwise the line is the host's own, and stands where so many lines were lost.
    pub lost: u64,
}

impl Shown for LogLine {
    type View = astrid_log_line;

    fn show(&self, with: impl FnOnce(*const Self::View)) {
        let mut texts = Texts::default();
        let since = self.time.duration_since(UNIX_EPOCH).unwrap_or_default();
        with(&astrid_log_line {
            struct_size: size_of_struct::<Self::View>(),
            capsule: texts.keep(&self.owner.capsule),
            principal: texts.keep(self.owner.principal.as_str()),
            level: texts.keep(self.level.name()),
            message: texts.keep(&self.message),
            time_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
            lost: self.lost,
        });
    }
}
