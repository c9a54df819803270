use telemetry_runtime::instrument;

#[instrument]
fn plain(n: u32) -> Result<u32, String> {
    Ok("text")
}

#[instrument]
async fn later(n: u32) -> u32 {
    "text"
}

#[instrument]
fn missing(n: u32) -> u32 {
    let _m = n;
}

#[instrument]
async fn moved(text: String) -> Result<usize, String> {
    drop(text);
    Ok(text.len())
}

#[instrument]
fn moved_now(text: String, list: &mut Vec<u8>) -> Result<usize, String> {
    let first = &mut list[0];
    list.clear();
    *first = 1;
    drop(text);
    Ok(text.len())
}

#[instrument]
fn unchangeable(text: String) -> Result<String, String> {
    text.push('a');
    Ok(text)
}

fn main() {}
