//! `trace`: one trace across all streams, as a tree of spans with how long each took.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Value, json};
use tracing_audit::Query;
use tracing_audit::clock::{Clock as _, SystemClock};
use tracing_audit::record::{Record, Slot};
use tracing_audit::store::{Direction, Store as _, Stored};

use super::about::quoted;
use super::{Met, tell};
use crate::asking::Trace;
use crate::grid::{Grid, bold};
use crate::out::{Failure, Out, code};
use crate::words::{self, counted, harmless, stamp};

/// The most records that are held for a tree.
const MOST: usize = 100_000;

/// The most traces that the beginning of an id may mean.
const MOST_TRACES: usize = 20;

/// Deeper spans stand at this depth: a tree that is deeper is no help to anybody.
const DEEPEST: usize = 64;

pub(crate) fn run(args: &Trace) -> Result<u8, Failure> {
    let query = Query::parse_terms(
        [format!("trace_id={}", quoted(args.id.trim()))],
        SystemClock.now(),
    )?;
    let store = super::open(&args.dir)?;
    let mut met = Met::default();
    let mut traces: BTreeMap<String, Vec<Stored>> = BTreeMap::new();
    let mut held = 0;
    for item in store.walk(&query, Direction::OldestFirst, None)? {
        let Some(stored) = met.take(item?) else { continue };
        let id = stored.record.text(Slot::TraceId).unwrap_or_default().to_owned();
        held += 1;
        traces.entry(id).or_default().push(stored);
        if held > MOST || traces.len() > MOST_TRACES {
            return Err(Failure::Usage(format!(
                "`{}` begins more than {MOST_TRACES} traces, or they have more than {MOST} records; name more of the id",
                harmless(&args.id)
            )));
        }
    }
    let mut out = Out::paged(args.color, args.answer.no_pager || args.json);
    for (id, records) in &traces {
        let tree = Tree::of(records);
        if args.json {
            out.json(&tree.json(id))?;
        } else {
            tree.tell(&mut out, id)?;
        }
    }
    if traces.is_empty() && !args.json {
        out.line(&format!("no record of the trace `{}` found", harmless(&args.id)))?;
    }
    out.flush()?;
    drop(out);
    tell(&met);
    Ok(if traces.is_empty() && args.answer.fail_if_empty {
        code::EMPTY
    } else {
        code::OK
    })
}

/// A record in the tree.
struct Node<'r> {
    stored: &'r Stored,
    /// When it began; an event only has the time at which it was.
    begin: u64,
    /// Whether it is the record of a span, which others stand under.
    is_span: bool,
    depth: usize,
    /// Whether it is the last one of its parent.
    is_last: bool,
    /// For each ancestor below the root, whether more follow behind it.
    lines: Vec<bool>,
}

/// The records of a trace, parents before their children.
struct Tree<'r> {
    nodes: Vec<Node<'r>>,
    begin: u64,
    end: u64,
    spans: usize,
}

impl<'r> Tree<'r> {
    fn of(records: &'r [Stored]) -> Self {
        let spans = spans(records);
        let mut children: HashMap<Option<usize>, Vec<usize>> = HashMap::new();
        for (index, stored) in records.iter().enumerate() {
            let parent = parent(&stored.record, &spans, index);
            children.entry(parent).or_default().push(index);
        }
        let begin_of = |index: &usize| records.get(*index).map_or(0, |stored| begin(&stored.record));
        for list in children.values_mut() {
            list.sort_by_key(begin_of);
        }
        let mut tree = Self {
            nodes: Vec::with_capacity(records.len()),
            begin: records
                .iter()
                .map(|stored| begin(&stored.record))
                .min()
                .unwrap_or(0),
            end: records
                .iter()
                .map(|stored| time(&stored.record))
                .max()
                .unwrap_or(0),
            spans: spans.len(),
        };
        let mut seen = HashSet::new();
        tree.put(records, &spans, &children, &mut seen, None);
        // Spans that are each other's parents stand at the root: a tree leaves nothing out.
        for index in 0..records.len() {
            if !seen.contains(&index) {
                tree.put(records, &spans, &children, &mut seen, Some(index));
            }
        }
        tree
    }

    /// Puts what stands at the root, or one record, and all that stands under it. No recursion: the depth is the writer's.
    fn put(
        &mut self,
        records: &'r [Stored],
        spans: &HashMap<&str, usize>,
        children: &HashMap<Option<usize>, Vec<usize>>,
        seen: &mut HashSet<usize>,
        root: Option<usize>,
    ) {
        let roots = match root {
            Some(index) => vec![index],
            None => children.get(&None).cloned().unwrap_or_default(),
        };
        let mut waiting: Vec<(usize, usize, bool, Vec<bool>)> = Vec::new();
        let later = |list: &[usize], depth: usize, lines: &[bool]| {
            let last = list.last().copied();
            let rows = list
                .iter()
                .rev()
                .map(|index| (*index, depth, Some(*index) == last, lines.to_vec()));
            rows.collect::<Vec<_>>()
        };
        waiting.extend(later(&roots, 0, &[]));
        while let Some((index, depth, is_last, lines)) = waiting.pop() {
            let Some(stored) = records.get(index).filter(|_| seen.insert(index)) else {
                continue;
            };
            let is_span = span_id(&stored.record).and_then(|id| spans.get(id)) == Some(&index);
            let mut below = lines.clone();
            if depth > 0 && below.len() < DEEPEST {
                below.push(!is_last);
            }
            let under = children.get(&Some(index)).map(Vec::as_slice).unwrap_or_default();
            waiting.extend(later(under, depth + 1, &below));
            self.nodes.push(Node {
                stored,
                begin: begin(&stored.record),
                is_span,
                depth,
                is_last,
                lines,
            });
        }
    }

    fn tell(&self, out: &mut Out, id: &str) -> Result<(), Failure> {
        let head = format!(
            "trace {}: {}, {}, {} UTC, {}",
            harmless(id),
            counted(self.nodes.len() as u64, "record"),
            counted(self.spans as u64, "span"),
            words::time(self.begin),
            words::duration(self.end - self.begin)
        );
        out.line(&bold(&head, out.color()))?;
        let mut grid = Grid::new(["#AT", "#TOOK", "WHAT", "OUTCOME", "ACTOR", "RESOURCE", "WHY"]);
        for node in &self.nodes {
            let record = &node.stored.record;
            let took = record.uint(Slot::DurationNs);
            grid.row(vec![
                format!("+{}", words::duration(node.begin - self.begin)),
                took.map_or_else(|| "-".to_owned(), words::duration),
                format!("{}{}", node.branch(), words::action(record)),
                harmless(record.text(Slot::Outcome).unwrap_or("-")),
                words::actor(record),
                words::resource(record),
                words::detail(record),
            ]);
        }
        let lines = grid.lines(out.columns(), out.color());
        lines.iter().try_for_each(|line| out.line(line))?;
        out.line("")
    }

    /// The tree as one object: `spans` in the order of the tree, with their depth. Its keys are documented in docs/cli.md.
    fn json(&self, id: &str) -> Value {
        let nodes = self.nodes.iter().map(|node| {
            let record = &node.stored.record;
            json!({
                "depth": node.depth,
                "span": node.is_span,
                "span_id": record.text(Slot::SpanId),
                "parent_span_id": record.text(Slot::ParentSpanId),
                "begin": stamp(node.begin),
                "duration_ns": record.uint(Slot::DurationNs),
                "event": record.event(),
                "outcome": record.text(Slot::Outcome),
                "actor": record.text(Slot::ActorId),
                "resource": tracing_audit::query::Field::Resource.texts(record).first(),
                "id": record.text(Slot::Id),
                "stream": &*node.stored.place.stream,
                "seq": node.stored.place.seq,
            })
        });
        json!({
            "trace_id": id,
            "begin": stamp(self.begin),
            "duration_ns": self.end - self.begin,
            "records": self.nodes.len(),
            "tree": nodes.collect::<Vec<_>>(),
        })
    }
}

impl Node<'_> {
    /// The lines that lead to the record from its parent.
    fn branch(&self) -> String {
        if self.depth == 0 {
            return String::new();
        }
        let before: String = self
            .lines
            .iter()
            .map(|more| if *more { "│ " } else { "  " })
            .collect();
        let turn = if self.is_last { "└ " } else { "├ " };
        format!("{before}{turn}")
    }
}

/// Of each span, the record that tells of it: the one that began first and ended last of those that name it, else its start.
fn spans(records: &[Stored]) -> HashMap<&str, usize> {
    let mut named: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, stored) in records.iter().enumerate() {
        if let Some(id) = span_id(&stored.record) {
            named.entry(id).or_default().push(index);
        }
    }
    let of = |index: &usize| records.get(*index).map(|stored| &stored.record);
    let took = |index: &usize| of(index).is_some_and(|record| record.get(Slot::DurationNs).is_some());
    let begin = |index: &usize| of(index).map_or(0, begin);
    let end = |index: &usize| of(index).map_or(0, time);
    let mut spans = HashMap::new();
    for (id, members) in named {
        let widest = members
            .iter()
            .filter(|index| took(index))
            .min_by_key(|index| (begin(index), u64::MAX - end(index)));
        let covers = |one: &&usize| members.iter().all(|other| end(other) <= end(one));
        let is_start =
            |index: &&usize| of(index).is_some_and(|record| record.text(Slot::Phase) == Some("start"));
        let found = widest.filter(covers).or_else(|| members.iter().find(is_start));
        spans.extend(found.map(|index| (id, *index)));
    }
    spans
}

/// What a record stands under: an event under its span, a span under its parent.
fn parent(record: &Record, spans: &HashMap<&str, usize>, index: usize) -> Option<usize> {
    let own = span_id(record).and_then(|id| spans.get(id));
    let above = match own {
        Some(span) if *span != index => Some(span),
        _ => record.text(Slot::ParentSpanId).and_then(|id| spans.get(id)),
    };
    above.copied().filter(|above| *above != index)
}

fn span_id(record: &Record) -> Option<&str> {
    record.text(Slot::SpanId)
}

fn time(record: &Record) -> u64 {
    record.uint(Slot::Time).unwrap_or(0)
}

/// A span's time is when it closed.
fn begin(record: &Record) -> u64 {
    time(record).saturating_sub(record.uint(Slot::DurationNs).unwrap_or(0))
}
