//! Bodies of tokens that do not have a shape. One long run may hold many literals, and what is missing behind one of them is
//! missing behind those that follow.

use std::borrow::Cow;
use std::ops::Range;

use super::tokens::Shape;

/// Bodies of one end that do not have a shape.
#[derive(Debug)]
pub(super) struct Misfits {
    /// Where they begin.
    from: Range<usize>,
    end: usize,
}

impl Misfits {
    pub(super) const NONE: Self = Self { from: 0..0, end: 0 };

    /// Whether the body from `from` to `end`, which `body` gives if there is memory for it, has the shape.
    pub(super) fn ask<'b>(
        &mut self,
        shape: Shape,
        from: usize,
        end: usize,
        body: impl FnOnce() -> Option<Cow<'b, [u8]>>,
    ) -> bool {
        if self.end == end && self.from.contains(&from) {
            return false;
        }
        let Some(body) = body() else {
            return false;
        };
        let fits = shape.fits(&body);
        if !fits {
            *self = Self {
                from: from..from + shape.misfits(&body),
                end,
            };
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_remembered_of_a_run_is_what_reading_it_says(
            pieces in prop::collection::vec(
                prop_oneof!["eyJ", "[a-z]{1,14}", "[A-Z0-9]{1,9}", "[.]{1,2}", "-", "[a-zA-Z0-9]{12,20}"],
                0..12,
            )
        ) {
            let run = pieces.concat();
            for shape in [Shape::Mixed, Shape::Jwt, Shape::Parts] {
                let mut misfits = Misfits::NONE;
                for from in 0..=run.len() {
                    let body = &run.as_bytes()[from..];
                    let asked = misfits.ask(shape, from, run.len(), || Some(Cow::Borrowed(body)));
                    prop_assert_eq!(asked, shape.fits(body), "{:?} from {} of {}", shape, from, run);
                }
            }
        }
    }
}
