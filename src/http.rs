//! What is served over HTTP: the page, the metrics, the probes, the status as JSON, and the request to reload.
//!
//! Nothing here can touch the controller: it reads the last snapshot from a channel and asks for a reload through
//! another. How many clients there may be and how long they may take is the matter of [`connections`].

mod compress;
mod connections;

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{Html, IntoResponse, Json, Response};
use axum::routing::{get, post};
use baseload_core::model::{Site, TargetId};
use baseload_core::status::Status;
use baseload_core::timetable::Schedules;
use baseload_view::page::{self, View, Wish};
pub(crate) use baseload_view::page::{About, Almanac};
use serde::Serialize;
use tokio::sync::{mpsc, oneshot, watch};

pub(crate) use self::connections::Door;
use self::connections::Limits;
use crate::driver::ReloadRequest;
use crate::metrics::Metrics;

/// Everything that the handlers read.
#[derive(Clone)]
pub(crate) struct Sources {
    /// The last snapshot.
    pub(crate) status: watch::Receiver<Arc<Status>>,
    /// The schedules in force, for the pictures of what is to come.
    pub(crate) schedules: watch::Receiver<Arc<Schedules>>,
    /// Whether the loop ticked within [`LIVE_FOR`].
    pub(crate) is_live: Arc<dyn Fn() -> bool + Send + Sync>,
    /// The pictures that pages share.
    pub(crate) almanac: Arc<Almanac>,
    /// The counters and histograms.
    pub(crate) metrics: Arc<Metrics>,
    /// Where reloads are asked for.
    pub(crate) reload: mpsc::Sender<ReloadRequest>,
    /// What the process is.
    pub(crate) about: Arc<About>,
}

/// How old the last tick may be while the process counts as live, in real time.
pub(crate) const LIVE_FOR: Duration = Duration::from_secs(30);

/// The longest that a client waits for its reload.
const RELOAD_PATIENCE: Duration = Duration::from_secs(120);

/// No handler reads a body; one that is announced larger than this is not even skipped.
const MAX_BODY_BYTES: u64 = 1024;

/// No script, no outside asset, no frame: a page is text and its own style and pictures. Its form asks for another page.
const CONTENT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
     form-action 'self'; frame-ancestors 'none'";

/// Serves until `shutdown` is done, then lets open requests finish for a few seconds.
pub(crate) async fn serve(door: impl Door, sources: Sources, shutdown: impl Future<Output = ()>) {
    connections::serve(door, router(sources), Limits::default(), shutdown).await;
}

fn router(sources: Sources) -> Router {
    Router::new()
        .route("/", get(fleet_page))
        .route("/targets/{cluster}/{service}", get(target_page))
        .route("/targets/{account}/{region}/{cluster}/{service}", get(target_page_elsewhere))
        .route("/metrics", get(metrics))
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/api/v1/status", get(api_status))
        .route("/-/reload", post(reload))
        .with_state(sources)
        .layer(from_fn(compress::gzip))
        .layer(from_fn(guard))
}

/// Refuses large bodies, and says on every answer that it is not to be kept nor guessed at. Whoever sends a body is hung
/// up on: were what follows it nonsense, hyper would write the refusal of that before the rest of the answer.
async fn guard(request: Request, next: Next) -> Response {
    let has_body = !request.body().is_end_stream();
    let mut response = match request.body().size_hint().lower() > MAX_BODY_BYTES {
        true => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
        false => next.run(request).await,
    };
    let headers = response.headers_mut();
    if has_body {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn fleet_page(State(sources): State<Sources>, Query(wish): Query<Wish>) -> Response {
    page(sources, move |view| Some(page::fleet(view, &wish))).await
}

async fn target_page(State(sources): State<Sources>, Path((cluster, service)): Path<(String, String)>) -> Response {
    page_of(sources, TargetId::new(cluster, service)).await
}

type NameElsewhere = (String, String, String, String);

async fn target_page_elsewhere(
    State(sources): State<Sources>,
    Path((account, region, cluster, service)): Path<NameElsewhere>,
) -> Response {
    page_of(sources, TargetId::new(cluster, service).at(Site::new(account, region))).await
}

async fn page_of(sources: Sources, id: TargetId) -> Response {
    page(sources, move |view| page::target(view, &id)).await
}

/// Renders apart from the loop's threads, for thousands of targets take a while; where `render` finds nothing to show,
/// the answer is that there is nothing.
async fn page(sources: Sources, render: impl FnOnce(&View<'_>) -> Option<String> + Send + 'static) -> Response {
    let rendered = tokio::task::spawn_blocking(move || {
        let (status, schedules) = (snapshot(&sources), sources.schedules.borrow().clone());
        let view = View { status: &status, schedules: &schedules, almanac: &sources.almanac, about: &sources.about };
        render(&view).map_or_else(|| (StatusCode::NOT_FOUND, page::missing(&view)), |page| (StatusCode::OK, page))
    });
    match rendered.await {
        Ok((code, page)) => (code, [(header::CONTENT_SECURITY_POLICY, CONTENT_POLICY)], Html(page)).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn metrics(State(sources): State<Sources>) -> Response {
    let pieces = sources.metrics.scrape(snapshot(&sources));
    let body = Body::from_stream(futures_util::stream::unfold(pieces, async |mut pieces| {
        tokio::task::yield_now().await; // the loop comes first, between any two pieces
        pieces.next().map(|piece| (Ok::<_, Infallible>(piece), pieces))
    }));
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], body).into_response()
}

async fn livez(State(sources): State<Sources>) -> Response {
    match (sources.is_live)() {
        true => (StatusCode::OK, "live\n").into_response(),
        false => (StatusCode::SERVICE_UNAVAILABLE, "the loop has not ticked for too long\n").into_response(),
    }
}

async fn readyz(State(sources): State<Sources>) -> Response {
    let status = snapshot(&sources);
    if status.stopping {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    }
    if status.ready {
        return (StatusCode::OK, "ready\n").into_response();
    }
    let missing = match status.configuration.revision {
        None => "no configuration is in force yet\n",
        Some(_) => "not every target was asked for yet\n",
    };
    (StatusCode::SERVICE_UNAVAILABLE, missing).into_response()
}

/// The body of `/api/v1/status`.
#[derive(Serialize)]
struct StatusBody<'a> {
    #[serde(flatten)]
    status: &'a Status,
    #[serde(flatten)]
    about: &'a About,
}

async fn api_status(State(sources): State<Sources>) -> Response {
    let status = snapshot(&sources);
    Json(StatusBody { status: &status, about: &sources.about }).into_response()
}

async fn reload(State(sources): State<Sources>) -> Response {
    let (answer, outcome) = oneshot::channel();
    let done = async {
        sources.reload.send(answer).await.ok()?;
        outcome.await.ok()
    };
    match tokio::time::timeout(RELOAD_PATIENCE, done).await {
        Ok(Some(Ok(()))) => (StatusCode::OK, "reloaded\n").into_response(),
        Ok(Some(Err(diagnostics))) => (StatusCode::INTERNAL_SERVER_ERROR, diagnostics).into_response(),
        Ok(None) => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response(),
        Err(_) => (StatusCode::GATEWAY_TIMEOUT, "the reload is still under way\n").into_response(),
    }
}

/// The last snapshot. The channel is not held while it is rendered.
fn snapshot(sources: &Sources) -> Arc<Status> {
    sources.status.borrow().clone()
}

#[cfg(test)]
mod tests;
