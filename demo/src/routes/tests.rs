//! Every route with every method and with bodies that are wrong, called without a socket.

use super::*;
use http::header;
use http_body_util::BodyExt;
use serde_json::{Value, json};

struct Answer {
    status: u16,
    headers: http::HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// The problem document, which every failed request's answer must be.
    fn problem(&self) -> Value {
        assert_eq!(self.header(header::CONTENT_TYPE), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        assert_eq!(problem["type"], "about:blank");
        assert!(!problem["title"].as_str().expect("a title").is_empty());
        problem
    }
}

fn demo() -> Store {
    Store::open(None).expect("a temporary store")
}

async fn call(store: &Store, request: http::request::Builder, body: impl Into<String>) -> Answer {
    let request = request.body(body.into()).expect("a request");
    let Ok(response) = service(store.clone()).call(request).await;
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("a whole body").to_bytes().to_vec();
    Answer { status: head.status.as_u16(), headers: head.headers, body }
}

async fn get(store: &Store, path: &str) -> Answer {
    call(store, Request::get(path), "").await
}

async fn post(store: &Store, body: impl Into<String>) -> Answer {
    call(store, Request::post("/orders").header(header::CONTENT_TYPE, "application/json"), body).await
}

/// The template as a path that a client would ask for.
fn path_of(template: &str) -> String {
    template.replace("{id}", "1").replace("{file}", "docs.js")
}

#[tokio::test]
async fn health_is_ok() {
    let answer = get(&demo(), "/health").await;

    assert_eq!(answer.status, 200);
    assert_eq!(answer.json(), json!({"status": "ok"}));
}

#[tokio::test]
async fn a_placed_order_is_found_where_its_location_says() {
    let store = demo();

    let placed = post(&store, r#"{"item": "tea", "quantity": 2}"#).await;

    assert_eq!(placed.status, 201);
    assert_eq!(placed.json()["item"], "tea");
    assert_eq!(placed.json()["quantity"], 2);
    let found = get(&store, placed.header(header::LOCATION)).await;
    assert_eq!(found.status, 200);
    assert_eq!(found.json(), placed.json());
}

#[tokio::test]
async fn orders_are_listed_in_pages_that_lead_to_each_other() {
    let store = demo();
    for item in ["a", "b", "c"] {
        post(&store, json!({"item": item, "quantity": 1}).to_string()).await;
    }

    let first = get(&store, "/orders?limit=2").await.json();
    let second = get(&store, first["next"].as_str().expect("a next page")).await.json();

    let items =
        |page: &Value| page["orders"].as_array().expect("orders").iter().map(|o| o["item"].clone()).collect();
    let (first_items, second_items): (Vec<Value>, Vec<Value>) = (items(&first), items(&second));
    assert_eq!(first_items, ["a", "b"]);
    assert_eq!(second_items, ["c"]);
    assert_eq!(second.get("next"), None);
}

#[tokio::test]
async fn wrong_queries_name_the_parameter() {
    let store = demo();
    let wrong = [
        ("/orders?limit=0", "limit"),
        ("/orders?limit=101", "limit"),
        ("/orders?limit=ten", "limit"),
        ("/orders?limit=", "limit"),
        ("/orders?limit=1&limit=2", "limit"),
        ("/orders?offset=-1", "offset"),
        ("/orders?offset=1000001", "offset"),
        ("/orders?page=2", "page"),
        ("/debug/slow?ms=10001", "ms"),
        ("/debug/slow?seconds=1", "seconds"),
    ];
    for (path, field) in wrong {
        let answer = get(&store, path).await;
        assert_eq!(answer.status, 422, "{path}");
        assert_eq!(answer.problem()["errors"][0]["field"], field, "{path}");
    }
}

#[tokio::test]
async fn wrong_orders_name_every_wrong_field() {
    let store = demo();
    let long = "x".repeat(201);
    let wrong = [
        (json!({"item": "", "quantity": 1}), vec!["item"]),
        (json!({"item": long, "quantity": 1}), vec!["item"]),
        (json!({"item": 7, "quantity": 1}), vec!["item"]),
        (json!({"item": "tea", "quantity": 0}), vec!["quantity"]),
        (json!({"item": "tea", "quantity": 1001}), vec!["quantity"]),
        (json!({"item": "tea", "quantity": "2"}), vec!["quantity"]),
        (json!({"item": "tea", "quantity": 2, "price": 1}), vec!["price"]),
        (json!({}), vec!["item", "quantity"]),
    ];
    for (body, fields) in wrong {
        let answer = post(&store, body.to_string()).await;
        assert_eq!(answer.status, 422, "{body}");
        let problem = answer.problem();
        let named: Vec<&Value> =
            problem["errors"].as_array().expect("errors").iter().map(|e| &e["field"]).collect();
        assert_eq!(named, fields, "{body}");
    }
    assert_eq!(get(&store, "/orders").await.json()["orders"], json!([]));
}

#[tokio::test]
async fn json_that_is_no_object_is_refused() {
    for body in ["[]", "3", "null", "\"tea\""] {
        assert_eq!(post(&demo(), body).await.problem()["status"], 422, "{body}");
    }
}

#[tokio::test]
async fn malformed_json_is_refused_with_its_position() {
    for (body, position) in
        [("{\"item\": }", "line 1 column 10"), ("{\n\"item\"", "line 2 column 6"), ("", "line 1 column 0")]
    {
        let answer = post(&demo(), body).await;
        assert_eq!(answer.status, 400, "{body}");
        let detail = answer.problem()["detail"].as_str().expect("a detail").to_owned();
        assert!(detail.ends_with(position), "{detail}");
    }
}

#[tokio::test]
async fn bodies_beyond_16_kib_are_refused() {
    let fits = format!("{{\"item\": \"tea\", \"quantity\": 1{}}}", " ".repeat(16 * 1024 - 30));
    assert_eq!(fits.len(), 16 * 1024);
    assert_eq!(post(&demo(), fits.clone()).await.status, 201);

    let too_large = post(&demo(), fits + " ").await;

    assert_eq!(too_large.status, 413);
    too_large.problem();
}

#[tokio::test]
async fn only_json_is_taken() {
    let store = demo();
    let order = r#"{"item": "tea", "quantity": 2}"#;
    for (content_type, status) in [
        ("application/json", 201),
        ("Application/JSON; charset=utf-8", 201),
        ("text/plain", 415),
        ("application/jsonl", 415),
        ("", 415),
    ] {
        let request = Request::post("/orders").header(header::CONTENT_TYPE, content_type);
        assert_eq!(call(&store, request, order).await.status, status, "{content_type}");
    }
    call(&store, Request::post("/orders"), order).await.problem();
}

#[tokio::test]
async fn numbers_that_name_no_order_are_not_found() {
    for id in ["1", "-1", "tea", "99999999999999999999", "%00"] {
        let answer = get(&demo(), &format!("/orders/{id}")).await;
        assert_eq!(answer.status, 404, "{id}");
        assert_eq!(answer.problem()["detail"], "there is no order of that number", "{id}");
    }
}

#[tokio::test]
async fn unknown_paths_are_not_found() {
    for path in
        ["/", "/order", "/orders/", "/orders/1/2", "//health", "/docs/", "/docs/../health", "/docs/secret"]
    {
        let answer = get(&demo(), path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.problem()["instance"], path);
    }
}

#[tokio::test]
async fn every_path_refuses_the_methods_it_does_not_know_and_names_those_it_does() {
    let store = demo();
    for route in &ROUTES {
        let path = path_of(route.template);
        let known = allowed(&path);
        let known = known.to_str().expect("text");
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PURGE"] {
            if known.split(", ").any(|name| name == method) {
                continue;
            }
            let answer = call(&store, Request::builder().method(method).uri(&path), "").await;
            assert_eq!(answer.status, 405, "{method} {path}");
            assert_eq!(answer.header(header::ALLOW), known, "{method} {path}");
            answer.problem();
        }
    }
    assert_eq!(allowed("/orders"), "POST, GET, HEAD");
    assert_eq!(allowed("/orders/1"), "GET, HEAD");
}

#[tokio::test]
async fn head_answers_like_get() {
    let store = demo();
    for route in ROUTES.iter().filter(|route| route.method == Method::GET) {
        let path = path_of(route.template);
        let head = call(&store, Request::head(&path), "").await;
        assert_eq!(head.status, get(&store, &path).await.status, "{path}");
    }
}

#[tokio::test]
async fn a_failure_is_a_problem() {
    let answer = get(&demo(), "/debug/fail").await;

    assert_eq!(answer.status, 500);
    assert_eq!(answer.problem()["detail"], "the card was declined");
}

#[tokio::test]
async fn a_panic_is_a_problem_and_the_service_lives_on() {
    let store = demo();

    let answer = get(&store, "/debug/panic").await;

    assert_eq!(answer.status, 500);
    answer.problem();
    assert_eq!(get(&store, "/health").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_takes_as_long_as_asked() {
    let start = tokio::time::Instant::now();

    let answer = get(&demo(), "/debug/slow?ms=700").await;

    assert_eq!(answer.json(), json!({"slept_ms": 700}));
    assert_eq!(start.elapsed().as_millis(), 700);
}

#[tokio::test]
async fn the_document_lists_exactly_the_routes_of_the_table() {
    let document = get(&demo(), "/openapi.json").await.json();

    assert!(document["openapi"].as_str().expect("a version").starts_with("3.1."));
    let paths = document["paths"].as_object().expect("paths");
    let mut documented: Vec<String> = paths
        .iter()
        .flat_map(|(path, item)| {
            item.as_object()
                .expect("an item")
                .keys()
                .map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    let mut known: Vec<String> =
        ROUTES.iter().map(|route| format!("{} {}", route.method, route.template)).collect();
    documented.sort();
    known.sort();
    assert_eq!(documented, known);
}

#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere() {
    let store = demo();
    let page = get(&store, "/docs").await;
    let html = String::from_utf8(page.body.clone()).expect("text");

    assert!(page.header(header::CONTENT_SECURITY_POLICY).starts_with("default-src 'none'"));
    assert!(!html.contains("://"), "{html}");
    let loaded: Vec<&str> = html.split(['"']).filter(|part| part.starts_with('/')).collect();
    assert_eq!(loaded.len(), 4);
    for path in loaded {
        assert_eq!(get(&store, path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn the_page_s_files_come_compressed_only_where_that_is_understood() {
    let store = demo();
    let ask = |accepted| Request::get("/docs/swagger-ui.css").header(header::ACCEPT_ENCODING, accepted);
    for (accepted, encoding) in [("gzip, br", "gzip"), ("br", ""), ("gzip;q=0", "")] {
        let answer = call(&store, ask(accepted), "").await;
        assert_eq!(answer.header(header::CONTENT_ENCODING), encoding, "{accepted}");
        assert_eq!(answer.body.starts_with(b".swagger-ui"), encoding.is_empty(), "{accepted}");
    }
}
