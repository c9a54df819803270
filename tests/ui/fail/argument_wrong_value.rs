use telemetry_runtime::instrument;

#[instrument(name = 3, target = format!("x"), level = true, kind = 2)]
fn types() {}

#[instrument(name, skip, fields = "a", skip_all = true, err = 1, ret = false, err(Debug))]
fn forms() {}

#[instrument(name = , level = )]
fn nothing() {}

#[instrument(name = "", crate = 3)]
fn empty() {}

fn main() {
    types();
    forms();
    nothing();
    empty();
}
