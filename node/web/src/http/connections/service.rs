//! Counts a connection's requests from their heads to the ends of their answers.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Request, Response, StatusCode};
use tower_service::Service;

use super::Activity;

/// The routes, as one connection calls them.
#[derive(Debug, Clone)]
pub struct Counted<S> {
    inner: S,
    activity: Arc<Activity>,
}

impl<S> Counted<S> {
    pub(super) const fn new(inner: S, activity: Arc<Activity>) -> Self {
        Self { inner, activity }
    }
}

impl<S, B> Service<Request<B>> for Counted<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = Response<Answer>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let open = Open::new(self.activity.clone());
        let answering = self.inner.call(request);
        Box::pin(async move {
            let response = answering.await?;
            if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                open.activity.upgraded.store(true, Ordering::Release);
            }
            Ok(response.map(|body| Answer { body, _open: open }))
        })
    }
}

/// A request that is being answered.
#[derive(Debug)]
struct Open {
    activity: Arc<Activity>,
}

impl Open {
    fn new(activity: Arc<Activity>) -> Self {
        activity.moved_ms.store(activity.now_ms(), Ordering::Release);
        activity.requests.fetch_add(1, Ordering::AcqRel);
        Self { activity }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.activity.idle_since_ms.store(self.activity.now_ms(), Ordering::Release);
        self.activity.requests.fetch_sub(1, Ordering::AcqRel);
    }
}

/// An answer's body, which holds its request open until it is sent or given up.
#[derive(Debug)]
pub struct Answer {
    body: Body,
    _open: Open,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}
