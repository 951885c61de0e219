//! What a collector may answer by HTTP/1.1, and what of it is no answer.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]

#[path = "support/collector.rs"]
mod collector;
#[path = "support/otlp.rs"]
mod otlp;

use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use collector::{Both, Collector, Reply, Wrap};
use tracing_audit::Audit;
use tracing_audit::record::Record;
use tracing_audit::sink::OtlpSink;

/// What the sink makes of an answer to a request without records; `Err` has what it says of it.
fn probe(url: &str) -> Result<(), String> {
    let builder = OtlpSink::builder().endpoint(url).timeout(Duration::from_secs(60));
    let mut sink = builder.build_with(|_| None).unwrap();
    sink.probe().map_err(|error| error.to_string())
}

fn answered(bytes: Vec<u8>) -> Result<(), String> {
    let collector = Collector::start(move |_| (false, Reply::Raw(bytes.clone())));
    let said = probe(&collector.url());
    assert_eq!(collector.calls().len(), 1, "a request is sent once");
    said
}

#[test]
fn an_answer_is_read_whatever_says_where_its_body_ends() {
    for empty in [
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 204 No\r\n\r\n",
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: t\r\n\r\n0\r\nt: 1\r\n\r\n",
    ] {
        answered(empty.into()).unwrap_or_else(|error| panic!("{empty:?}: {error}"));
    }
    for abc in [
        "HTTP/1.1 503 No\r\ncontent-length: 3\r\n\r\nabc",
        "HTTP/1.1 503 No\r\nContent-Length:3\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 503\r\n\r\nabc",
        "HTTP/1.0 503 No\r\n\r\nabc",
        "HTTP/1.1 503 No\r\ntransfer-encoding: Chunked\r\n\r\n2;x=y\r\nab\r\n1\r\nc\r\n0\r\nt: 1\r\n\r\n",
    ] {
        let said = answered(abc.into()).unwrap_err();
        assert!(said.ends_with("answered 503: abc"), "{abc:?}: {said}");
    }
}

#[test]
fn an_answer_that_is_cut_short_or_ambiguous_or_none_at_all_does_not_count() {
    for wrong in [
        "",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\ncontent-length: one\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nlong\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/2 200\r\n\r\n",
        "SSH-2.0-OpenSSH\r\n\r\n",
    ] {
        let said = answered(wrong.into()).expect_err(wrong);
        assert!(
            said.contains("answer") && !said.contains("answered"),
            "{wrong:?}: {said}"
        );
    }
}

#[test]
fn an_answer_that_is_too_long_does_not_count_and_one_that_says_so_is_not_read() {
    let long = |head: &str, part: &str, times: usize| [head, &part.repeat(times)].concat().into_bytes();
    const MEBI: usize = 1 << 20;
    let chunk = ["10000\r\n", &"x".repeat(0x10000), "\r\n"].concat();
    for (wrong, why) in [
        (long("HTTP/1.1 200 OK\r\n", "x: y\r\n", 20_000), "head"),
        (long("HTTP/1.1 200 OK\r\nx: ", "y", 5 * MEBI), "head"),
        (
            long("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n", "", 0),
            "4 MiB",
        ),
        (long("HTTP/1.1 200 OK\r\n\r\n", "x", 5 * MEBI), "4 MiB"),
        (
            long(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
                &chunk,
                80,
            ),
            "4 MiB",
        ),
        (
            long(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n",
                "t: 1\r\n",
                MEBI,
            ),
            "answer",
        ),
    ] {
        let said = answered(wrong).unwrap_err();
        assert!(said.contains(why), "{why}: {said}");
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = Collector::good();
    let location = vec![("location", format!("{}/v1/logs", elsewhere.url()))];
    for status in [301, 302, 303, 307, 308] {
        let location = location.clone();
        let collector =
            Collector::start(move |_| (false, Reply::Answer(status, location.clone(), Vec::new())));
        let said = probe(&collector.url()).unwrap_err();
        assert!(said.contains(&format!("answered {status}")), "{said}");
    }
    assert!(elsewhere.calls().is_empty());
}

/// Counts connections.
fn counting(count: &Arc<AtomicUsize>) -> Box<Wrap> {
    let count = Arc::clone(count);
    Box::new(move |stream: TcpStream| {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(stream) as Box<dyn Both>)
    })
}

#[test]
fn a_connection_is_used_again_unless_its_end_was_stated_or_an_answer_came_that_nobody_asked_for() {
    let ok = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n";
    for (first, connections) in [
        (format!("{ok}\r\n"), 1),
        (format!("{ok}connection: close\r\n\r\n"), 2),
        ("HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned(), 2),
        (format!("{ok}\r\n{ok}\r\n"), 2),
        (format!("{ok}\r\nx"), 2),
    ] {
        let count = Arc::new(AtomicUsize::new(0));
        let mut calls = 0;
        let begin = first.clone();
        let collector = Collector::wrapped(([127, 0, 0, 1], 0).into(), Some(counting(&count)), move |_| {
            calls += 1;
            match calls {
                // As an answer that is held, which leaves the connection open.
                1 => (false, Reply::Hold(begin.clone().into_bytes())),
                _ => (false, Reply::status(503)),
            }
        });
        let mut sink = OtlpSink::builder()
            .endpoint(collector.url())
            .build_with(|_| None)
            .unwrap();
        sink.probe().unwrap_or_else(|error| panic!("{first:?}: {error}"));
        let said = sink.probe().expect_err(&first).to_string();
        assert!(said.contains("answered 503"), "{first:?}: {said}");
        assert_eq!(count.load(Ordering::SeqCst), connections, "{first:?}");
        assert_eq!(collector.calls().len(), 2);
    }
}

#[test]
fn a_sink_that_was_used_within_a_runtime_is_used_and_dropped_there_and_elsewhere() {
    let collector = Collector::good();
    let sink = || {
        OtlpSink::builder()
            .endpoint(collector.url())
            .build_with(|_| None)
            .unwrap()
    };
    let runtimes = [
        tokio::runtime::Builder::new_current_thread().build().unwrap(),
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .unwrap(),
    ];
    for runtime in &runtimes {
        let mut outlives = sink();
        outlives.probe().unwrap();
        runtime.block_on(async {
            outlives.probe().unwrap();
            let mut dropped = sink();
            dropped.probe().unwrap();
        });
        outlives.probe().unwrap();
        runtime.block_on(async { drop(outlives) });
    }
    assert_eq!(collector.calls().len(), 8);
}

#[test]
fn what_a_collector_answers_is_known_while_it_answers_so() {
    const LONG: Duration = Duration::from_secs(60);
    let place = tempfile::tempdir().unwrap();
    let is_open = Arc::new(AtomicBool::new(false));
    let opens = Arc::clone(&is_open);
    let collector = Collector::start(move |_| match opens.load(Ordering::Acquire) {
        true => (true, Reply::ok()),
        false => (false, Reply::status(401)),
    });
    let builder = OtlpSink::builder().endpoint(collector.url());
    let sink = builder.build_with(|_| None).unwrap();
    let audit = Audit::builder().directory(place.path()).sink(sink);
    let audit = audit.diagnostics(|_| {}).start().unwrap();
    audit.submit(Record::builder("good.step").build()).unwrap();
    let trouble = || audit.stats().sinks.remove(0).trouble;
    while trouble().is_none() {
        std::thread::yield_now();
    }
    assert!(trouble().unwrap().contains("401"), "{:?}", trouble());
    let error = audit.flush(Duration::from_millis(20)).unwrap_err().to_string();
    assert!(
        error.contains("wait for sink `otlp` (") && error.contains("401"),
        "{error}"
    );
    is_open.store(true, Ordering::Release);
    audit.flush(LONG).unwrap();
    assert_eq!(trouble(), None);
    audit.shutdown(LONG).unwrap();
}

#[test]
fn at_the_end_of_a_trail_a_second_that_a_collector_named_is_waited_for_and_nothing_is_missed() {
    const LONG: Duration = Duration::from_secs(60);
    for has_journal in [true, false] {
        let place = tempfile::tempdir().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let collector = Collector::start(move |_| match count.fetch_add(1, Ordering::AcqRel) {
            0 => {
                let busy = "HTTP/1.1 429 Busy\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n";
                (false, Reply::Raw(busy.into()))
            }
            _ => (true, Reply::ok()),
        });
        let builder = OtlpSink::builder().endpoint(collector.url());
        let sink = builder.build_with(|_| None).unwrap();
        let audit = Audit::builder().sink(sink).diagnostics(|_| {});
        let audit = match has_journal {
            true => audit.directory(place.path()),
            false => audit.without_journal(),
        };
        let audit = audit.start().unwrap();
        audit.submit(Record::builder("good.step").build()).unwrap();
        while audit.stats().sinks.remove(0).trouble.is_none() {
            std::thread::yield_now();
        }
        audit.shutdown(LONG).unwrap();
        assert_eq!(audit.stats().sinks.remove(0).missed, 0);
        let taken = collector.calls().into_iter().skip(1);
        let events: Vec<String> = taken
            .flat_map(|call| call.records)
            .map(|held| held.record.event_name)
            .collect();
        assert!(
            events.contains(&"good.step".to_owned()),
            "{has_journal} {events:?}"
        );
    }
}
