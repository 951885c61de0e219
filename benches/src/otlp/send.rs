//! The sender: one process, one peer, events as fast as they can be reported.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use clap::Args;

use super::peers::{Packing, install};
use super::receive::{begin, processor};
use crate::event::{Report as _, Samples};
use crate::results::Measured;

/// One run of one peer.
#[derive(Debug, Clone, Args)]
pub struct Send {
    /// The peer.
    #[arg(long)]
    pub peer: String,
    /// How requests are packed.
    #[arg(long)]
    pub packing: Packing,
    /// Where the receiver listens.
    #[arg(long)]
    pub at: SocketAddr,
    /// Events.
    #[arg(long)]
    pub events: u64,
    /// An existing empty directory for a journal.
    #[arg(long)]
    pub out: PathBuf,
}

impl Send {
    /// Reports the events and ends the peer. What arrived is the receiver's to say.
    ///
    /// # Errors
    /// When the peer cannot start or cannot end.
    pub fn run(&self) -> Result<Measured> {
        let samples = Samples::default();
        let close = install(&self.peer, self.packing, self.at, &self.out)?;
        begin(self.at)?;
        let (start, used) = (Instant::now(), processor()?);
        for number in 0..self.events {
            samples.at(number).event(number).report();
        }
        let submitted = start.elapsed();
        close.run()?;
        Ok(Measured {
            expected: self.events,
            submitted_seconds: Some(submitted.as_secs_f64()),
            processor: Some((processor()? - used) as f64 / self.events as f64),
            ..Measured::default()
        })
    }
}
