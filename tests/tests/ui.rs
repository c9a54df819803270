//! What `#[instrument]` must compile, and what it must say about what it cannot.

#[test]
fn messages_and_shapes() {
    let cases = trybuild::TestCases::new();
    cases.pass("ui/pass/*.rs");
    cases.compile_fail("ui/fail/*.rs");
}
