//! Spans as a collector gets them, over a listener on loopback.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry;

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Default)]
struct Heard {
    bodies: Mutex<Vec<Value>>,
    refuses: AtomicBool,
    rejects: AtomicU64,
}

/// A collector on loopback; it lives as long as its thread, which ends with the test's process.
fn collector() -> (String, Arc<Heard>) {
    let heard = Arc::new(Heard::default());
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    let address = format!("http://{}/v1/traces", socket.local_addr().unwrap());
    let take = async |State(heard): State<Arc<Heard>>, headers: HeaderMap, body: String| {
        if heard.refuses.load(Ordering::SeqCst) {
            return (StatusCode::SERVICE_UNAVAILABLE, String::new());
        }
        assert_eq!(headers["content-type"], "application/json");
        heard.bodies.lock().unwrap().push(serde_json::from_str(&body).unwrap());
        let rejected = heard.rejects.load(Ordering::SeqCst).to_string();
        (StatusCode::OK, json!({ "partialSuccess": { "rejectedSpans": rejected } }).to_string())
    };
    let routes = Router::new().route("/v1/traces", post(take)).with_state(heard.clone());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            axum::serve(tokio::net::TcpListener::from_std(socket).unwrap(), routes).await.unwrap();
        });
    });
    (address, heard)
}

fn traces(address: &str, one_in: u32) -> Traces {
    let settings =
        Settings { address: address.into(), one_in, version: "0.1.0".into(), tenant: "lake".into() };
    Traces::start(&settings).unwrap()
}

/// Does it with spans heard.
fn within(traces: &Traces, work: impl FnOnce()) {
    tracing::subscriber::with_default(registry().with(traces.layer()), work);
    traces.flush(PATIENCE);
}

/// All spans that came, by name.
fn spans(heard: &Heard) -> Vec<Value> {
    let bodies = heard.bodies.lock().unwrap();
    let of = |body: &Value| body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().clone();
    bodies.iter().flat_map(of).collect()
}

#[test]
fn a_collector_gets_the_table_s_spans_with_their_parents_and_nothing_else() {
    let (address, heard) = collector();
    let traces = traces(&address, 1);
    within(&traces, || {
        let request = tracing::debug_span!(target: TARGET, "request", method = "GET", route = "/v1/rounds/{id}", status = tracing::field::Empty, student = "S-17");
        request.in_scope(|| {
            // Between the two stands one that is not told.
            let other = tracing::info_span!("handler", student = "S-17");
            let _held = other.enter();
            tracing::info!(student = "S-17", "a line of the log");
            let inner = tracing::debug_span!(target: TARGET, "optimization", round = 7_u64, handle = "S-17");
            inner.in_scope(|| {});
            drop(tracing::debug_span!(target: TARGET, "unheard", round = 7_u64));
            drop(tracing::debug_span!(target: "aula_trace_of_others", "request", method = "GET"));
        });
        request.record("status", 503_u64);
        drop(request);
        // What is shown by Display or Debug may hold anything.
        drop(tracing::debug_span!(target: TARGET, "duty", duty = %"S-17", failed = true));
        drop(tracing::debug_span!(target: TARGET, "batch", messages = ?"S-17"));
        let long = "x".repeat(500);
        drop(tracing::debug_span!(target: TARGET, "duty", duty = long.as_str(), failed = false));
    });
    let all = spans(&heard);
    let named: Vec<&str> = all.iter().map(|span| span["name"].as_str().unwrap()).collect();
    assert_eq!(named[..4], ["optimization", "GET /v1/rounds/{id}", "duty", "batch"]);
    assert!(!json!(*heard.bodies.lock().unwrap()).to_string().contains("S-17"), "nothing of a student");
    let (inner, request) = (&all[0], &all[1]);
    assert_eq!((&inner["traceId"], &inner["parentSpanId"]), (&request["traceId"], &request["spanId"]));
    assert_eq!(
        (&request["kind"], &request["status"], request.get("parentSpanId")),
        (&json!(2), &json!({"code": 2}), None)
    );
    let attribute = |span: &Value, key: &str| {
        let all = span["attributes"].as_array().unwrap().clone();
        all.into_iter().find(|one| one["key"] == key).map(|one| one["value"].clone())
    };
    assert_eq!(attribute(request, "http.response.status_code"), Some(json!({"intValue": "503"})));
    assert_eq!(attribute(request, "http.route"), Some(json!({"stringValue": "/v1/rounds/{id}"})));
    assert_eq!(attribute(inner, "aula.round"), Some(json!({"intValue": "7"})));
    assert_eq!(
        (attribute(&all[2], "aula.failed"), attribute(&all[2], "aula.duty")),
        (Some(json!({"boolValue": true})), None)
    );
    assert_eq!(attribute(&all[3], "messaging.batch.message_count"), None);
    let word = attribute(&all[4], "aula.duty").unwrap()["stringValue"].as_str().unwrap().len();
    assert_eq!(word, 120, "a word is cut");
    for span in &all {
        let hex = |name: &str, length: usize| {
            let text = span[name].as_str().unwrap();
            assert!(text.len() == length && text.chars().all(|c| c.is_ascii_hexdigit()), "{name} {text}");
        };
        hex("traceId", 32);
        hex("spanId", 16);
        let nanoseconds = |name: &str| span[name].as_str().unwrap().parse::<u128>().unwrap();
        assert!(nanoseconds("startTimeUnixNano") <= nanoseconds("endTimeUnixNano"));
    }
    let resource = heard.bodies.lock().unwrap()[0]["resourceSpans"][0]["resource"]["attributes"].clone();
    let of = |key: &str| {
        resource.as_array().unwrap().iter().find(|one| one["key"] == key).unwrap()["value"]["stringValue"]
            .clone()
    };
    assert_eq!((of("service.name"), of("service.instance.id")), (json!("aula"), json!("lake")));
    assert_eq!(traces.dropped(), 0);
}

#[test]
fn a_collector_that_is_down_costs_a_counted_drop_and_one_that_comes_back_is_told_again() {
    // A port that nobody listens at any more.
    let address = {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/v1/traces", socket.local_addr().unwrap())
    };
    let down = traces(&address, 1);
    let many = QUEUE * 3;
    let begin = Instant::now();
    within(&down, || {
        for height in 0..many as u64 {
            drop(tracing::debug_span!(target: TARGET, "block", height, transactions = 1_u64));
        }
    });
    println!("{many} spans to nobody: {:?}", begin.elapsed());
    assert_eq!(down.dropped(), many as u64, "every one is counted");

    let (address, heard) = collector();
    heard.refuses.store(true, Ordering::SeqCst);
    let back = traces(&address, 1);
    let one = || within(&back, || drop(tracing::debug_span!(target: TARGET, "batch", messages = 3_u64)));
    one();
    assert_eq!((back.dropped(), spans(&heard).len()), (1, 0));
    heard.refuses.store(false, Ordering::SeqCst);
    let mut tries = 1;
    while spans(&heard).is_empty() {
        assert!(begin.elapsed() < PATIENCE * 3, "it is left alone for good");
        std::thread::sleep(Duration::from_millis(50));
        one();
        tries += 1;
    }
    assert_eq!(back.dropped(), tries - 1, "what closed meanwhile is dropped");
    heard.rejects.store(1, Ordering::SeqCst);
    one();
    assert_eq!(back.dropped(), tries, "what it rejects is counted");
}

#[test]
fn one_trace_in_so_many_is_told_whole() {
    let (address, heard) = collector();
    let traces = traces(&address, 4);
    within(&traces, || {
        for _ in 0..400 {
            let outer = tracing::debug_span!(target: TARGET, "request", method = "GET", route = "/");
            outer.in_scope(|| drop(tracing::debug_span!(target: TARGET, "optimization", round = 1_u64)));
        }
    });
    let all = spans(&heard);
    let (inner, outer): (Vec<&Value>, Vec<&Value>) =
        all.iter().partition(|span| span["name"] == "optimization");
    // 100 are expected; fewer than 30 or more than 200 happen less than once in 10^12.
    assert!((30..=200).contains(&outer.len()), "{} of 400", outer.len());
    assert_eq!(inner.len(), outer.len());
    assert!(inner.iter().all(|span| outer.iter().any(|above| above["spanId"] == span["parentSpanId"])));
    assert_eq!(traces.dropped(), 0);
}
