//! Following a state as it changes, and sharing it between many readers.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_core::Stream;
use tokio::sync::Mutex;

use crate::reader::Reader;
use terrane_value::State;
use terrane_value::{Error, ErrorKind};

/// The longest wait after a fault.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How a state differs from the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// The first state that was seen.
    First,
    /// A later serial of the same lineage.
    Newer {
        /// How many serials came and went unseen between the two.
        skipped: u64,
    },
    /// Other bytes under the same or an earlier serial: someone forced a push or restored an old version.
    Rewritten,
    /// Another lineage took the place of the state; outputs may belong to another network altogether.
    Replaced {
        /// The lineage so far.
        before: String,
    },
}

/// A state, and what changed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Update {
    /// The newest state.
    pub state: Arc<State>,
    /// How it differs from the one before.
    pub change: Change,
}

/// Yields a state each time that it changes; made by [`Reader::watch`].
///
/// As a stream it never ends. An error is yielded once and polling goes on, with longer waits while the fault lasts;
/// faults that pass by themselves are not yielded.
pub struct Watch {
    core: Option<Core>,
    pending: Option<Step>,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

/// What goes on between two updates; it hands the core back.
type Step = Pin<Box<dyn Future<Output = (Core, Result<Update, Error>)> + Send>>;

struct Core {
    reader: Reader,
    interval: Duration,
    last: Option<Arc<State>>,
    faults: u32,
    last_fault: Option<ErrorKind>,
}

impl Reader {
    /// Watches the state, asking every `interval` whether the object is another one.
    ///
    /// A request that finds no change costs no body.
    pub fn watch(&self, interval: Duration) -> Watch {
        let core = Core { reader: self.clone(), interval, last: None, faults: 0, last_fault: None };
        Watch { core: Some(core), pending: None }
    }

    /// Keeps the newest state for many tasks, asking S3 at most once in `max_age`.
    pub fn cache(&self, max_age: Duration) -> Cache {
        Cache { reader: self.clone(), max_age, held: Arc::default() }
    }
}

impl Watch {
    /// Waits for the next change.
    ///
    /// # Errors
    ///
    /// Why the state cannot be read, if that will not pass by itself. Call again to go on.
    pub async fn next(&mut self) -> Result<Update, Error> {
        std::future::poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Update, Error>> {
        if self.pending.is_none() {
            let core = self.core.take().expect("the core is here or in the pending future");
            self.pending = Some(Box::pin(core.step()));
        }
        let pending = self.pending.as_mut().expect("it was just made");
        let Poll::Ready((core, update)) = pending.as_mut().poll(context) else { return Poll::Pending };
        (self.core, self.pending) = (Some(core), None);
        Poll::Ready(update)
    }
}

impl Stream for Watch {
    type Item = Result<Update, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(context).map(Some)
    }
}

impl Core {
    /// Polls until there is something to say.
    async fn step(mut self) -> (Core, Result<Update, Error>) {
        let clock = self.reader.clock();
        loop {
            if self.last.is_some() || self.faults > 0 {
                clock.sleep(self.wait()).await;
            }
            match self.poll_once().await {
                Ok(found) => {
                    (self.faults, self.last_fault) = (0, None);
                    if let Some(state) = found {
                        let update = self.take(state);
                        return (self, Ok(update));
                    }
                }
                Err(error) => {
                    self.faults += 1;
                    tracing::debug!(%error, faults = self.faults, "the state could not be polled");
                    let is_news = self.last_fault.as_ref() != Some(error.kind());
                    self.last_fault = Some(error.kind().clone());
                    if is_news && !error.is_transient() {
                        return (self, Err(error));
                    }
                }
            }
        }
    }

    fn wait(&self) -> Duration {
        let longest = LONGEST_WAIT.max(self.interval);
        self.interval.saturating_mul(1_u32.checked_shl(self.faults.min(16)).unwrap_or(1)).min(longest)
    }

    async fn poll_once(&self) -> Result<Option<State>, Error> {
        match self.last.as_ref().and_then(|last| last.etag()) {
            Some(etag) => self.reader.read_if_changed(etag).await,
            None => self.reader.read().await.map(Some),
        }
    }

    fn take(&mut self, state: State) -> Update {
        let state = Arc::new(state);
        let change = match &self.last {
            None => Change::First,
            Some(last) if last.lineage() != state.lineage() => {
                Change::Replaced { before: last.lineage().to_owned() }
            }
            Some(last) if state.serial() > last.serial() => {
                Change::Newer { skipped: state.serial() - last.serial() - 1 }
            }
            Some(_) => Change::Rewritten,
        };
        self.last = Some(state.clone());
        Update { state, change }
    }
}

/// A state that many tasks share; made by [`Reader::cache`].
#[derive(Clone, Debug)]
pub struct Cache {
    reader: Reader,
    max_age: Duration,
    held: Arc<Mutex<Option<Held>>>,
}

/// When a state was read, and the state.
type Held = (Instant, Arc<State>);

impl Cache {
    /// Returns the state, read again if it is older than allowed. Tasks that ask at once share one request.
    ///
    /// # Errors
    ///
    /// Those of [`Reader::read`], and [`ErrorKind::LineageChanged`] if another state took its place;
    /// the next call returns that one.
    pub async fn get(&self) -> Result<Arc<State>, Error> {
        let mut held = self.held.lock().await;
        let before = match &*held {
            Some((read_at, state)) if read_at.elapsed() < self.max_age => return Ok(state.clone()),
            Some((_, state)) => Some(state.clone()),
            None => None,
        };
        let found = match before.as_ref().and_then(|state| state.etag()) {
            Some(etag) => self.reader.read_if_changed(etag).await?.map(Arc::new),
            None => Some(Arc::new(self.reader.read().await?)),
        };
        let now = match (found, &before) {
            (Some(found), _) => found,
            (None, Some(before)) => before.clone(),
            (None, None) => unreachable!("without a state before, one is read"),
        };
        *held = Some((Instant::now(), now.clone()));
        match before {
            Some(before) if before.lineage() != now.lineage() => {
                let (before, after) = (before.lineage().to_owned(), now.lineage().to_owned());
                Err(now.error(ErrorKind::LineageChanged { before, after }))
            }
            _ => Ok(now),
        }
    }
}
