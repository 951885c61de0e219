//! A day of an invented document service: people, an agent, jobs and what goes wrong. The same seed, the same day.

use tracing_audit::record::{Level, Record, RecordBuilder, Slot, SpanId, TraceContext, TraceId};

/// Ids are ids: a trail holds neither names nor mail addresses. The addresses are reserved for documentation.
const PEOPLE: [(&str, &str, &str); 7] = [
    ("u-1041", "editor", "198.51.100.23"),
    ("u-1042", "editor, reviewer", "198.51.100.77"),
    ("u-1107", "reader", "203.0.113.9"),
    ("u-1111", "reader", "203.0.113.140"),
    ("u-1203", "admin", "192.0.2.31"),
    ("u-1300", "editor", "2001:db8:40::17"),
    ("u-1377", "reader", "192.0.2.200"),
];

/// What can happen, and how often among a hundred.
const EVENTS: [(u64, Event); 10] = [
    (34, Event::Read),
    (20, Event::Update),
    (12, Event::Login),
    (8, Event::Share),
    (7, Event::Tool),
    (6, Event::Job),
    (5, Event::Delete),
    (4, Event::Logout),
    (2, Event::Key),
    (2, Event::Export),
];

#[derive(Debug, Clone, Copy)]
enum Event {
    Read,
    Update,
    Login,
    Share,
    Tool,
    Job,
    Delete,
    Logout,
    Key,
    Export,
}

/// Chance from a seed: SplitMix64, written here because a demo needs no more.
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.roll() % limit.max(1)
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    fn of<T: Copy>(&mut self, choices: &[T], otherwise: T) -> T {
        let index = self.below(choices.len() as u64);
        let index = usize::try_from(index).unwrap_or(0);
        choices.get(index).copied().unwrap_or(otherwise)
    }

    fn trace(&mut self) -> Option<TraceContext> {
        let trace = (u128::from(self.roll()) << 64) | u128::from(self.roll());
        Some(TraceContext {
            trace_id: TraceId::from_bytes(trace.to_be_bytes())?,
            span_id: SpanId::from_bytes(self.roll().to_be_bytes())?,
            flags: 1,
        })
    }
}

/// The request that records belong to.
#[derive(Debug, Clone)]
struct Request {
    person: (&'static str, &'static str, &'static str),
    trace: Option<TraceContext>,
    id: String,
    /// Whether a record of it was made already: its span is the parent of all others.
    goes_on: bool,
}

/// Records with their times, in order.
#[derive(Debug)]
pub(super) struct Scenario {
    dice: Dice,
    request: Option<Request>,
    made: u64,
    /// The time of the record before.
    last: u64,
    records: u64,
    start: u64,
    length: u64,
}

impl Scenario {
    /// `records` records between `start` and `length` later, in nanoseconds.
    pub(super) fn new(seed: u64, records: u64, start: u64, length: u64) -> Self {
        Self {
            dice: Dice(seed),
            request: None,
            made: 0,
            last: start,
            records,
            start,
            length,
        }
    }

    fn event(&mut self) -> Event {
        let mut at = self.dice.below(100);
        for (share, event) in EVENTS {
            if at < share {
                return event;
            }
            at -= share;
        }
        Event::Read
    }

    /// The request of the next record: the one before where it goes on, else a new one.
    fn request(&mut self) -> Request {
        self.request.take().unwrap_or_else(|| Request {
            person: self.dice.of(&PEOPLE, ("u-1041", "editor", "198.51.100.23")),
            trace: self.dice.trace(),
            id: format!("req-{:08x}", self.dice.below(1 << 32)),
            goes_on: false,
        })
    }

    /// The span of a record: the request's own, or one inside it.
    fn span(&mut self, trace: TraceContext, inside: bool) -> TraceContext {
        let span_id = SpanId::from_bytes(self.dice.roll().to_be_bytes()).filter(|_| inside);
        TraceContext {
            span_id: span_id.unwrap_or(trace.span_id),
            ..trace
        }
    }

    fn record(&mut self, time: u64) -> Record {
        let event = self.event();
        let builder = match event {
            Event::Job => return self.job().time(time).build(),
            Event::Tool => return self.tool().time(time).build(),
            Event::Login => self.login(),
            Event::Logout => Record::builder("session.logout")
                .action("logout")
                .outcome("success"),
            Event::Read => self.document("read", 3),
            Event::Update => self.document("update", 8),
            Event::Delete => self.document("delete", 35),
            Event::Share => self.share(),
            Event::Key => self.key(),
            Event::Export => self.export(),
        };
        let request = self.request();
        let (id, roles, address) = request.person;
        let mut builder = builder
            .actor("user", id)
            .tenant(if id < "u-1200" { "acme" } else { "globex" })
            .request_id(request.id.clone())
            .session_id(format!("s-{}", id.trim_start_matches("u-")))
            .set(Slot::ActorRoles, roles)
            .set(Slot::ActorIp, address);
        if let Some(trace) = request.trace {
            builder = builder.trace(self.span(trace, request.goes_on));
        }
        if let (Some(trace), true) = (request.trace, request.goes_on) {
            builder = builder.parent_span(trace.span_id);
        }
        self.request = Some(Request {
            goes_on: true,
            ..request
        });
        self.took(builder, 200, 80_000).time(time).build()
    }

    /// Adds a duration between so many microseconds; one in twenty takes much longer.
    fn took(&mut self, builder: RecordBuilder, least: u64, most: u64) -> RecordBuilder {
        let slow = if self.dice.percent(5) { 20 } else { 1 };
        let micros = least + self.dice.below(most - least);
        builder.set(Slot::DurationNs, micros * 1000 * slow + self.dice.below(1000))
    }

    fn document(&mut self, action: &str, refused: u64) -> RecordBuilder {
        let id = format!("d-{}", 100 + self.dice.below(60));
        let builder = Record::builder(format!("document.{action}"))
            .action(action)
            .category("document")
            .resource("document", id);
        if self.dice.percent(refused) {
            let reason = [
                "not the owner",
                "the document is locked by a legal hold",
                "role reader may not change",
            ];
            return builder
                .outcome("denied")
                .level(&Level::Warn)
                .reason(self.dice.of(&reason, "not the owner"))
                .reason_code("policy")
                .set(Slot::DecisionEnforced, "deny")
                .set(Slot::DecisionPolicyId, "documents-v3");
        }
        if self.dice.percent(2) {
            return builder
                .outcome("failure")
                .level(&Level::Error)
                .error_code("storage_timeout")
                .error_message("the storage did not answer within 5 s");
        }
        let builder = builder.outcome("success");
        if action == "update" {
            let fields = self
                .dice
                .of(&["title", "body", "title, tags", "body, tags"], "body");
            return builder.set(Slot::ChangedFields, fields);
        }
        builder
    }

    fn login(&mut self) -> RecordBuilder {
        let builder = Record::builder("session.login")
            .action("login")
            .category("session")
            .set(Slot::ActorUserAgent, "Mozilla/5.0 (X11; Linux x86_64)");
        if self.dice.percent(18) {
            // A careless application: what the policy does to this field is worth seeing.
            return builder
                .outcome("failure")
                .level(&Level::Warn)
                .reason("wrong password")
                .attribute("password", "an invented one")
                .attribute("attempt", 1 + self.dice.below(5));
        }
        let method = self.dice.of(&["password", "passkey", "sso"], "sso");
        builder.outcome("success").attribute("method", method)
    }

    fn share(&mut self) -> RecordBuilder {
        let (to, ..) = self.dice.of(&PEOPLE, ("u-1107", "reader", ""));
        let right = self.dice.of(&["read", "write", "own"], "read");
        let builder = Record::builder("permission.grant")
            .action("grant")
            .category("permission")
            .resource("document", format!("d-{}", 100 + self.dice.below(60)))
            .attribute("grantee", to)
            .attribute("right", right);
        if right == "own" {
            let builder = builder.level(&Level::Warn).outcome("pending");
            return builder.reason("a change of owner needs a second person");
        }
        builder.outcome("success")
    }

    fn key(&mut self) -> RecordBuilder {
        Record::builder("api_key.create")
            .action("create")
            .category("credential")
            .outcome("success")
            .resource("api_key", format!("k-{}", self.dice.below(1000)))
            .level(&Level::Warn)
            .attribute("expires_in_days", 90_u64)
            .attribute("api_key", "an invented key")
    }

    fn export(&mut self) -> RecordBuilder {
        Record::builder("user.export")
            .action("export")
            .category("privacy")
            .outcome("success")
            .resource("user", self.dice.of(&PEOPLE, ("u-1107", "", "")).0)
            .set(Slot::PiiContains, true)
            .set(Slot::PiiCategories, "contact, usage")
            .summary("the user's data was exported on request")
    }

    fn tool(&mut self) -> RecordBuilder {
        let tool = self
            .dice
            .of(&["search", "summarise", "http_get", "run_code"], "search");
        let builder = Record::builder("tool.execute")
            .action("execute")
            .category("tool")
            .actor("agent", "assistant-2")
            .resource("tool", tool)
            .set(Slot::AgentId, "assistant-2")
            .set(Slot::ConversationId, format!("c-{}", self.dice.below(40)))
            .label("team", "research");
        let builder = self.took(builder, 20_000, 4_000_000);
        if tool == "run_code" && self.dice.percent(50) {
            let builder = builder.outcome("denied").level(&Level::Warn);
            return builder.reason("the sandbox is off for this tenant");
        }
        builder.outcome("success")
    }

    fn job(&mut self) -> RecordBuilder {
        let name = self
            .dice
            .of(&["nightly-report", "index-rebuild", "retention"], "retention");
        let builder = Record::builder("cron.run")
            .action("run")
            .category("automation")
            .actor("service", "scheduler")
            .resource("job", name)
            .set(Slot::ExecutionId, format!("x-{:08x}", self.dice.below(1 << 32)));
        let builder = self.took(builder, 500_000, 90_000_000);
        match self.dice.below(10) {
            0 => builder
                .outcome("failure")
                .level(&Level::Error)
                .error_code("out_of_memory"),
            1 => builder.outcome("unknown").level(&Level::Warn).reason("panic"),
            _ => builder.outcome("success"),
        }
    }
}

impl Iterator for Scenario {
    type Item = (u64, Record);

    fn next(&mut self) -> Option<Self::Item> {
        if self.made == self.records {
            return None;
        }
        // Several records of one request follow each other at once; between requests time passes.
        let step = self.length / self.records.max(1);
        let even = self.start + self.made * step + self.dice.below(step.max(1));
        let close = self.last + 1 + self.dice.below(300_000_000.min(step.max(1)));
        let goes_on = self.request.is_some() && self.dice.percent(45);
        if !goes_on {
            self.request = None;
        }
        let time = if goes_on { close } else { even.max(self.last + 1) };
        let time = time.min(self.start + self.length - 1).max(self.last);
        self.last = time;
        self.made += 1;
        Some((time, self.record(time)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_day_and_another_seed_another() {
        let day = |seed| Scenario::new(seed, 300, 0, 86_400_000_000_000).collect::<Vec<_>>();
        assert!(day(1) == day(1));
        assert!(day(1) != day(2));
    }

    #[test]
    fn a_day_has_every_outcome_every_event_and_times_in_order() {
        let day: Vec<_> = Scenario::new(7, 1000, 1_000, 86_400_000_000_000).collect();
        let words = |slot| -> BTreeSet<String> {
            let texts = day.iter().filter_map(|(_, record)| record.text(slot));
            texts.map(str::to_owned).collect()
        };
        let outcomes: Vec<String> = words(Slot::Outcome).into_iter().collect();
        assert_eq!(outcomes, ["denied", "failure", "pending", "success", "unknown"]);
        assert_eq!(words(Slot::Event).len(), EVENTS.len());
        assert!(day.windows(2).all(|pair| pair[0].0 <= pair[1].0));
        assert!(
            day.iter()
                .all(|(time, _)| (1_000..86_400_000_001_000).contains(time))
        );
        assert_eq!(EVENTS.iter().map(|(share, _)| share).sum::<u64>(), 100);
    }
}
