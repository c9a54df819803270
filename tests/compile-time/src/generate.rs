//! The source of a crate with a thousand functions: half of them async, half returning `Result`, with one or two parameters each.

use std::fmt::Write;

const FUNCTIONS: usize = 1_000;

const PREAMBLE: &str = "\
use std::fmt;
use std::pin::Pin;

#[derive(Debug)]
pub struct Failed(pub u64);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(\"failed\")
    }
}

impl std::error::Error for Failed {}
";

/// One library's way to instrument a function.
pub struct Variant {
    pub name: &'static str,
    /// What it puts on a function that cannot fail, and on one that can.
    pub attributes: [&'static str; 2],
    pub dependency: &'static str,
}

pub const VARIANTS: &[Variant] = &[
    Variant { name: "none", attributes: ["", ""], dependency: "" },
    Variant {
        name: "tracing::instrument",
        attributes: ["#[tracing::instrument]", "#[tracing::instrument(err)]"],
        dependency: "tracing = \"0.1\"",
    },
    Variant {
        name: "fastrace::trace",
        attributes: ["#[fastrace::trace]", "#[fastrace::trace]"],
        dependency: "fastrace = { version = \"0.7\", features = [\"enable\"] }",
    },
    Variant {
        name: "telemetry_runtime::instrument",
        attributes: ["#[telemetry_runtime::instrument]", "#[telemetry_runtime::instrument]"],
        dependency: concat!(
            "telemetry-runtime = { path = \"",
            env!("CARGO_MANIFEST_DIR"),
            "/../../telemetry-runtime\", default-features = false, features = [\"tracing\"] }"
        ),
    },
];

pub fn source(variant: &Variant) -> String {
    let mut source = String::from(PREAMBLE);
    for number in 0..FUNCTIONS {
        write_function(&mut source, number, variant);
    }
    source
}

fn write_function(source: &mut String, number: usize, variant: &Variant) {
    let (is_async, fails, has_two) = (number % 2 == 1, number / 2 % 2 == 1, number / 4 % 2 == 1);
    let attribute = variant.attributes[usize::from(fails)];
    let keyword = if is_async { "async " } else { "" };
    let (parameters, second) =
        if has_two { ("id: u64, flag: bool", "u64::from(flag)") } else { ("id: u64", "1") };
    let (returned, body) = if fails {
        ("Result<u64, Failed>", format!("if id == {number} {{ return Err(Failed(id)); }} Ok(id + {second})"))
    } else {
        ("u64", format!("id.wrapping_mul(31) + {second}"))
    };
    let wait = if is_async { "std::future::ready(()).await; " } else { "" };
    let _ = writeln!(
        source,
        "{attribute}\npub {keyword}fn f{number}({parameters}) -> {returned} {{ {wait}{body} }}"
    );
    if is_async {
        // Without a caller the future's code would never be generated.
        let arguments = if has_two { "id, flag" } else { "id" };
        let _ = writeln!(
            source,
            "pub fn b{number}({parameters}) -> Pin<Box<dyn Future<Output = {returned}> + Send>> \
             {{ Box::pin(f{number}({arguments})) }}"
        );
    }
}
