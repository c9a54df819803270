use telemetry_runtime::instrument;

#[instrument(parent = id)]
fn parent(id: u64) -> u64 {
    id
}

#[instrument(links = [id])]
fn links(id: u64) -> u64 {
    id
}

#[instrument(follows_from = id)]
fn one_link(id: u64) -> u64 {
    id
}

fn main() {
    parent(links(one_link(1)));
}
