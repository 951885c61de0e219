//! What was said of values that were judged before. Lists repeat a few pairs, and so do texts that are made to be slow.

use super::plausible::{Candidate, is_plausible};
use crate::redact::words::Named;

/// A value, what it was judged by, and the verdict.
#[derive(Debug, Clone, Copy)]
struct Verdict<'t> {
    named: Named,
    candidate: Candidate<'t>,
    is_plausible: bool,
}

/// The last verdicts, each in its place.
#[derive(Debug, Default)]
pub(super) struct Judged<'t> {
    verdicts: [Option<Verdict<'t>>; PLACES],
}

/// How many verdicts are remembered.
const PLACES: usize = 4;

/// The longest value that one is remembered of, in bytes: each is compared with what stands in its place.
const LONGEST: usize = 48;

impl<'t> Judged<'t> {
    /// As [`is_plausible`] says of the candidate with what stands in its value, which `traits` tells if need be.
    pub(super) fn is_plausible(
        &mut self,
        named: Named,
        candidate: Candidate<'t>,
        traits: impl FnOnce() -> super::traits::Traits,
    ) -> bool {
        let judge = || {
            let traits = traits();
            is_plausible(named, Candidate { traits, ..candidate })
        };
        let value = candidate.value.as_bytes();
        let place = usize::from(value.last().copied().unwrap_or(0)) ^ value.len();
        let Some(known) = self
            .verdicts
            .get_mut(place % PLACES)
            .filter(|_| value.len() <= LONGEST)
        else {
            return judge();
        };
        if let Some(known) = known
            && known.named == named
            && known.candidate.is_as(&candidate)
        {
            return known.is_plausible;
        }
        let is_plausible = judge();
        *known = Some(Verdict {
            named,
            candidate,
            is_plausible,
        });
        is_plausible
    }
}
