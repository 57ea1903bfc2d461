//! Files under three roots: the embedding program's workspace, and each principal's home and scratch folder.
//!
//! Every call begins at a held descriptor of its root and walks down name by name (`walk`), so what it decides about is
//! what it has opened, never a path that could mean something else a moment later. Where a path led is judged against
//! the capsule's patterns before anything is said about what is there.
//!
//! ```text
//! home/home/<principal>/             home://, without .config and .local, which are the host's
//! home/home/<principal>/.local/tmp/  tmp://
//! home/overlay/                      what was changed of the workspace in `WorkspaceMode::Overlay`
//! ```
//!
//! Everything here blocks the calling thread and belongs on one that may be blocked.

mod error;
mod file;
mod look;
mod meter;
mod node;
mod overlay;
mod path;
mod places;
mod root;
mod second_names;
mod stat;
mod tree;
mod view;
mod walk;
mod write;

#[cfg(test)]
mod tests;

pub use error::FsError;
pub use file::{Mode, OpenFile};
pub use meter::{Budget, Meter};
pub use path::{GuestPath, Scheme};
pub use places::{Vfs, WorkspaceMode};
pub use stat::{FileStat, Kind, Moment};
pub use view::View;
