//! Counting tests: what test runners print at their end, and the closing line over all of them.

use std::fmt;

/// How many tests did what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    /// Takes tests that passed only because they found nothing to run with for what they are: skipped.
    pub(crate) fn skip(&mut self, count: u64) {
        let count = count.min(self.passed);
        self.passed -= count;
        self.skipped += count;
    }

    /// What `cargo nextest run` says: `Summary [ 1.2s] 9 tests run: 7 passed (1 slow), 1 failed, 1 timed out, 2 skipped`.
    pub(crate) fn of_nextest(said: &str) -> Option<Self> {
        let summary = said
            .lines()
            .rev()
            .find(|line| line.trim_start().starts_with("Summary ["))?;
        let (_, counts) = summary.split_once(" run: ")?;
        let mut tally = Self::default();
        for part in without_parentheses(counts).split(',') {
            let (count, fate) = number(part)?;
            match fate {
                "passed" => tally.passed += count,
                "skipped" => tally.skipped += count,
                _ => tally.failed += count,
            }
        }
        Some(tally)
    }

    /// What `cargo test` says, once for each binary: `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    pub(crate) fn of_cargo_test(said: &str) -> Option<Self> {
        let mut total = None;
        for line in said
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix("test result: "))
        {
            let tally: &mut Self = total.get_or_insert_default();
            let (_, counts) = line.split_once(". ")?;
            for (count, fate) in counts.split(';').filter_map(number) {
                match fate {
                    "passed" => tally.passed += count,
                    "failed" => tally.failed += count,
                    "ignored" => tally.skipped += count,
                    _ => {}
                }
            }
        }
        total
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}

/// `  12 timed out ` as 12 and `timed out`.
fn number(part: &str) -> Option<(u64, &str)> {
    let (count, fate) = part.trim().split_once(' ')?;
    Some((count.parse().ok()?, fate.trim()))
}

fn without_parentheses(text: &str) -> String {
    let mut depth = 0;
    let kept = text.chars().filter(|character| {
        depth += i32::from(*character == '(');
        let keep = depth == 0;
        depth -= i32::from(*character == ')');
        keep
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(passed: u64, failed: u64, skipped: u64) -> Option<Tally> {
        Some(Tally {
            passed,
            failed,
            skipped,
        })
    }

    #[test]
    fn the_summary_of_nextest_is_read() {
        let plain = "  PASS [ 0.1s] a b\n------\n     Summary [   0.020s] 3 tests run: 3 passed, 0 skipped\n";
        assert_eq!(Tally::of_nextest(plain), tally(3, 0, 0));
        let one = "     Summary [   0.020s] 1 test run: 1 passed, 2 skipped";
        assert_eq!(Tally::of_nextest(one), tally(1, 0, 2));
        let bad = "Summary [  9s] 9/20 tests run: 5 passed (1 slow, 1 flaky), 1 failed, 2 timed out, 1 exec failed, 4 skipped";
        assert_eq!(Tally::of_nextest(bad), tally(5, 4, 4));
        assert_eq!(Tally::of_nextest("error: could not compile"), None);
    }

    #[test]
    fn the_results_of_cargo_test_are_added_up() {
        let said = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.1s\n\
                    x\ntest result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0s\n";
        assert_eq!(Tally::of_cargo_test(said), tally(5, 1, 1));
        assert_eq!(Tally::of_cargo_test("error: could not compile"), None);
    }

    #[test]
    fn the_closing_line_has_the_form_that_is_read_elsewhere() {
        assert_eq!(
            tally(5, 0, 2).unwrap().to_string(),
            "5 passed, 0 failed, 2 skipped"
        );
    }

    #[test]
    fn a_skip_moves_a_test_and_never_invents_one() {
        let mut some = tally(2, 0, 1).unwrap();
        some.skip(1);
        assert_eq!(Some(some), tally(1, 0, 2));
        some.skip(5);
        assert_eq!(Some(some), tally(0, 0, 3));
    }
}
