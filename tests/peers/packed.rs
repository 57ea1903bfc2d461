//! Bodies in every coding, honest ones and bombs.

use std::io::Write as _;

use async_compression::tokio::write::{BrotliEncoder, ZstdEncoder};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use tokio::io::AsyncWriteExt as _;

/// What a bomb unpacks to, in bytes.
const BOMB: usize = 32 * 1024 * 1024;

/// `hello` a hundred times.
pub fn hello(coding: &str) -> Vec<u8> {
    pack(coding, "hello".repeat(100).as_bytes())
}

/// Far more zeros than anybody wants.
pub fn bomb(coding: &str) -> Vec<u8> {
    pack(coding, &vec![0; BOMB])
}

fn pack(coding: &str, bytes: &[u8]) -> Vec<u8> {
    let packed = match coding {
        "gzip" => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(bytes).and_then(|()| encoder.finish())
        }
        "deflate" => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(bytes).and_then(|()| encoder.finish())
        }
        // The same name, and no wrapping: some servers mean this.
        "Deflate" => {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(bytes).and_then(|()| encoder.finish())
        }
        "br" => later(async {
            let mut encoder = BrotliEncoder::with_quality(Vec::new(), async_compression::Level::Fastest);
            encoder.write_all(bytes).await?;
            encoder.shutdown().await?;
            Ok(encoder.into_inner())
        }),
        "zstd" => later(async {
            let mut encoder = ZstdEncoder::new(Vec::new());
            encoder.write_all(bytes).await?;
            encoder.shutdown().await?;
            Ok(encoder.into_inner())
        }),
        "gzip, br" => return pack("br", &pack("gzip", bytes)),
        _ => Ok(bytes.to_vec()),
    };
    packed.unwrap_or_default()
}

fn later<T>(work: impl Future<Output = std::io::Result<T>>) -> std::io::Result<T> {
    tokio::runtime::Builder::new_current_thread().build()?.block_on(work)
}
