//! `astrid:fs`: paths below the principal's roots, and open files. All of it works on threads that may be blocked.

use std::sync::Arc;

use wasmtime::component::Resource;

use super::bindings::astrid::fs::host::{
    Datetime, ErrorCode, FileStat, FileType, Host, HostFileHandle, OpenMode,
};
use super::call::Verdict;
use super::context::Slot;
use super::holding::Holding;
use super::offload::Job;
use super::ops::{Op, fs};
use super::state::State;
use crate::cancel::Cancel;
use crate::vfs::{self, Budget, FsError, Kind, OpenFile, View};

/// A guest's handle on an open file; dropping it closes the file and frees the capsule's slot.
#[derive(Debug)]
pub struct FileHandle {
    file: Option<Arc<OpenFile>>,
    path: Arc<str>,
    runtime: tokio::runtime::Handle,
    _slot: Slot,
}

impl Drop for FileHandle {
    fn drop(&mut self) {
        // Closing a file of a network file system may take long.
        let file = self.file.take();
        self.runtime.spawn_blocking(move || drop(file));
    }
}

impl From<FsError> for ErrorCode {
    fn from(error: FsError) -> Self {
        match error {
            FsError::NotFound => ErrorCode::NotFound,
            FsError::Access => ErrorCode::Access,
            FsError::CapabilityDenied => ErrorCode::CapabilityDenied,
            FsError::BoundaryEscape => ErrorCode::BoundaryEscape,
            FsError::InvalidPath => ErrorCode::InvalidPath,
            FsError::WouldBlock => ErrorCode::WouldBlock,
            FsError::IsDirectory => ErrorCode::IsDirectory,
            FsError::NotDirectory => ErrorCode::NotDirectory,
            FsError::NotEmpty => ErrorCode::NotEmpty,
            FsError::TooLarge => ErrorCode::TooLarge,
            FsError::Quota => ErrorCode::Quota,
            FsError::CrossVfs => ErrorCode::CrossVfs,
            FsError::AlreadyExists => ErrorCode::AlreadyExists,
            FsError::Closed => ErrorCode::Closed,
            FsError::Fault(text) => ErrorCode::Unknown(text.to_owned()),
        }
    }
}

type Answer<T> = wasmtime::Result<Result<T, ErrorCode>>;

impl State {
    fn budget(&self) -> Budget {
        let quotas = &self.acting.profile().quotas;
        Budget { bytes: quotas.max_storage_bytes, entries: quotas.max_files }
    }

    fn files(&self, unwanted: Cancel) -> View {
        let capsule = &self.capsule;
        let (vfs, may) = (&capsule.host.vfs, &capsule.capabilities);
        View::new(vfs, self.principal(), &capsule.id, may, self.budget(), unwanted)
    }

    /// Does something with the capsule's files.
    async fn with_files<T: Send + 'static>(
        &mut self,
        job: Job,
        tell: fn(&T) -> Verdict,
        work: impl FnOnce(&View) -> Result<T, FsError> + Send + 'static,
    ) -> Answer<T> {
        self.offloaded(job, tell, |state, unwanted| {
            let files = state.files(unwanted);
            move || work(&files).map_err(ErrorCode::from)
        })
        .await
    }

    /// Does something with an open file.
    async fn with_file<T: Send + 'static>(
        &mut self,
        op: &'static Op,
        this: &Resource<FileHandle>,
        content: Option<&Arc<Vec<u8>>>,
        tell: fn(&T) -> Verdict,
        work: impl FnOnce(&OpenFile) -> Result<T, FsError> + Send + 'static,
    ) -> Answer<T> {
        let handle = self.table.get(this)?;
        let (file, mut job) = (handle.file.clone(), Job::on(op, &*handle.path));
        if let Some(content) = content {
            job = job.moving(content);
        }
        self.offloaded(job, tell, |_, _| {
            move || {
                let file = file.as_deref().ok_or(FsError::Closed);
                file.and_then(work).map_err(ErrorCode::from)
            }
        })
        .await
    }
}

fn done<T>(_: &T) -> Verdict {
    Verdict::ALLOWED
}

fn read<B: AsRef<[u8]>>(bytes: &B) -> Verdict {
    Verdict { bytes: bytes.as_ref().len() as u64, ..Verdict::ALLOWED }
}

impl Host for State {
    async fn fs_open(&mut self, path: String, mode: OpenMode) -> Answer<Resource<FileHandle>> {
        let mode = match mode {
            OpenMode::Read => vfs::Mode::Read,
            OpenMode::Write => vfs::Mode::Write,
            OpenMode::Append => vfs::Mode::Append,
            OpenMode::ReadWrite => vfs::Mode::ReadWrite,
        };
        let job = Job::on(&fs::FS_OPEN, &*path);
        let job = if mode == vfs::Mode::Read { job } else { job.needing("fs_write") };
        let name: Arc<str> = Arc::from(&*path);
        let (owner, capsule) = (Arc::clone(&self.owner), Arc::clone(&self.capsule.id));
        let slot = move || owner.take(&capsule, Holding::FileHandles);
        let opened = self.with_files(job, done, move |files| files.open(&path, mode, slot)).await?;
        match opened {
            Ok((file, slot)) => {
                let runtime = self.capsule.host.runtime.clone();
                let handle = FileHandle { file: Some(Arc::new(file)), path: name, runtime, _slot: slot };
                Ok(Ok(self.table.push(handle)?))
            }
            Err(arm) => Ok(Err(arm)),
        }
    }

    async fn fs_exists(&mut self, path: String) -> Answer<bool> {
        self.with_files(Job::on(&fs::FS_EXISTS, &*path), done, move |files| files.exists(&path)).await
    }

    async fn fs_stat(&mut self, path: String) -> Answer<FileStat> {
        let job = Job::on(&fs::FS_STAT, &*path);
        self.with_files(job, done, move |files| files.stat(&path).map(FileStat::from)).await
    }

    async fn fs_stat_symlink(&mut self, path: String) -> Answer<FileStat> {
        let job = Job::on(&fs::FS_STAT_SYMLINK, &*path);
        self.with_files(job, done, move |files| files.stat_symlink(&path).map(FileStat::from)).await
    }

    async fn fs_canonicalize(&mut self, path: String) -> Answer<String> {
        let job = Job::on(&fs::FS_CANONICALIZE, &*path);
        self.with_files(job, done, move |files| files.canonicalize(&path)).await
    }

    async fn fs_read_link(&mut self, path: String) -> Answer<String> {
        let job = Job::on(&fs::FS_READ_LINK, &*path);
        self.with_files(job, done, move |files| files.read_link(&path)).await
    }

    async fn fs_readdir(&mut self, path: String) -> Answer<Vec<String>> {
        self.with_files(Job::on(&fs::FS_READDIR, &*path), done, move |files| files.readdir(&path)).await
    }

    async fn read_file(&mut self, path: String) -> Answer<Vec<u8>> {
        self.with_files(Job::on(&fs::READ_FILE, &*path), read, move |files| files.read_file(&path)).await
    }

    async fn write_file(&mut self, path: String, content: Vec<u8>) -> Answer<()> {
        let content = Arc::new(content);
        let job = Job::on(&fs::WRITE_FILE, &*path).moving(&content);
        self.with_files(job, done, move |files| files.write_file(&path, &content)).await
    }

    async fn fs_append(&mut self, path: String, content: Vec<u8>) -> Answer<()> {
        let content = Arc::new(content);
        let job = Job::on(&fs::FS_APPEND, &*path).moving(&content);
        self.with_files(job, done, move |files| files.append(&path, &content)).await
    }

    async fn fs_copy(&mut self, src: String, dst: String) -> Answer<()> {
        let job = Job::on(&fs::FS_COPY, &*src).to(&*dst);
        self.with_files(job, done, move |files| files.copy(&src, &dst)).await
    }

    async fn fs_rename(&mut self, src: String, dst: String) -> Answer<()> {
        let job = Job::on(&fs::FS_RENAME, &*src).to(&*dst);
        self.with_files(job, done, move |files| files.rename(&src, &dst)).await
    }

    async fn fs_hard_link(&mut self, src: String, link_path: String) -> Answer<()> {
        let job = Job::on(&fs::FS_HARD_LINK, &*src).to(&*link_path);
        self.with_files(job, done, move |files| files.hard_link(&src, &link_path)).await
    }

    async fn fs_unlink(&mut self, path: String) -> Answer<()> {
        self.with_files(Job::on(&fs::FS_UNLINK, &*path), done, move |files| files.unlink(&path)).await
    }

    async fn fs_mkdir(&mut self, path: String) -> Answer<()> {
        self.with_files(Job::on(&fs::FS_MKDIR, &*path), done, move |files| files.mkdir(&path)).await
    }

    async fn fs_mkdir_all(&mut self, path: String) -> Answer<()> {
        self.with_files(Job::on(&fs::FS_MKDIR_ALL, &*path), done, move |files| files.mkdir_all(&path)).await
    }

    async fn fs_remove_dir_all(&mut self, path: String) -> Answer<u64> {
        let job = Job::on(&fs::FS_REMOVE_DIR_ALL, &*path);
        self.with_files(job, done, move |files| files.remove_dir_all(&path)).await
    }
}

impl HostFileHandle for State {
    async fn read_at(&mut self, this: Resource<FileHandle>, offset: u64, max_bytes: u32) -> Answer<Vec<u8>> {
        let work = move |file: &OpenFile| file.read_at(offset, max_bytes);
        self.with_file(&fs::FILE_HANDLE_READ_AT, &this, None, read, work).await
    }

    async fn write_at(&mut self, this: Resource<FileHandle>, offset: u64, data: Vec<u8>) -> Answer<u32> {
        let (data, budget) = (Arc::new(data), self.budget());
        let content = Arc::clone(&data);
        let work = move |file: &OpenFile| file.write_at(offset, &data, budget);
        self.with_file(&fs::FILE_HANDLE_WRITE_AT, &this, Some(&content), done, work).await
    }

    async fn sync_data(&mut self, this: Resource<FileHandle>) -> Answer<()> {
        self.with_file(&fs::FILE_HANDLE_SYNC_DATA, &this, None, done, OpenFile::sync_data).await
    }

    async fn sync_all(&mut self, this: Resource<FileHandle>) -> Answer<()> {
        self.with_file(&fs::FILE_HANDLE_SYNC_ALL, &this, None, done, OpenFile::sync_all).await
    }

    async fn stat(&mut self, this: Resource<FileHandle>) -> Answer<FileStat> {
        let work = |file: &OpenFile| file.stat().map(FileStat::from);
        self.with_file(&fs::FILE_HANDLE_STAT, &this, None, done, work).await
    }

    async fn set_len(&mut self, this: Resource<FileHandle>, size: u64) -> Answer<()> {
        let budget = self.budget();
        let work = move |file: &OpenFile| file.set_len(size, budget);
        self.with_file(&fs::FILE_HANDLE_SET_LEN, &this, None, done, work).await
    }

    async fn drop(&mut self, this: Resource<FileHandle>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl From<vfs::FileStat> for FileStat {
    fn from(stat: vfs::FileStat) -> Self {
        let moment = |at: vfs::Moment| Datetime { seconds: at.seconds, nanoseconds: at.nanoseconds };
        FileStat {
            size: stat.size,
            kind: match stat.kind {
                Kind::Regular => FileType::Regular,
                Kind::Directory => FileType::Directory,
                Kind::Symlink => FileType::Symlink,
                Kind::BlockDevice => FileType::BlockDevice,
                Kind::CharacterDevice => FileType::CharacterDevice,
                Kind::Fifo => FileType::Fifo,
                Kind::Socket => FileType::Socket,
                Kind::Unknown => FileType::TypeUnknown,
            },
            mode: stat.mode,
            modified: stat.modified.map(moment),
            created: stat.created.map(moment),
            accessed: stat.accessed.map(moment),
        }
    }
}
