//! What `init` sees to beside our own spans: those that other libraries make, but none of its own threads.

use std::sync::mpsc;
use std::time::Duration;

use telemetry_runtime::export::memory::Memory;
use telemetry_runtime::{Batch, ExportError, Exported, Exporter, Settings, builder, instrument};
use tracing::{debug_span, error_span, info_span};

/// An exporter that is built of libraries which make spans, and makes some itself.
struct Talkative(mpsc::Sender<usize>);

impl Exporter for Talkative {
    fn export(&mut self, batch: &Batch) -> Result<Exported, ExportError> {
        #[instrument]
        fn send() {}
        info_span!("theirs, in an exporter").in_scope(send);
        info_span!(parent: None, "root, in an exporter").in_scope(send);
        let _ = self.0.send(batch.span_count());
        Ok(Exported::all())
    }
}

/// One test: there is one subscriber in a process.
#[test]
fn spans_of_other_libraries_are_recorded_from_info_on_and_those_of_exporters_never() {
    let (exported, batches) = mpsc::channel();
    let memory = Memory::new();
    let settings =
        Settings::from_text("telemetry: {exporters: []}", "settings.yaml").expect("they are right");
    let guard = builder()
        .settings(settings)
        .exporter("talkative", Talkative(exported))
        .exporter("memory", memory.clone())
        .install()
        .expect("telemetry starts");
    info_span!("theirs").in_scope(|| {
        debug_span!("fine detail").in_scope(|| {});
        info_span!(target: "h2::client", "network library").in_scope(|| {});
        error_span!("important").in_scope(|| {});
    });
    assert!(guard.flush(Duration::from_secs(10)).is_complete());
    assert_eq!(batches.recv_timeout(Duration::from_secs(10)), Ok(2));
    // A second flush would bring what the first one's export has made.
    assert!(guard.flush(Duration::from_secs(10)).is_complete());
    let mut names: Vec<_> = memory.take().into_iter().map(|span| span.name).collect();
    names.sort();
    assert_eq!(names, ["important", "theirs"]);
}
