//! The histogram: when the records of a question happened, stacked by how they ended.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use maud::{Markup, html};
use tracing_audit::record::Slot;
use tracing_audit::store::{Item, Stored};

use super::asked::{Asked, Question};
use super::rows;
use crate::words::{self, counted};

const SECOND: u64 = 1_000_000_000;

/// The widths that a bar can have.
const STEPS: [u64; 22] = [
    SECOND / 1000,
    SECOND / 100,
    SECOND / 10,
    SECOND,
    5 * SECOND,
    15 * SECOND,
    30 * SECOND,
    60 * SECOND,
    300 * SECOND,
    900 * SECOND,
    1800 * SECOND,
    3600 * SECOND,
    3 * 3600 * SECOND,
    6 * 3600 * SECOND,
    12 * 3600 * SECOND,
    86_400 * SECOND,
    7 * 86_400 * SECOND,
    30 * 86_400 * SECOND,
    91 * 86_400 * SECOND,
    365 * 86_400 * SECOND,
    3650 * 86_400 * SECOND,
    36_500 * 86_400 * SECOND,
];

/// The most bars.
const BARS: u64 = 72;

/// How the stack is made, from below.
const KINDS: [&str; 6] = ["success", "pending", "unknown", "other", "failure", "denied"];

/// How long a count is good for others, how many are kept, and how many records one may have.
const YOUNG: Duration = Duration::from_secs(1);
const MOST_KEPT: usize = 16;
const MOST_POINTS: usize = 100_000;

/// The drawing's own units.
const WIDTH: u64 = 1200;
const HEIGHT: u64 = 100;

/// When each counted record happened, and how it ended.
#[derive(Debug, Default)]
pub(super) struct Counted {
    points: Vec<(u64, u8)>,
    pub(super) gaps: u64,
    pub(super) lost: u64,
    pub(super) findings: u64,
    /// The observation time at which counting stopped, where it did not come to the end.
    pub(super) back_to: Option<u64>,
}

impl Counted {
    /// Takes an item of the walk; more is always wanted.
    pub(super) fn take(&mut self, item: &Item) -> bool {
        match item {
            Item::Record(stored) => {
                let time = stored.record.uint(Slot::Time).unwrap_or(stored.place.observed_at);
                let kind = rows::kind(stored.record.text(Slot::Outcome).unwrap_or_default());
                let index = KINDS.iter().position(|known| *known == kind).unwrap_or(3);
                self.points.push((time, u8::try_from(index).unwrap_or(3)));
                self.gap(stored);
            }
            Item::Gap(stored) => self.gap(stored),
            _ => self.findings += 1,
        }
        true
    }

    fn gap(&mut self, stored: &Stored) {
        if let Some((lost, _)) = stored.lost() {
            self.gaps += 1;
            self.lost = self.lost.saturating_add(lost);
        }
    }

    /// How many records were counted.
    pub(super) fn records(&self) -> u64 {
        self.points.len() as u64
    }

    fn of_kind(&self, index: usize) -> u64 {
        self.points
            .iter()
            .filter(|(_, kind)| usize::from(*kind) == index)
            .count() as u64
    }
}

/// What was counted a moment ago, by question.
#[derive(Debug, Default)]
pub(super) struct Counts(Mutex<Vec<(String, Instant, Arc<Counted>)>>);

impl Counts {
    /// What was counted for this question, if that is younger than [`YOUNG`].
    pub(super) fn get(&self, key: &str) -> Option<Arc<Counted>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(_, at, _)| at.elapsed() < YOUNG);
        let found = kept.iter().find(|(known, ..)| known == key);
        found.map(|(_, _, counted)| Arc::clone(counted))
    }

    /// Keeps it for others. What would take much memory is not kept.
    pub(super) fn put(&self, key: String, counted: &Arc<Counted>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < MOST_KEPT && counted.points.len() <= MOST_POINTS {
            kept.push((key, Instant::now(), Arc::clone(counted)));
        }
    }
}

/// One bar.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Bar {
    from: u64,
    until: u64,
    counts: [u64; KINDS.len()],
}

impl Bar {
    fn sum(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// `10:00 to 10:05: 3 denied, 12 success`.
    fn told(&self) -> String {
        let parts = KINDS.iter().zip(self.counts).filter(|(_, count)| *count > 0);
        let parts: Vec<String> = parts
            .rev()
            .map(|(kind, count)| format!("{} {kind}", words::count(count)))
            .collect();
        format!("{}: {}", span(self.from, self.until), parts.join(", "))
    }
}

/// The bars over a window.
#[derive(Debug, PartialEq, Eq)]
struct Bars {
    bars: Vec<Bar>,
    step: u64,
}

impl Bars {
    fn of(counted: &Counted, question: &Question, now: u64) -> Option<Self> {
        let times = counted.points.iter().map(|(time, _)| *time);
        let first = question.since.or_else(|| times.clone().min())?;
        let last = question.until.map(|until| until.saturating_sub(1));
        let newest = times.max().unwrap_or(now);
        // A range without an end goes on to now, a trail of long ago does not.
        let last = last.or(question.since.map(|_| newest.max(now)));
        let last = last.unwrap_or(newest).max(first);
        let step = STEPS.into_iter().find(|step| last / step - first / step < BARS)?;
        let begin = first - first % step;
        let count = (last / step - first / step + 1).min(BARS);
        let bar = |index: u64| Bar {
            from: begin + index * step,
            until: begin + (index + 1) * step,
            ..Bar::default()
        };
        let mut bars: Vec<Bar> = (0..count).map(bar).collect();
        for (time, kind) in &counted.points {
            let index = time.checked_sub(begin).map(|since| since / step);
            let bar = index.and_then(|index| bars.get_mut(usize::try_from(index).ok()?));
            if let Some(count) = bar.and_then(|bar| bar.counts.get_mut(usize::from(*kind))) {
                *count += 1;
            }
        }
        Some(Self { bars, step })
    }
}

/// The histogram with its legend.
pub(super) fn histogram(counted: &Counted, question: &Question, asked: &Asked, seal: Markup) -> Markup {
    let bars = Bars::of(counted, question, asked.now);
    html! {
        section.histogram aria-label="When, by outcome" {
            (legend(counted, asked, seal))
            @if let Some(Bars { bars, step }) = &bars {
                (drawing(bars, counted.back_to, asked))
                @if let (Some(first), Some(last)) = (bars.first(), bars.last()) {
                    p.axis { span { (stamp(first.from)) } span.step { (width(*step)) " a bar" } span { (stamp(last.until)) } }
                }
                (as_table(bars, asked))
            }
        }
    }
}

fn legend(counted: &Counted, asked: &Asked, seal: Markup) -> Markup {
    html! {
        div.legend {
            strong {
                (words::counted(counted.records(), "record"))
            }
            ul {
                @for (index, kind) in KINDS.iter().enumerate().rev() {
                    @let count = counted.of_kind(index);
                    @if count > 0 {
                        li {
                            @if *kind == "other" { span class="badge other" { "other" } }
                            @else { a href=(asked.with(&rows::slot(Slot::Outcome, kind)).href("/")) { (rows::badge(kind)) } }
                            " " (words::count(count))
                        }
                    }
                }
            }
            @if let Some(time) = counted.back_to {
                span.part {
                    "from " (words::time(time)) " on; older ones are not counted. "
                    a href=(Asked { all: true, ..asked.first() }.href("/")) { "Count everything" }
                }
            }
            (seal)
        }
    }
}

/// `15 min`.
fn width(step: u64) -> String {
    const UNITS: [(u64, &str); 4] = [
        (86_400 * SECOND, "d"),
        (3600 * SECOND, "h"),
        (60 * SECOND, "min"),
        (SECOND, "s"),
    ];
    let unit = UNITS.into_iter().find(|(unit, _)| step >= *unit);
    unit.map_or_else(
        || words::duration(step),
        |(unit, name)| format!("{} {name}", step / unit),
    )
}

fn drawing(bars: &[Bar], back_to: Option<u64>, asked: &Asked) -> Markup {
    let most = bars.iter().map(Bar::sum).max().unwrap_or(0).max(1);
    let slot = WIDTH / (bars.len().max(1) as u64);
    let width = slot.saturating_sub(2).clamp(1, 60);
    let left = |index: u64| index * WIDTH / (bars.len().max(1) as u64);
    html! {
        svg.bars viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="group"
            aria-label={ "Histogram of " (counted(bars.len() as u64, "bar")) "; the same as a table below" } {
            line.ground x1="0" x2=(WIDTH) y1=(HEIGHT) y2=(HEIGHT) {}
            @for (index, bar) in (0..).zip(bars) {
                @if back_to.is_some_and(|time| bar.until <= time) {
                    rect.unread x=(left(index)) y="0" width=(slot) height=(HEIGHT) { title { (span(bar.from, bar.until)) ": not counted" } }
                } @else if bar.sum() > 0 {
                    a href=(zoom(bar, asked)) tabindex="-1" aria-label=(bar.told()) {
                        title { (bar.told()) }
                        rect.touch x=(left(index)) y="0" width=(slot) height=(HEIGHT) {}
                        @for (kind, y, height) in stack(bar, most) {
                            rect class=(kind) x=(left(index)) y=(y) width=(width) height=(height) {}
                        }
                    }
                }
            }
        }
    }
}

/// The parts of a bar, from below, in the drawing's units. What is there can be seen: no part is lower than 2.
fn stack(bar: &Bar, most: u64) -> Vec<(&'static str, u64, u64)> {
    let mut top = HEIGHT;
    let mut parts = Vec::new();
    for (kind, count) in KINDS.into_iter().zip(bar.counts).filter(|(_, count)| *count > 0) {
        let height = (count.saturating_mul(HEIGHT - 10) / most).max(2).min(top);
        top -= height;
        parts.push((kind, top, height));
    }
    parts
}

fn zoom(bar: &Bar, asked: &Asked) -> String {
    asked.between(exact(bar.from), exact(bar.until)).href("/")
}

/// For whoever does not see it.
fn as_table(bars: &[Bar], asked: &Asked) -> Markup {
    html! {
        details.bars-table {
            summary { "As a table" }
            table.plain {
                thead { tr { th scope="col" { "Time (UTC)" } th scope="col" { "Records" } } }
                tbody { @for bar in bars.iter().filter(|bar| bar.sum() > 0) {
                    tr { th scope="row" { a href=(zoom(bar, asked)) { (span(bar.from, bar.until)) } }
                        td { (bar.told().split_once(": ").map_or_else(String::new, |(_, counts)| counts.to_owned())) } }
                } }
            }
        }
    }
}

/// A time that the language reads back, to the nanosecond.
fn exact(nanos: u64) -> String {
    if nanos.is_multiple_of(SECOND) {
        words::time(nanos).get(..19).unwrap_or_default().replace(' ', "T")
    } else {
        format!("@{}.{:09}", nanos / SECOND, nanos % SECOND)
    }
}

/// `2026-11-21 10:00`, and the seconds where they matter.
fn stamp(nanos: u64) -> String {
    let time = words::time(nanos);
    let end = if nanos.is_multiple_of(60 * SECOND) {
        16
    } else if nanos.is_multiple_of(SECOND) {
        19
    } else {
        time.len()
    };
    time.get(..end).unwrap_or(&time).to_owned()
}

fn span(from: u64, until: u64) -> String {
    let (from, until) = (stamp(from), stamp(until));
    match (from.split_once(' '), until.split_once(' ')) {
        (Some((day, _)), Some((same, clock))) if day == same => format!("{from} to {clock}"),
        _ => format!("{from} to {until}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_audit::Query;

    const HOUR: u64 = 3600 * SECOND;

    fn question(since: Option<u64>, until: Option<u64>) -> Question {
        Question {
            query: Query::all(),
            since,
            until,
        }
    }

    fn counted(points: Vec<(u64, u8)>) -> Counted {
        Counted {
            points,
            ..Counted::default()
        }
    }

    #[test]
    fn every_record_of_the_window_stands_in_one_bar_and_there_are_never_too_many_bars() {
        let base = 1_763_719_200 * SECOND;
        for length in [
            1,
            SECOND,
            59 * SECOND,
            HOUR,
            25 * HOUR,
            40 * 24 * HOUR,
            250 * 365 * 24 * HOUR,
        ] {
            let points: Vec<(u64, u8)> = (0..=100)
                .map(|index| (base + length / 100 * index, (index % 6) as u8))
                .collect();
            let found = Bars::of(&counted(points), &question(None, None), base).expect("bars");
            assert!(found.bars.len() as u64 <= BARS, "{length}");
            assert_eq!(found.bars.iter().map(Bar::sum).sum::<u64>(), 101, "{length}");
            let first = found.bars.first().expect("a bar");
            assert!(first.from <= base && base < first.until);
        }
    }

    #[test]
    fn a_stated_range_is_drawn_whole_even_where_nothing_happened() {
        let base = 1_763_719_200 * SECOND;
        let range = question(Some(base), Some(base + 24 * HOUR));
        let found = Bars::of(&counted(vec![(base + HOUR, 0)]), &range, base).expect("bars");
        assert_eq!(found.bars.first().map(|bar| bar.from), Some(base));
        assert_eq!(found.bars.last().map(|bar| bar.until), Some(base + 24 * HOUR));
        assert_eq!(Bars::of(&counted(vec![]), &question(None, None), base), None);
    }

    #[test]
    fn a_part_of_a_bar_is_never_too_small_to_be_seen_and_the_bar_never_too_high() {
        let bar = Bar {
            counts: [1_000_000, 1, 1, 1, 1, 1],
            ..Bar::default()
        };
        let parts = stack(&bar, bar.sum());
        assert_eq!(parts.len(), 6);
        assert!(parts.iter().all(|(_, _, height)| *height >= 2));
        assert!(parts.iter().map(|(_, _, height)| height).sum::<u64>() <= HEIGHT);
    }

    #[test]
    fn the_address_of_a_bar_names_its_times_exactly() {
        for nanos in [0, 1_763_719_200 * SECOND, 1_763_719_200 * SECOND + 1] {
            let read = tracing_audit::query::parse_time(&exact(nanos), 5);
            assert_eq!(read.expect("a time"), nanos);
        }
    }
}
