//! What verification reads of a record: its number, its time, and of control records what they say about the log.

use std::borrow::Cow;

use crate::format::{Json, SegmentName, parse_json};

/// How a control record's line can be told without reading it.
pub(super) const MARK: &[u8] = br#""event":"audit."#;

/// A line that is a JSON object with a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Peek {
    pub(super) seq: u64,
    pub(super) observed_at: Option<String>,
    pub(super) control: Option<Control>,
}

/// A region that a crash left, as a record states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Torn {
    pub(super) segment: String,
    /// Where it begins; the fragment at the segment's end where it is not said.
    pub(super) offset: Option<u64>,
    pub(super) len: u64,
    pub(super) sha256: String,
}

/// `audit.retention`: what goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Removal {
    /// The first record and the last one.
    pub(super) records: (u64, u64),
    /// The first numbers in the names of the segments.
    pub(super) segments: Vec<u64>,
}

impl Removal {
    /// Whether a log that begins with the record `first` is what this leaves. A removal that was stated goes segment by
    /// segment, the oldest first, and may have been cut short behind any of them.
    pub(super) fn leaves(&self, first: u64) -> bool {
        let (begin, last) = self.records;
        first == last.saturating_add(1) || begin < first && first <= last && self.segments.contains(&first)
    }
}

/// A key takes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Takeover {
    pub(super) vkey: String,
    pub(super) first: u64,
}

/// What a control record says, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Control {
    pub(super) torn: Vec<Torn>,
    /// `audit.open` behind a stop that was not clean.
    pub(super) unclean: bool,
    /// What stands at the ends of earlier segments can be what a crash, a failed write or a failed sync left there.
    pub(super) leaves_rubbish: bool,
    /// `audit.gap`: records lost.
    pub(super) lost: Option<u64>,
    pub(super) removal: Option<Removal>,
    pub(super) takeover: Option<Takeover>,
}

/// So many names of removed segments are taken from one record; it is at most 64 KiB long.
const MOST_NAMES: usize = 4_096;

type Members<'a> = Vec<(Cow<'a, str>, Json<'a>)>;

/// Reads a line; `None` where it is no JSON object with a `seq`.
pub(super) fn peek(line: &[u8]) -> Option<Peek> {
    let Ok(Json::Object(members)) = parse_json(line) else {
        return None;
    };
    let seq = number(get(&members, "seq"))?;
    let control = text(get(&members, "event")).and_then(|event| {
        let Some(Json::Object(attributes)) = get(&members, "attributes") else {
            return None;
        };
        control(event, attributes)
    });
    Some(Peek {
        seq,
        observed_at: text(get(&members, "observed_at")).map(str::to_owned),
        control,
    })
}

fn control(event: &str, attributes: &Members<'_>) -> Option<Control> {
    let mut control = Control::default();
    match event {
        "audit.open" | "audit.rotate" => {
            control.torn = torn(get(attributes, "torn"));
            control.unclean = matches!(get(attributes, "clean"), Some(Json::Bool(false)));
            let cause = text(get(attributes, "cause")).filter(|_| event == "audit.rotate");
            let is_failure = cause.is_some_and(|cause| !matches!(cause, "midnight" | "size" | "requested"));
            control.leaves_rubbish = control.unclean || is_failure;
        }
        // A sink's gap is about entries that stand in the log.
        "audit.gap" if get(attributes, "sink").is_none() => {
            control.lost = Some(number(get(attributes, "lost")).unwrap_or(0));
        }
        "audit.retention" => {
            let (Some(Json::List(names)), Some(Json::List(range))) =
                (get(attributes, "segments"), get(attributes, "records"))
            else {
                return None;
            };
            let names = names.iter().filter_map(|name| first_seq(text(Some(name))?));
            control.removal = Some(Removal {
                records: (number(range.first())?, number(range.get(1))?),
                segments: names.take(MOST_NAMES).collect(),
            });
        }
        "audit.key" => {
            control.takeover = Some(Takeover {
                vkey: text(get(attributes, "vkey"))?.to_owned(),
                first: number(get(attributes, "first"))?,
            });
        }
        _ => return None,
    }
    Some(control)
}

/// The `stream` that a JSON object states.
pub(super) fn stream_of(bytes: &[u8]) -> Option<String> {
    let Ok(Json::Object(members)) = parse_json(bytes) else {
        return None;
    };
    text(get(&members, "stream")).map(str::to_owned)
}

/// One region, or a list of them.
fn torn(json: Option<&Json<'_>>) -> Vec<Torn> {
    let one = |json: &Json<'_>| {
        let Json::Object(members) = json else {
            return None;
        };
        Some(Torn {
            segment: text(get(members, "segment"))?.to_owned(),
            offset: number(get(members, "offset")),
            len: number(get(members, "len"))?,
            sha256: text(get(members, "sha256"))?.to_owned(),
        })
    };
    match json {
        Some(Json::List(regions)) => regions.iter().filter_map(one).collect(),
        Some(region) => one(region).into_iter().collect(),
        None => Vec::new(),
    }
}

fn first_seq(name: &str) -> Option<u64> {
    SegmentName::parse(name).map(|name| name.first_seq)
}

fn get<'j, 'a>(members: &'j Members<'a>, name: &str) -> Option<&'j Json<'a>> {
    members
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value)
}

fn text<'j>(json: Option<&'j Json<'_>>) -> Option<&'j str> {
    match json {
        Some(Json::Str(text)) => Some(text),
        _ => None,
    }
}

fn number(json: Option<&Json<'_>>) -> Option<u64> {
    match json {
        Some(Json::Number(text)) => text.parse().ok(),
        _ => None,
    }
}
