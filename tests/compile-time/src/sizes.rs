//! Bytes of a chain of async functions, each of which awaits the next.

use std::fmt::Write;

/// A chain of eight functions under an attribute; the lengths of its ends, from one function to all.
macro_rules! chain {
    ($chain:ident, $(#[$attribute:meta])?) => {
        mod $chain {
            use std::future::ready;

            chain!(@function $(#[$attribute])? one => ready(()));
            chain!(@function $(#[$attribute])? two => one());
            chain!(@function $(#[$attribute])? three => two());
            chain!(@function $(#[$attribute])? four => three());
            chain!(@function $(#[$attribute])? five => four());
            chain!(@function $(#[$attribute])? six => five());
            chain!(@function $(#[$attribute])? seven => six());
            chain!(@function $(#[$attribute])? eight => seven());

            pub fn sizes() -> [usize; 8] {
                [
                    size_of_val(&one()),
                    size_of_val(&two()),
                    size_of_val(&three()),
                    size_of_val(&four()),
                    size_of_val(&five()),
                    size_of_val(&six()),
                    size_of_val(&seven()),
                    size_of_val(&eight()),
                ]
            }
        }
    };
    (@function $(#[$attribute:meta])? $name:ident => $next:expr) => {
        $(#[$attribute])?
        async fn $name() {
            $next.await
        }
    };
}

chain!(plain,);
chain!(ours, #[telemetry_runtime::instrument]);
chain!(tracing, #[::tracing::instrument]);
chain!(fastrace, #[::fastrace::trace]);

pub fn table() -> String {
    let mut table =
        String::from("Bytes of an async function that awaits the next, by the length of the chain\n\n");
    table += "| attribute | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | a layer |\n|---|---|---|---|---|---|---|---|---|---|\n";
    for (name, sizes) in [
        ("none", plain::sizes()),
        ("`telemetry_runtime::instrument`", ours::sizes()),
        ("`tracing::instrument`", tracing::sizes()),
        ("`fastrace::trace`", fastrace::sizes()),
    ] {
        let cells: Vec<_> = sizes.iter().map(usize::to_string).collect();
        let layer = (sizes[7] - sizes[0]) / 7;
        // A string takes whatever is written to it.
        let _ = writeln!(table, "| {name} | {} | {layer} |", cells.join(" | "));
    }
    table
}
