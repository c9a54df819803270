#![deny(warnings)]

use std::fmt::Debug;

use telemetry_runtime::instrument;

trait Handy: Sized {
    fn value(self) -> Self {
        self
    }
    fn debug(&self) -> String
    where
        Self: Debug,
    {
        format!("{self:?}")
    }
    fn display(&mut self) {}
    fn of(self) {}
    fn fail(&mut self) {}
    fn poll(&mut self) {}
}

impl<T> Handy for T {}

struct Unknown;

#[instrument(ret, fields(typed = n.value(), ?n, %text))]
fn f(n: u8, text: &str, _unknown: Unknown) -> Result<String, String> {
    Ok(text.debug())
}

#[instrument(ret(Display), fields(typed = n, ?other, %text))]
async fn g(n: u8, other: u8, text: &str) -> Result<String, String> {
    Ok(text.debug())
}

fn main() {
    let mut text = f(1, "", Unknown).unwrap();
    text.display();
    text.fail();
    text.poll();
    text.of();
    drop(g(1, 2, ""));
}
