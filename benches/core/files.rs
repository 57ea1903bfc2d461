//! Whole files, read, written and copied by a guest, beside the standard library.
//!
//! No function of `astrid:fs` hands out a stream of a file, so nothing can be spliced from one file to another; `fs-copy` is
//! what moves a file without its passing through the guest.

use std::fs;
use std::hint::black_box;
use std::path::Path;

use astrid_host::HostOptions;

use crate::measure::{Figure, repeated};
use crate::worker::{Work, Worker};

/// Bytes of a file, what they are called, and how often one trigger does something with it.
const SIZES: [(u32, &str, u32); 2] = [(4 * 1024, "4 KiB", 100), (8 * 1024 * 1024, "8 MiB", 4)];

/// Measures files of 4 KiB and 8 MiB.
pub async fn measure() -> Vec<Figure> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut figures = Vec::new();
    // First, while no thread is lent to a guest's work: one that ends takes what it has used with it.
    for (size, name, _) in SIZES {
        figures.extend(plain(folder.path(), size, name).await);
    }
    let worker = Worker::start(HostOptions::default(), Some(folder.path())).await;
    for (size, name, times) in SIZES {
        worker.work(Work::Write, 1, [size, 0]).await;
        let kinds = [
            ("read-file", "one entry; a thread for what may block", Work::Read),
            ("write-file", "one entry, hashed; a draft that takes the file's place", Work::Write),
            ("fs-copy", "one entry; a draft that takes the file's place", Work::Copy),
        ];
        for (what, includes, work) in kinds {
            figures.push(worker.figure(&format!("{what}, {name}"), includes, work, times, size).await);
        }
    }
    worker.stage.close().await;
    figures.sort_by_key(|figure| !figure.name.ends_with("4 KiB"));
    figures
}

/// The same by the standard library.
async fn plain(folder: &Path, size: u32, name: &str) -> Vec<Figure> {
    let (file, copy) = (folder.join("plain"), folder.join("copied"));
    let content = vec![7; size as usize];
    let write = || async { fs::write(&file, &content).expect("it can be written") };
    let write = repeated(format!("std::fs::write, {name}"), "in place", write).await;
    let read = || async { drop(black_box(fs::read(&file).expect("it is there"))) };
    let read = repeated(format!("std::fs::read, {name}"), "", read).await;
    let copied = || async { assert_eq!(fs::copy(&file, &copy).ok(), Some(size.into())) };
    let copied = repeated(format!("std::fs::copy, {name}"), "in place", copied).await;
    vec![read, write, copied]
}
