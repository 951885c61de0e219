//! One sink behind several streams: each stream's follower has a handle, and one of them uses the sink at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;

use super::follower::Given;
use super::ports::kept;
use crate::format::Entry;
use crate::sink::{Accepted, Sink, SinkError};

/// A handle on a sink.
#[derive(Debug)]
struct Shared {
    /// Which of the handles this is.
    at: usize,
    name: String,
    resumes: bool,
    held: Arc<Mutex<Held>>,
}

#[derive(Debug)]
struct Held {
    sink: Box<dyn Sink>,
    /// Why it failed for good: for every stream, whichever met it.
    failure: Option<String>,
    /// The time that it named, not to be asked again before, and why. The handle that met it has it kept by its own
    /// follower, which may try once more at the trail's end.
    pause: Option<Pause>,
}

#[derive(Debug)]
struct Pause {
    met_by: usize,
    until: Instant,
    cause: String,
}

impl Shared {
    fn call<T>(&self, call: impl FnOnce(&mut dyn Sink) -> Result<T, SinkError>) -> Result<T, SinkError> {
        let mut held = self.held.lock();
        if let Some(cause) = &held.failure {
            return Err(SinkError::fatal(cause));
        }
        let called = catch_unwind(AssertUnwindSafe(|| call(&mut *held.sink)));
        let answer = called.unwrap_or_else(|_| Err(SinkError::fatal("it panicked")));
        if let Err(SinkError::Fatal { cause }) = &answer {
            held.failure = Some(cause.clone());
        }
        answer
    }
}

impl Sink for Shared {
    fn deliver(&mut self, batch: &[Entry<'_>]) -> Result<Accepted, SinkError> {
        if let Some(pause) = self
            .held
            .lock()
            .pause
            .as_ref()
            .filter(|pause| pause.met_by != self.at)
        {
            let left = pause.until.saturating_duration_since(Instant::now());
            if !left.is_zero() {
                let (after, cause) = (Some(left), pause.cause.clone());
                return Err(SinkError::Retry { after, cause });
            }
        }
        let answer = self.call(|sink| sink.deliver(batch));
        self.held.lock().pause = match &answer {
            Err(SinkError::Retry {
                after: Some(after),
                cause,
            }) => Some(Pause {
                met_by: self.at,
                until: Instant::now() + kept(*after),
                cause: cause.clone(),
            }),
            _ => None,
        };
        answer
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.call(|sink| sink.flush())
    }

    fn resumes(&self) -> bool {
        self.resumes
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// Gives each of so many streams all of the sinks. A single stream has them to itself.
pub(super) fn share(sinks: Vec<Given>, streams: usize) -> Vec<Vec<Given>> {
    if streams <= 1 {
        return vec![sinks];
    }
    let mut of_streams: Vec<Vec<Given>> = std::iter::repeat_with(Vec::new).take(streams).collect();
    for Given { sink, from_now } in sinks {
        let (name, resumes) = (sink.name().to_owned(), sink.resumes());
        let held = Arc::new(Mutex::new(Held {
            sink,
            failure: None,
            pause: None,
        }));
        for (at, of_stream) in of_streams.iter_mut().enumerate() {
            let sink = Box::new(Shared {
                at,
                name: name.clone(),
                resumes,
                held: Arc::clone(&held),
            });
            of_stream.push(Given { sink, from_now });
        }
    }
    of_streams
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Fails for good at its first batch.
    #[derive(Debug)]
    struct Breaks(bool);

    impl Sink for Breaks {
        fn deliver(&mut self, _: &[Entry<'_>]) -> Result<Accepted, SinkError> {
            assert!(!std::mem::replace(&mut self.0, true), "it was called again");
            panic!("broken");
        }

        fn flush(&mut self) -> Result<(), SinkError> {
            panic!("it was called again");
        }
    }

    /// Is away, and names the longest time there is.
    #[derive(Debug)]
    struct Away;

    impl Sink for Away {
        fn deliver(&mut self, _: &[Entry<'_>]) -> Result<Accepted, SinkError> {
            Err(SinkError::Retry {
                after: Some(Duration::MAX),
                cause: "away".to_owned(),
            })
        }

        fn flush(&mut self) -> Result<(), SinkError> {
            Ok(())
        }
    }

    #[test]
    fn a_time_beyond_all_measure_breaks_no_stream_and_is_no_longer_for_the_others() {
        let given = Given {
            sink: Box::new(Away),
            from_now: false,
        };
        let mut waits =
            share(vec![given], 2)
                .into_iter()
                .map(|mut handles| match handles.remove(0).sink.deliver(&[]) {
                    Err(SinkError::Retry { after, .. }) => after.unwrap(),
                    other => panic!("{other:?}"),
                });
        assert_eq!(waits.next(), Some(Duration::MAX));
        let longest = kept(Duration::MAX);
        assert!(
            waits
                .next()
                .is_some_and(|wait| !wait.is_zero() && wait <= longest)
        );
    }

    #[test]
    fn a_sink_that_broke_behind_one_stream_is_called_by_no_other() {
        let given = Given {
            sink: Box::new(Breaks(false)),
            from_now: false,
        };
        let mut streams = share(vec![given], 2);
        let mut other = streams.pop().unwrap().remove(0).sink;
        let mut one = streams.pop().unwrap().remove(0).sink;
        assert_eq!((one.name(), other.name()), ("Breaks", "Breaks"));
        let entry = Entry::new(0, 0, b"{}");
        assert!(matches!(one.deliver(&[entry]), Err(SinkError::Fatal { .. })));
        assert!(matches!(other.deliver(&[entry]), Err(SinkError::Fatal { .. })));
        assert!(matches!(other.flush(), Err(SinkError::Fatal { .. })));
    }

    /// Names a pause whenever it is asked, and counts that.
    #[derive(Debug)]
    struct Pauses(Arc<std::sync::atomic::AtomicU32>);

    impl Sink for Pauses {
        fn deliver(&mut self, _: &[Entry<'_>]) -> Result<Accepted, SinkError> {
            self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            Err(SinkError::Retry {
                after: Some(Duration::from_secs(3600)),
                cause: "come back later".to_owned(),
            })
        }

        fn flush(&mut self) -> Result<(), SinkError> {
            Ok(())
        }
    }

    #[test]
    fn a_pause_that_a_sink_names_to_one_stream_is_kept_by_the_others_and_its_own_may_try_again() {
        let asked = Arc::new(std::sync::atomic::AtomicU32::new(0));
        let given = Given {
            sink: Box::new(Pauses(Arc::clone(&asked))),
            from_now: false,
        };
        let mut streams = share(vec![given], 2);
        let mut other = streams.pop().unwrap().remove(0).sink;
        let mut one = streams.pop().unwrap().remove(0).sink;
        let entry = Entry::new(0, 0, b"{}");
        let times = || asked.load(std::sync::atomic::Ordering::SeqCst);
        one.deliver(&[entry]).unwrap_err();
        let Err(SinkError::Retry { after, cause }) = other.deliver(&[entry]) else {
            panic!("it was taken")
        };
        assert!(after.is_some_and(|after| after.as_secs() > 3000), "{after:?}");
        assert_eq!((times(), cause.as_str()), (1, "come back later"));
        one.deliver(&[entry]).unwrap_err();
        assert_eq!(times(), 2);
    }
}
