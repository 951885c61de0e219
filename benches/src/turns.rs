//! Peers in turns: each in a process of its own, of which all but one stand still. A turn takes some twenty milliseconds, so that
//! a machine which is slower for a second is slower for all of them alike.
//!
//! A child says [`READY`] when it waits for a turn, takes one for each line that comes in, and prints its result when there are
//! no more.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::results::Measured;
use crate::rounds::read_result;

/// What a child says when it waits for its next turn.
pub const READY: &str = "ready";

/// Takes turns until there are no more: the child's part.
///
/// # Errors
/// When the parent cannot be heard.
pub fn take(mut turn: impl FnMut()) -> Result<()> {
    println!("{READY}");
    for line in std::io::stdin().lock().lines() {
        line?;
        turn();
        println!("{READY}");
    }
    Ok(())
}

/// Gives each of the peers so many turns, in another order each time, and takes their results in the order in which the peers
/// were given. None has two turns in a row: its caches would still be warm.
///
/// # Errors
/// When one of them fails.
pub fn give(peers: Vec<Peer>, turns: u64, order: &mut fastrand::Rng) -> Result<Vec<Measured>> {
    let mut peers: Vec<(usize, Peer)> = peers.into_iter().enumerate().collect();
    for _ in 0..turns {
        let before = peers.last().map(|(number, _)| *number);
        order.shuffle(&mut peers);
        if peers.first().map(|(number, _)| *number) == before {
            peers.rotate_left(1);
        }
        for (_, peer) in &mut peers {
            peer.turn()?;
        }
    }
    peers.sort_by_key(|(number, _)| *number);
    peers.into_iter().map(|(_, peer)| peer.finish()).collect()
}

/// A peer's process; killed where it is dropped before its end.
#[derive(Debug)]
pub struct Peer {
    name: &'static str,
    child: Child,
    turns: Option<ChildStdin>,
    said: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts a child and waits until its first turn can come.
    ///
    /// # Errors
    /// When it cannot start; what it says of it is on standard error.
    pub fn start(name: &'static str, child: &mut Command) -> Result<Self> {
        let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let turns = child.stdin.take();
        let said = BufReader::new(child.stdout.take().context("a child without output")?);
        let mut peer = Self {
            name,
            child,
            turns,
            said,
        };
        peer.is_ready()?;
        peer.signal(Signal::STOP)?;
        Ok(peer)
    }

    /// Gives it one turn, and stops it again.
    fn turn(&mut self) -> Result<()> {
        self.signal(Signal::CONT)?;
        let turns = self.turns.as_mut().context("no more turns")?;
        turns.write_all(b"turn\n")?;
        self.is_ready()?;
        self.signal(Signal::STOP)
    }

    /// Tells it that there are no more turns, and takes its result.
    fn finish(mut self) -> Result<Measured> {
        self.turns = None;
        self.signal(Signal::CONT)?;
        let mut text = String::new();
        self.said.read_to_string(&mut text)?;
        let ended = self.child.wait()?;
        ensure!(ended.success(), "{} ended: {ended}", self.name);
        read_result(&text).with_context(|| self.name)
    }

    fn is_ready(&mut self) -> Result<()> {
        let mut line = String::new();
        self.said.read_line(&mut line)?;
        ensure!(
            line.trim_end() == READY,
            "{} said {line:?} instead of {READY}",
            self.name
        );
        Ok(())
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let id = i32::try_from(self.child.id())?;
        let id = Pid::from_raw(id).context("a child without an id")?;
        kill_process(id, signal).with_context(|| format!("{signal:?} to {}", self.name))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Nothing to do where it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
