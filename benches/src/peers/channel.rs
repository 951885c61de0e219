//! The channel baseline: what a careful engineer writes by hand in an hour.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::thread::{self, JoinHandle};
use std::time::UNIX_EPOCH;

use crossbeam_channel::{Sender, bounded};
use serde::Serialize;

use crate::event::{Db, Event, Request};
use crate::output::{BUFFER, QUEUE};

#[derive(Serialize)]
struct Line<'a> {
    time: u64,
    level: &'static str,
    target: &'static str,
    fields: &'a Event<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spans: Option<(&'a Request, &'a Db)>,
}

/// One thread's end: a buffer that is kept and a sender.
#[derive(Debug, Clone)]
pub struct Channel(Sender<Box<[u8]>>, Vec<u8>);

impl Channel {
    /// Starts the writer, which ends when the last `Channel` is dropped.
    pub fn start(file: File) -> (Self, JoinHandle<io::Result<()>>) {
        let (sender, receiver) = bounded::<Box<[u8]>>(QUEUE);
        let writer = thread::spawn(move || {
            let mut file = BufWriter::with_capacity(BUFFER, file);
            receiver.iter().try_for_each(|line| file.write_all(&line))?;
            file.flush()
        });
        (Self(sender, Vec::with_capacity(1024)), writer)
    }

    /// Writes one line; waits while the queue is full.
    pub fn log(&mut self, fields: &Event<'_>, spans: Option<(&Request, &Db)>) {
        let time = UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos() as u64;
        let Self(sender, buffer) = self;
        buffer.clear();
        let line = Line {
            time,
            level: "INFO",
            target: "audit",
            fields,
            spans,
        };
        if serde_json::to_writer(&mut *buffer, &line).is_ok() {
            buffer.push(b'\n');
            let _ = sender.send(buffer.as_slice().into());
        }
    }
}
