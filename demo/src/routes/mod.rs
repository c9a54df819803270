//! The table of routes, and the service made of it.

pub(crate) mod body;
mod debug;
mod docs;
mod edge;
mod health;
mod orders;

use crate::error::Problem;
use crate::store::Store;
pub(crate) use edge::Edge;
use http::{HeaderValue, Method, Request, StatusCode};
use std::convert::Infallible;
use std::error::Error;
use std::future::ready;
use telemetry_runtime::http::TraceService;
use tower_service::Service;
use warp::filters::BoxedFilter;
use warp::path::FullPath;
use warp::reject::{MethodNotAllowed, Reject, Rejection};
use warp::reply::Response;
use warp::{Filter, Reply};

/// One route: which requests it answers, and how.
struct Route {
    method: Method,
    /// The path, with `{name}` for a segment that may be anything.
    template: &'static str,
    /// What answers, once method and path are known to fit.
    endpoint: fn(Store) -> BoxedFilter<(Response,)>,
}

/// Every route there is. The router, the answers 404 and 405, the spans' `http.route` and the test of the OpenAPI document read it.
static ROUTES: [Route; 10] = [
    Route { method: Method::GET, template: "/health", endpoint: health::show },
    Route { method: Method::POST, template: "/orders", endpoint: orders::create },
    Route { method: Method::GET, template: "/orders", endpoint: orders::list },
    Route { method: Method::GET, template: "/orders/{id}", endpoint: orders::find },
    Route { method: Method::GET, template: "/debug/fail", endpoint: debug::fail },
    Route { method: Method::GET, template: "/debug/panic", endpoint: debug::panic },
    Route { method: Method::GET, template: "/debug/slow", endpoint: debug::slow },
    Route { method: Method::GET, template: "/openapi.json", endpoint: docs::document },
    Route { method: Method::GET, template: "/docs", endpoint: docs::page },
    Route { method: Method::GET, template: "/docs/{file}", endpoint: docs::file },
];

/// The whole service: every request gets an answer, and every failed one a problem document.
pub(crate) fn service<B>(
    store: Store,
) -> impl Service<Request<B>, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static
where
    B: hyper::body::Body<Error: Into<Box<dyn Error + Send + Sync>>> + Send + Sync + 'static,
{
    let router = ROUTES
        .iter()
        .map(|route| fits(route).and((route.endpoint)(store.clone())).boxed())
        .reduce(|others, route| others.or(route).unify().boxed())
        .expect("there are routes");
    TraceService::new(Edge::new(warp::service(router.recover(refuse)), allowed), template)
}

/// The template of the route that answers such requests, if there is one.
fn template(method: &Method, path: &str) -> Option<&'static str> {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    ROUTES.iter().find(|route| route.method == method && route.covers(path)).map(|route| route.template)
}

/// The path's methods, as `Allow` names them; every `GET` answers `HEAD` too.
fn allowed(path: &str) -> HeaderValue {
    let methods = ROUTES.iter().filter(|route| route.covers(path)).map(|route| match route.method {
        Method::GET => "GET, HEAD",
        ref other => other.as_str(),
    });
    HeaderValue::try_from(methods.collect::<Vec<_>>().join(", ")).expect("methods are tokens")
}

impl Route {
    /// Whether the path is one of the route's, whatever the method.
    fn covers(&self, path: &str) -> bool {
        let mut segments = path.split('/');
        let fits = self.template.split('/').all(|expected| {
            segments.next().is_some_and(|segment| {
                if is_parameter(expected) { !segment.is_empty() } else { segment == expected }
            })
        });
        fits && segments.next().is_none()
    }
}

fn is_parameter(segment: &str) -> bool {
    segment.starts_with('{')
}

/// Lets the route's own requests through.
fn fits(route: &'static Route) -> impl Filter<Extract = (), Error = Rejection> + Clone {
    let check = move |path: FullPath, method: Method| {
        ready(if !route.covers(path.as_str()) {
            Err(warp::reject::not_found())
        } else if method != route.method {
            Err(warp::reject::custom(OtherMethod))
        } else {
            Ok(())
        })
    };
    warp::path::full().and(warp::method()).and_then(check).untuple_one()
}

/// The path is known, but not with this method.
#[derive(Debug)]
struct OtherMethod;

impl Reject for OtherMethod {}

/// The problem behind a rejection.
pub(crate) async fn refuse(rejection: Rejection) -> Result<Response, Infallible> {
    let problem = if let Some(problem) = rejection.find::<Problem>() {
        problem.clone()
    } else if rejection.find::<OtherMethod>().is_some() || rejection.find::<MethodNotAllowed>().is_some() {
        Problem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "the path does not know this method; `Allow` names those it knows",
        )
    } else if rejection.is_not_found() {
        Problem::new(StatusCode::NOT_FOUND, "nothing is at this path; GET /docs lists what there is")
    } else {
        Problem::new(StatusCode::BAD_REQUEST, "the request cannot be read")
    };
    Ok(problem.into_response())
}

/// A handler's argument that every request shares.
pub(crate) fn with<T: Clone + Send + Sync>(
    shared: T,
) -> impl Filter<Extract = (T,), Error = Infallible> + Clone {
    warp::any().map(move || shared.clone())
}

#[cfg(test)]
mod tests;
