//! Prints what `#[instrument]` costs before a program runs, beside others: `cargo run --release`, here.

mod build;
mod generate;
mod sizes;

fn main() -> std::io::Result<()> {
    println!("{}", sizes::table());
    println!("{}", build::table()?);
    Ok(())
}
