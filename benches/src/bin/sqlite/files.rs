//! The same lines in segments, and what reading them takes.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use tracing_audit::Query;
use tracing_audit::store::{DirStore, List, Store as _};

use crate::lines::{BETWEEN, START, line};
use crate::{Took, begin};

/// How many records a segment of the files has.
const SEGMENT: u64 = 100_000;

/// The lines in segments, as a journal has them.
pub(crate) fn write(dir: &Path, records: u64) -> Result<()> {
    use std::io::Write as _;
    let stream = dir.join("main");
    std::fs::create_dir_all(&stream)?;
    for first in (0..records).step_by(usize::try_from(SEGMENT)?) {
        let path = stream.join(format!("audit-2026-11-21-{first:020}.jsonl"));
        let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
        for seq in first..(first + SEGMENT).min(records) {
            let mut line = line(seq);
            line.push(b'\n');
            file.write_all(&line)?;
        }
        file.flush()?;
    }
    Ok(())
}

/// Scans of all files, by the processor: what a query costs that nothing narrows. Then what a range costs that leaves most
/// segments out.
pub(crate) fn scan(dir: &Path, records: u64) -> Result<()> {
    let store = DirStore::open(dir)?;
    let bytes: u64 = store.extents()?.iter().map(|extent| extent.bytes).sum();
    let now = START + records * BETWEEN;
    for (name, text) in [
        ("an actor that is not there", "actor=nobody"),
        ("a resource", "resource.id=4711"),
        ("a text", "flumphed"),
        ("what was refused", "outcome=denied level>=warn"),
    ] {
        let query = Query::parse_at(text, now)?;
        let _unknown = std::fs::write("/proc/self/clear_refs", "5");
        let before = resident("VmRSS:");
        let begun = begin();
        let found = store.count(&query)?;
        let mut took = Took::default();
        took.add(&begun);
        println!(
            "  files, {name}: {:.0} MB a second of a processor, {:.2} s by the clock ({found} found); {before} KiB resident \
             before, {} at most",
            bytes as f64 / 1e6 / took.processor.max(f64::MIN_POSITIVE),
            took.seconds,
            resident("VmHWM:")
        );
    }
    for part in [records / 1_000, records / 100, records / 10] {
        let last = (START + (records - 1).saturating_sub(part) * BETWEEN) / 1_000_000_000;
        let query = Query::parse_at(&format!("actor=u-77 observed_at>=@{last}"), now)?;
        let begun = begin();
        let found = store.count(&query)?;
        let mut took = Took::default();
        took.add(&begun);
        println!(
            "  files, the newest {part} of an actor: {:.2} ms, {:.2} ms of a processor ({found} found)",
            took.seconds * 1e3,
            took.processor * 1e3
        );
    }
    for (name, text) in [("", ""), (" denied", "outcome=denied")] {
        let query = Query::parse_at(text, now)?;
        let begun = Instant::now();
        let found = store.list(&query, &List::default())?.records.len();
        let took = begun.elapsed().as_secs_f64() * 1e3;
        println!("  files, the newest {found}{name}: {took:.2} ms");
    }
    Ok(())
}

/// What the system says of this process's memory, in KiB; 0 where it does not.
fn resident(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let digits = line.and_then(|line| line.trim().strip_suffix(" kB"));
    digits.and_then(|digits| digits.trim().parse().ok()).unwrap_or(0)
}
