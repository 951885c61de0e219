//! What a collector's answer means for the records of a request.

use std::time::Duration;

use super::headers::Headers;
use super::wire::{Field, Fields};

/// An answer over HTTP.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// In lower case; empty where none was stated.
    pub(super) content_type: String,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Vec<u8>,
    /// Whether the body is compressed, although nobody asked for that.
    pub(super) is_encoded: bool,
}

impl Answer {
    pub(super) fn of(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }
}

/// What becomes of the records of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The receiver has them, but for so many that it will never take.
    Taken { refused: u64, why: String },
    /// It will not take them together. Which of them are at fault shows when they are sent in smaller parts.
    Split(String),
    /// It will not take so many at once; a single one is tried again later. Only gRPC has such an answer.
    #[cfg_attr(not(feature = "otlp-grpc"), expect(dead_code, reason = "an answer of gRPC"))]
    Fewer(String),
    /// It may take them later.
    Later { after: Option<Duration>, why: String },
    /// It takes nothing before somebody has looked at it.
    Person(String),
}

impl Verdict {
    /// What an answer over HTTP to a request with these headers means.
    pub(super) fn of(answer: &Answer, headers: &Headers) -> Self {
        let status = answer.status;
        let why = || match text(answer).map(|text| said(&text, headers)) {
            Some(said) if !said.is_empty() => format!("the collector answered {status}: {said}"),
            _ => format!("the collector answered {status}"),
        };
        match status {
            200..300 => accepted(answer),
            400 | 413 | 422 => Self::Split(why()),
            408 | 429 | 500.. => Self::Later {
                after: answer.retry_after,
                why: why(),
            },
            401 | 403 => Self::Person(format!("{}; check the credentials in the headers", why())),
            404 | 405 => Self::Person(format!("{}; check the path of the endpoint", why())),
            _ => Self::Person(why()),
        }
    }
}

/// What an answer says in words.
fn text(answer: &Answer) -> Option<String> {
    let is_message = answer.content_type.starts_with("application/x-protobuf");
    match status_message(&answer.body).filter(|_| is_message) {
        Some(message) => Some(message),
        None if is_message || answer.is_encoded => None,
        None => Some(String::from_utf8_lossy(&answer.body).into_owned()),
    }
}

/// The beginning of what a receiver said, for people; without the values of headers, which some repeat.
pub(super) fn said(text: &str, headers: &Headers) -> String {
    const MOST: usize = 200;
    let text: String = headers
        .hidden_in(text)
        .chars()
        .take(MOST)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    text.trim().to_owned()
}

/// The message of a `google.rpc.Status`.
pub(super) fn status_message(body: &[u8]) -> Option<String> {
    let mut message = None;
    for field in Fields::of(body) {
        if let (2, Field::Bytes(text)) = field? {
            message = Some(String::from_utf8_lossy(text).into_owned());
        }
    }
    message
}

/// What a status of success means: a proxy, or a server that is no collector, may have given it.
fn accepted(answer: &Answer) -> Verdict {
    let not_ours = |what: &str| Verdict::Later {
        after: None,
        why: format!(
            "the collector answered {} with {what}: is something else listening there?",
            answer.status
        ),
    };
    if answer.body.is_empty() {
        return Verdict::Taken {
            refused: 0,
            why: String::new(),
        };
    }
    if answer.is_encoded {
        return not_ours("a compressed body that nobody asked for");
    }
    let kind = answer.content_type.split(';').next().unwrap_or_default().trim();
    match kind {
        "application/x-protobuf" | "application/protobuf" | "" => match partial(&answer.body) {
            Some((refused, why)) => Verdict::Taken { refused, why },
            None => not_ours("a body that is no ExportLogsServiceResponse"),
        },
        "application/json" => match json(&answer.body) {
            Some((refused, why)) => Verdict::Taken { refused, why },
            None => not_ours("JSON that is no ExportLogsServiceResponse"),
        },
        other => not_ours(&format!(
            "content of type `{}`",
            other.chars().take(80).collect::<String>()
        )),
    }
}

/// How many records an `ExportLogsServiceResponse` says were refused, and why; `None` where it is none.
pub(super) fn partial(body: &[u8]) -> Option<(u64, String)> {
    let (mut refused, mut why) = (0, String::new());
    for field in Fields::of(body) {
        let partial = match field? {
            (1, Field::Bytes(partial)) => partial,
            // Another message: that of an error begins with the number of its code.
            (1, _) => return None,
            _ => continue,
        };
        for field in Fields::of(partial) {
            match field? {
                // An `int64`: a negative number of records is none.
                (1, Field::Number(number)) => refused = u64::try_from(number as i64).unwrap_or(0),
                (2, Field::Bytes(text)) => why = std::str::from_utf8(text).ok()?.to_owned(),
                (1 | 2, _) => return None,
                _ => {}
            }
        }
    }
    Some((refused, why))
}

/// The same, in OTLP's JSON, where numbers of 64 bits are texts. Names as protobuf has them are not OTLP's, but some write
/// them, and what they say of records must not be overlooked. An object of nothing but other names is something else: so
/// does a gateway say that nobody is logged in.
fn json(body: &[u8]) -> Option<(u64, String)> {
    let answer: serde_json::Value = serde_json::from_slice(body).ok()?;
    let answer = answer.as_object()?;
    let Some(partial) = answer
        .get("partialSuccess")
        .or_else(|| answer.get("partial_success"))
    else {
        return answer.is_empty().then(Default::default);
    };
    let refused = partial.get("rejectedLogRecords");
    let refused = match refused.or_else(|| partial.get("rejected_log_records")) {
        None | Some(serde_json::Value::Null) => 0,
        Some(serde_json::Value::String(digits)) => digits.parse().ok()?,
        Some(number) => number.as_i64()?,
    };
    // A negative number of records is none.
    let refused = u64::try_from(refused).unwrap_or(0);
    let why = partial
        .get("errorMessage")
        .or_else(|| partial.get("error_message"));
    let why = why.and_then(serde_json::Value::as_str);
    Some((refused, why.unwrap_or_default().to_owned()))
}

/// `Retry-After`: seconds, or a date.
pub(super) fn retry_after(value: &str) -> Option<Duration> {
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    let left = date.duration_since(jiff::Timestamp::now());
    Some(Duration::try_from(left).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(status: u16, content_type: &str, body: &[u8]) -> Verdict {
        let answer = Answer {
            content_type: content_type.into(),
            body: body.to_vec(),
            ..Answer::of(status)
        };
        let mut headers = Headers::default();
        headers.set("here", "authorization", "Bearer opensesame").unwrap();
        Verdict::of(&answer, &headers)
    }

    const PROTOBUF: &str = "application/x-protobuf";
    const TWO_REFUSED: &[u8] = b"\x0a\x06\x08\x02\x12\x02no";

    #[test]
    fn a_success_is_believed_only_where_it_says_what_a_collector_says() {
        let taken = |refused, why: &str| Verdict::Taken {
            refused,
            why: why.into(),
        };
        for kind in [PROTOBUF, "", "text/html"] {
            assert_eq!(verdict(200, kind, b""), taken(0, ""), "{kind}");
        }
        assert_eq!(verdict(200, PROTOBUF, b"\x0a\x00"), taken(0, ""));
        assert_eq!(
            verdict(202, "application/x-protobuf; charset=x", TWO_REFUSED),
            taken(2, "no")
        );
        let json = br#"{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"no"}}"#;
        assert_eq!(verdict(200, "application/json", json), taken(2, "no"));
        let json = br#"{"partial_success":{"rejected_log_records":2,"error_message":"no"}}"#;
        assert_eq!(verdict(200, "application/json", json), taken(2, "no"));
        assert_eq!(verdict(200, "application/json", b"{}"), taken(0, ""));
        // A count below 0 is no count.
        assert_eq!(
            verdict(
                200,
                PROTOBUF,
                b"\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
            ),
            taken(0, "")
        );
        for (kind, body) in [
            ("text/html", &b"<html>"[..]),
            (PROTOBUF, b"<html>"),
            (PROTOBUF, b"\x0a\x05"),
            // Statuses: a code, and a message.
            (PROTOBUF, b"\x08\x10\x12\x02no"),
            (PROTOBUF, b"\x0a\x02\x12\x01"),
            (PROTOBUF, b"\x0a\x03\x0a\x01x"),
            ("application/json", br#"{"error":"not logged in"}"#),
            ("application/json", br#"{"code":16,"message":"unauthenticated"}"#),
            ("application/json", b"[]"),
            ("application/json", b"{"),
        ] {
            assert!(
                matches!(verdict(200, kind, body), Verdict::Later { .. }),
                "{kind} {body:?}"
            );
        }
    }

    #[test]
    fn only_400_413_and_422_are_about_the_records() {
        for status in 300..600 {
            let verdict = verdict(status, "text/plain", b"why\r\n\x1b[2J");
            let is_later = matches!(status, 408 | 429 | 500..);
            match &verdict {
                Verdict::Split(why) => assert!(matches!(status, 400 | 413 | 422) && why.contains("why")),
                Verdict::Later { .. } => assert!(is_later, "{status}"),
                Verdict::Person(why) => {
                    assert!(!is_later && !matches!(status, 400 | 413 | 422), "{status}");
                    assert!(!why.contains('\u{1b}') && why.contains(&status.to_string()));
                }
                other => panic!("{status}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_header_that_an_answer_repeats_is_not_shown() {
        // Long enough that the beginning which is shown would end within the token.
        let page = format!("{}opensesame", "x".repeat(195));
        for body in [
            "no such token: opensesame",
            "authorization: Bearer opensesame",
            &page,
        ] {
            let (Verdict::Person(why) | Verdict::Split(why)) = verdict(401, "text/plain", body.as_bytes())
            else {
                panic!("it is nobody's fault");
            };
            assert!(!why.contains("open") && why.contains('…'), "{why}");
        }
    }

    #[test]
    fn a_time_to_wait_is_read_as_seconds_and_as_a_date() {
        assert_eq!(retry_after("120"), Some(Duration::from_secs(120)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_mins(10);
        let text = soon.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let wait = retry_after(&text).unwrap();
        assert!(
            wait > Duration::from_secs(500) && wait <= Duration::from_secs(600),
            "{wait:?}"
        );
        assert_eq!(retry_after("soon"), None);
    }
}
