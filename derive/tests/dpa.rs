//! The strict entry about an access to data: what does not compile, and what the compiler says then.

#[test]
fn t004_03_an_entry_without_a_part_or_with_contents_does_not_compile() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/dpa/fail_*.rs");
}
