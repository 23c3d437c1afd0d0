//! Bodies of answers: whole, or read from the store piece by piece as the client takes them.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::task::JoinHandle;

use crate::{Error, Store};

/// The bytes of one piece: a client that does not read holds this much, and not an archive.
const PIECE: usize = 64 << 10;

/// The body of an answer.
pub(super) enum AnswerBody {
    /// In memory; `None` when it was sent.
    Whole(Option<Bytes>),
    /// Of an object in the store.
    Pieces(Pieces),
}

/// Part of an object, of which one piece is in memory at a time.
pub(super) struct Pieces {
    pub(super) store: Arc<dyn Store>,
    pub(super) key: String,
    /// Where the next piece starts, and where the part ends.
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) reading: Option<JoinHandle<Result<Option<Vec<u8>>, Error>>>,
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.get_mut() {
            AnswerBody::Whole(bytes) => {
                let bytes = bytes.take().filter(|bytes| !bytes.is_empty());
                Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
            }
            AnswerBody::Pieces(pieces) => pieces.poll(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            AnswerBody::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            AnswerBody::Pieces(pieces) => pieces.start >= pieces.end,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            AnswerBody::Whole(bytes) => bytes.as_ref().map_or(0, |bytes| bytes.len() as u64),
            AnswerBody::Pieces(pieces) => pieces.end.saturating_sub(pieces.start),
        })
    }
}

impl Pieces {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.start >= self.end {
            return Poll::Ready(None);
        }
        let left = usize::try_from(self.end - self.start).unwrap_or(PIECE).min(PIECE);
        let reading = self.reading.get_or_insert_with(|| {
            let (store, key, start) = (Arc::clone(&self.store), self.key.clone(), self.start);
            tokio::task::spawn_blocking(move || store.read(&key, start, left))
        });
        let read = ready!(Pin::new(reading).poll(context));
        self.reading = None;
        Poll::Ready(Some(match read {
            Ok(Ok(Some(bytes))) if !bytes.is_empty() => {
                self.start += bytes.len() as u64;
                Ok(Frame::data(Bytes::from(bytes)))
            }
            // The headers are sent: to break off is how a client learns of it.
            Ok(Ok(_)) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the object became shorter")),
            Ok(Err(error)) => Err(io::Error::other(error.chain())),
            Err(error) => Err(io::Error::other(error)),
        }))
    }
}
