//! Misuse of the derives is explained by the compiler.

#[test]
fn compile_errors() {
    trybuild::TestCases::new().compile_fail("tests/params/ui/*.rs");
}
