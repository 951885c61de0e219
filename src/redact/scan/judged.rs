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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::hits::Sort;
    use super::super::plausible::Joint;
    use super::super::traits;
    use super::*;
    use crate::redact::words::Force;

    proptest! {
        #[test]
        fn a_verdict_is_the_same_whatever_was_judged_before(
            asked in proptest::collection::vec(
                (
                    proptest::sample::select(vec![
                        "token", "nekot", "hunter22", "Xabc12XYdefgh9", "", "x", "123456", "admin", "is", "[REDACTED:secret]",
                        "Zx9kLm4Q7wE2rT6yU8iO1pA3sD5f", "Zx9kLm4Q7wE2rT6yU8iO1pA3sD5fZx9kLm4Q7wE2rT6yU8iO1pA3sD5f", "a,b", "secret",
                    ]),
                    proptest::sample::select(vec![Joint::Assigned, Joint::Colon, Joint::Listed]),
                    proptest::sample::select(vec![Force::Certain, Force::Opaque, Force::Parameter, Force::Digits(4)]),
                    proptest::bits::u8::between(0, 6),
                ),
                0..40,
            ),
        ) {
            let mut judged = Judged::default();
            for (value, joint, force, bits) in asked {
                let is = |bit: u8| bits >> bit & 1 == 1;
                let sort = if is(0) { Sort::Personal } else { Sort::Secret };
                let named = Named { sort, force, plural: is(1), short: is(2), phrase: false };
                let traits = traits::of(value.as_bytes());
                let candidate = Candidate { value, joint, quoted: is(3), parameter: is(4), goes_on: is(5), traits };
                let given = Candidate { traits: 0, ..candidate };
                prop_assert_eq!(judged.is_plausible(named, given, || traits), is_plausible(named, candidate));
            }
        }
    }
}
