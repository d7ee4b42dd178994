use crate::driver::{Heartbeat, ReloadRequest};
use std::sync::Arc;
pub(crate) struct About {
    pub(crate) version: String,
    pub(crate) tzdb: String,
    pub(crate) simulator: Option<String>,
}
pub(crate) struct State {
    pub(crate) about: About,
    pub(crate) status: tokio::sync::watch::Receiver<Arc<baseload_core::status::Status>>,
    pub(crate) heartbeat: Heartbeat,
    pub(crate) metrics: Arc<crate::metrics::Metrics>,
    pub(crate) reloads: tokio::sync::mpsc::Sender<ReloadRequest>,
}
pub(crate) async fn serve(_l: tokio::net::TcpListener, _s: State, _f: impl Future<Output = ()>) {}
