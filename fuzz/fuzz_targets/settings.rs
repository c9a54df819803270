//! Settings files: a mistake is said the same way twice, points into the text, and never repeats a secret above it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telemetry_runtime::Settings;

const SECRET: &str = "c4n4ry";

fuzz_target!(|text: &str| {
    said_of(text);
    let above = format!(
        "telemetry:\n  exporters:\n    - provider: otlp\n      otlp: {{headers: {{x-key: {SECRET}}}}}\n{text}"
    );
    // What the file says elsewhere, too, is no secret.
    assert!(text.contains(SECRET) || !said_of(&above).contains(SECRET), "{above}");
});

/// The mistakes, or the settings as they are shown.
fn said_of(text: &str) -> String {
    match Settings::from_text(text, "settings.yaml") {
        Ok(settings) => {
            let section = settings.section::<serde_json::Value>("server");
            format!("{settings:?} {section:?}")
        }
        Err(error) => {
            let message = error.to_string();
            assert!(message.contains("settings.yaml:"), "{message}");
            let again = Settings::from_text(text, "settings.yaml").expect_err("it was one");
            assert_eq!(again.to_string(), message);
            message
        }
    }
}
