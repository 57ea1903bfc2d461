//! Messages on a connection: a length of four bytes, most significant first, then the content.

use std::io;
use std::mem;

use bytes::{Bytes, BytesMut};

use crate::limits;

/// What a look at the connection found.
#[derive(Debug, PartialEq, Eq)]
pub enum Framed {
    /// One whole message.
    Data(Bytes),
    /// The other side closed the connection or is gone.
    Closed,
    /// No message has begun, or not even its length is whole.
    Pending,
}

/// A message on its way in. What has come of it is kept until the rest comes, however long that takes.
#[derive(Debug, Default)]
pub(super) struct Message {
    header: BytesMut,
    content: BytesMut,
}

/// How far a message is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Whole(Bytes),
    Ended,
    /// Nothing more is there now; with the length of the content once that is known.
    Wants(Option<usize>),
}

const HEADER: usize = 4;

impl Message {
    /// Takes what is there, and never a byte beyond the message.
    pub(super) fn advance(&mut self, mut read: impl FnMut(usize) -> io::Result<Bytes>) -> io::Result<Step> {
        loop {
            let length = self.length()?;
            let missing = match length {
                None => HEADER - self.header.len(),
                Some(length) if self.content.len() == length => {
                    self.header.clear();
                    return Ok(Step::Whole(mem::take(&mut self.content).freeze()));
                }
                // The other side names the length; room is made only for what it sends.
                Some(length) => (length - self.content.len()).min(limits::SOCKET_READ_BYTES),
            };
            match read(missing) {
                Ok(bytes) if bytes.is_empty() => return Ok(Step::Ended),
                Ok(bytes) if length.is_none() => self.header.extend_from_slice(&bytes),
                Ok(bytes) => self.content.extend_from_slice(&bytes),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Step::Wants(length)),
                Err(error) => return Err(error),
            }
        }
    }

    /// The length of the content, once it is known.
    fn length(&self) -> io::Result<Option<usize>> {
        let Ok(header) = <[u8; HEADER]>::try_from(&self.header[..]) else { return Ok(None) };
        match usize::try_from(u32::from_be_bytes(header)) {
            Ok(length) if length <= limits::FRAME_BYTES => Ok(Some(length)),
            _ => Err(io::Error::new(io::ErrorKind::InvalidData, "the message is too long")),
        }
    }

    /// Gives up the message and hands out at most `most` of its bytes as they came: whoever reads without frames
    /// misses nothing.
    pub(super) fn unframe(&mut self, most: usize) -> Bytes {
        let from = if self.header.is_empty() { &mut self.content } else { &mut self.header };
        from.split_to(most.min(from.len())).freeze()
    }

    /// The bytes that [`Self::unframe`] would give, left where they are.
    pub(super) fn peek(&self, most: usize) -> Bytes {
        let both = [&self.header[..], &self.content[..]].concat();
        Bytes::from(both).slice(..most.min(self.header.len() + self.content.len()))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.header.is_empty() && self.content.is_empty()
    }
}

/// A message as it is sent: its length, then its content.
pub(super) fn frame(content: &[u8]) -> Option<Bytes> {
    let length = u32::try_from(content.len()).ok().filter(|_| content.len() <= limits::FRAME_BYTES)?;
    let mut framed = BytesMut::with_capacity(HEADER + content.len());
    framed.extend_from_slice(&length.to_be_bytes());
    framed.extend_from_slice(content);
    Some(framed.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives pieces one after another, and nothing for now between them.
    fn pieces(pieces: &[&[u8]]) -> impl FnMut(usize) -> io::Result<Bytes> {
        let mut waiting: Vec<Bytes> =
            pieces.iter().rev().map(|piece| Bytes::copy_from_slice(piece)).collect();
        let mut dry = false;
        move |most| match waiting.last_mut() {
            Some(_) if dry => {
                dry = false;
                Err(io::ErrorKind::WouldBlock.into())
            }
            Some(piece) => {
                let bytes = piece.split_to(most.min(piece.len()));
                if piece.is_empty() {
                    waiting.pop();
                    dry = true;
                }
                Ok(bytes)
            }
            None => Ok(Bytes::new()),
        }
    }

    #[test]
    fn a_message_in_pieces_is_whole_in_the_end() {
        let mut read = pieces(&[&[0], &[0, 0], &[5, b'h'], b"el", b"lo", &[0, 0, 0, 0]]);
        let mut incoming = Message::default();
        let mut steps = Vec::new();
        loop {
            let step = incoming.advance(&mut read).unwrap();
            let ended = step == Step::Ended;
            steps.push(step);
            if ended {
                break;
            }
        }
        let expected = [
            Step::Wants(None),
            Step::Wants(None),
            Step::Wants(Some(5)),
            Step::Wants(Some(5)),
            Step::Whole(Bytes::from_static(b"hello")),
            Step::Wants(None),
            Step::Whole(Bytes::new()),
            Step::Ended,
        ];
        assert_eq!(steps, expected);
    }

    #[test]
    fn a_length_that_lies_makes_no_room_and_stays_an_error() {
        let mut incoming = Message::default();
        for _ in 0..2 {
            let error = incoming.advance(pieces(&[&[0xff; 4]])).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
        let mut long = Message::default();
        let length = u32::try_from(limits::FRAME_BYTES).unwrap().to_be_bytes();
        assert_eq!(long.advance(pieces(&[&length, b"x"])).unwrap(), Step::Wants(Some(limits::FRAME_BYTES)));
        assert!(long.content.capacity() < 1024);
    }

    #[test]
    fn who_reads_without_frames_misses_nothing() {
        let mut incoming = Message::default();
        incoming.advance(pieces(&[&[0, 0, 0, 9], b"abc"])).unwrap();
        incoming.advance(pieces(&[b"abc"])).unwrap();
        assert_eq!(&incoming.peek(5)[..], &[0, 0, 0, 9, b'a']);
        assert_eq!(&incoming.unframe(3)[..], &[0, 0, 0]);
        assert_eq!(&incoming.unframe(3)[..], &[9]);
        assert_eq!(&incoming.unframe(3)[..], b"abc");
        assert!(incoming.is_empty() && incoming.unframe(3).is_empty());
    }

    #[test]
    fn a_frame_has_its_length_before_it() {
        assert_eq!(&frame(b"ab").unwrap()[..], &[0, 0, 0, 2, b'a', b'b']);
        assert!(frame(&vec![0; limits::FRAME_BYTES + 1]).is_none());
    }
}
