//! The connections of clients, with a limit on everything that a client could hold.
//!
//! `axum::serve` waits for as long as a client likes. Here a client has a time to send the head of a request and a
//! time to take in the answer; heads are short; and where there are too many connections, the oldest that no request
//! is being answered on makes room, so that a crowd of idle sockets keeps nobody out.

use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Sleep;

/// What clients may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Connections at a time.
    pub(super) connections: usize,
    /// From the opening, or from the last answer, to the end of a request's head.
    pub(super) head_patience: Duration,
    /// From the moment at which the client first fails to keep up to the end of the answer.
    pub(super) answer_patience: Duration,
    /// For open requests when stopping.
    pub(super) grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 256,
            head_patience: Duration::from_secs(30),
            answer_patience: Duration::from_secs(30),
            grace: Duration::from_secs(5),
        }
    }
}

/// The longest head of a request, in bytes; a longer one is answered with 431.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// The most headers of a request.
const MAX_HEADERS: usize = 64;

/// The rest after the operating system refused a connection, for instance for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where clients come in.
pub(crate) trait Door {
    /// What a client's bytes come and go over.
    type Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// Waits for the next client.
    fn accept(&mut self) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

impl Door for TcpListener {
    type Stream = TcpStream;

    async fn accept(&mut self) -> io::Result<TcpStream> {
        let (stream, _) = TcpListener::accept(self).await?;
        let _ = stream.set_nodelay(true); // only a delay is lost where that fails
        Ok(stream)
    }
}

/// Accepts clients until `shutdown` is done, then waits for open requests, `grace` at the most.
pub(super) async fn serve(mut door: impl Door, router: Router, limits: Limits, shutdown: impl Future<Output = ()>) {
    let mut shutdown = pin!(shutdown);
    let mut crowd = Crowd { open: VecDeque::new(), tasks: JoinSet::new(), most: limits.connections };
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = door.accept() => accepted,
            () = &mut shutdown => break,
        };
        match accepted {
            Ok(stream) => {
                crowd.admit(|activity| drive(stream, router.clone(), activity, limits, graceful.watcher()));
            }
            Err(error) => {
                tracing::debug!(%error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(door);
    // Whoever is not done by then is cut off when the crowd is dropped.
    let _ = tokio::time::timeout(limits.grace, graceful.shutdown()).await;
}

/// The open connections, the oldest first.
struct Crowd {
    open: VecDeque<Open>,
    tasks: JoinSet<()>,
    most: usize,
}

struct Open {
    activity: Arc<Activity>,
    task: AbortHandle,
}

impl Crowd {
    /// Starts the connection that `drive` makes, unless every other one is busy; then it is dropped unheard.
    fn admit<F: Future<Output = ()> + Send + 'static>(&mut self, drive: impl FnOnce(Arc<Activity>) -> F) {
        if !self.make_room() {
            return;
        }
        let activity = Arc::<Activity>::default();
        let task = self.tasks.spawn(drive(activity.clone()));
        self.open.push_back(Open { activity, task });
    }

    /// Whether there is room for one more, if need be after closing the oldest idle connection.
    fn make_room(&mut self) -> bool {
        while self.tasks.try_join_next().is_some() {}
        self.open.retain(|open| !open.task.is_finished());
        if self.open.len() < self.most {
            return true;
        }
        let idle = self.open.iter().position(|open| open.activity.is_idle());
        let closed = idle.and_then(|at| self.open.remove(at));
        closed.inspect(|open| open.task.abort()).is_some()
    }
}

/// What a connection is doing, as seen from outside its task.
#[derive(Debug, Default)]
struct Activity {
    answering: AtomicBool,
    stalled: AtomicBool,
}

impl Activity {
    /// Whether no request is being answered.
    fn is_idle(&self) -> bool {
        !self.answering.load(Ordering::Relaxed) && !self.stalled.load(Ordering::Relaxed)
    }
}

/// Answers the requests of one connection until either side closes it.
async fn drive<S>(stream: S, router: Router, activity: Arc<Activity>, limits: Limits, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let wire = Wire { stream, activity: activity.clone(), patience: limits.answer_patience, deadline: None };
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let answer = router.call(request);
        let activity = activity.clone();
        async move {
            activity.answering.store(true, Ordering::Relaxed);
            let answer = answer.await;
            activity.answering.store(false, Ordering::Relaxed);
            answer
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_patience)
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(wire), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection was cut off");
    }
}

/// A stream that gives up on a client that does not take in its answer in time: hyper has no such limit.
struct Wire<S> {
    stream: S,
    activity: Arc<Activity>,
    patience: Duration,
    /// Set from the first write that the client held up until everything is written.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<S> Wire<S> {
    /// Passes on what a write came to, or fails it where it waits and the deadline is over.
    fn within_deadline<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            return written;
        }
        self.activity.stalled.store(true, Ordering::Relaxed);
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(self.patience)));
        deadline.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.within_deadline(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.within_deadline(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Comes after the last write of an answer: hyper flushes once its own buffer is empty.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.deadline = None;
        self.activity.stalled.store(false, Ordering::Relaxed);
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
