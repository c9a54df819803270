//! The OpenAPI document and the page that shows it, both from the binary: nothing is fetched from elsewhere.

use super::{debug, health, orders};
use crate::error::{Document, Problem};
use crate::store::Store;
use flate2::read::GzDecoder;
use http::{HeaderValue, StatusCode, header};
use std::io::Read;
use std::sync::LazyLock;
use utoipa::OpenApi;
use warp::filters::BoxedFilter;
use warp::reply::Response;
use warp::{Filter, Reply};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Orders",
        description = "A small order service whose every request can be followed through its trace."
    ),
    paths(
        health::show,
        orders::create,
        orders::list,
        orders::find,
        debug::fail,
        debug::panic,
        debug::slow,
        document,
        page,
        file
    )
)]
struct Api;

static DOCUMENT: LazyLock<String> =
    LazyLock::new(|| Api::openapi().to_json().expect("a document made of plain data is JSON"));

/// The page may load what this service serves, and nothing else; Swagger UI carries its pictures inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A file of the page, compressed or not.
struct File {
    name: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
    gzip: bool,
}

static FILES: [File; 3] = [
    File {
        name: "swagger-ui.css",
        content_type: "text/css; charset=utf-8",
        bytes: include_bytes!("../../assets/swagger-ui/swagger-ui.css.gz"),
        gzip: true,
    },
    File {
        name: "swagger-ui-bundle.js",
        content_type: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../../assets/swagger-ui/swagger-ui-bundle.js.gz"),
        gzip: true,
    },
    File {
        name: "docs.js",
        content_type: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../../assets/docs.js"),
        gzip: false,
    },
];

/// This document.
#[utoipa::path(
    get, path = "/openapi.json", tag = "documentation",
    responses((status = 200, body = serde_json::Value, description = "OpenAPI 3.1."))
)]
pub(super) fn document(_: Store) -> BoxedFilter<(Response,)> {
    warp::any().map(|| of_type("application/json", DOCUMENT.as_str())).boxed()
}

/// The page that shows this document.
#[utoipa::path(
    get, path = "/docs", tag = "documentation",
    responses((status = 200, body = String, content_type = "text/html", description = "Swagger UI."))
)]
pub(super) fn page(_: Store) -> BoxedFilter<(Response,)> {
    let page = || {
        let mut response = of_type("text/html; charset=utf-8", include_str!("../../assets/docs.html"));
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        response
    };
    warp::any().map(page).boxed()
}

/// A file of that page.
#[utoipa::path(
    get, path = "/docs/{file}", tag = "documentation",
    params(("file" = String, Path, description = "The file's name.", example = "docs.js")),
    responses(
        (status = 200, body = String, content_type = "text/javascript", description = "The file."),
        (status = 404, body = Document, content_type = "application/problem+json", description = "There is no such file."),
    )
)]
pub(super) fn file(_: Store) -> BoxedFilter<(Response,)> {
    warp::path!("docs" / String)
        .and(warp::header::optional("accept-encoding"))
        .map(|name: String, accepted: Option<String>| serve(&name, &accepted.unwrap_or_default()))
        .map(Reply::into_response)
        .boxed()
}

fn serve(name: &str, accepted: &str) -> Result<Response, Problem> {
    let file = FILES
        .iter()
        .find(|file| file.name == name)
        .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "the page has no such file"))?;
    if !file.gzip {
        return Ok(of_type(file.content_type, file.bytes));
    }
    if !takes_gzip(accepted) {
        return Ok(of_type(file.content_type, unpack(file.bytes)?));
    }
    let mut response = of_type(file.content_type, file.bytes);
    response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Ok(response)
}

fn of_type(content_type: &'static str, body: impl Reply) -> Response {
    let mut response = body.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Whether the header `Accept-Encoding` lists gzip and does not refuse it.
fn takes_gzip(accepted: &str) -> bool {
    accepted.split(',').any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        name.trim().eq_ignore_ascii_case("gzip") && quality.trim() != "q=0"
    })
}

/// For clients that take no compressed answer: curl, unless it is told to.
fn unpack(bytes: &[u8]) -> Result<Vec<u8>, Problem> {
    let mut unpacked = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut unpacked).map_err(|_| Problem::internal("the file is damaged"))?;
    Ok(unpacked)
}
