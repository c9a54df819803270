//! Which log lines are written, and in which form.

use crate::record::Resource;
#[cfg(feature = "logging")]
use tracing_subscriber::{EnvFilter, filter::Targets};

/// Which log lines are written, and in which form.
///
/// By default JSON, from `info` on, and only warnings of the network libraries below the exporters. Settings files say it under
/// `logging`.
///
/// # Examples
/// ```
/// use telemetry_runtime::logging::{Filter, Format, Options};
///
/// let filter = Filter::from_directives("info,orders=debug")?;
/// let options = Options { filter, format: Format::Text, ..Options::default() };
/// # Ok::<(), telemetry_runtime::logging::FilterError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// Which events are written.
    pub filter: Filter,
    /// How they look.
    pub format: Format,
    /// Whether to colour levels; JSON has no colours. Off by default: `Settings` turn it on where standard error is a terminal, as
    /// far as `NO_COLOR` allows.
    pub colour: bool,
    /// Who writes the lines, for formats that say so; nobody by default. [`Format::Gcp`] looks for `gcp.project_id`, or `cloud.account.id`
    /// where `cloud.provider` is `gcp`; [`Format::Ecs`] for `service.name`, `service.version`, `service.instance.id` and
    /// `deployment.environment.name`. `Settings` say what they say to exporters.
    pub resource: Resource,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// One JSON object a line, for machines.
    #[default]
    Json,
    /// One line of text, for people.
    Text,
    /// One JSON object a line, as the agents of Google Cloud take it: with `severity`, `time`, the place in the code, and the special fields
    /// for traces, whose value is `projects/PROJECT/traces/TRACE` where the project is known, and else the trace's id alone. Integers
    /// beyond 2^53 are text, since there numbers are doubles.
    ///
    /// Source: Cloud Logging, "Structured logging".
    Gcp,
    /// One JSON object a line in the Elastic Common Schema 8.11; fields are its `labels`, with `_` for `.`, `*` and `\` in their
    /// names, and the data set is the service.
    ///
    /// Source: Elastic, ECS logging specification.
    Ecs,
}

/// Directives that say which events are written, such as `info,my_crate=debug`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter(String);

/// The text is no filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a level ({}) or directives such as `info,my_crate=debug`", LEVELS.join(", "))]
pub struct FilterError(());

/// The levels of settings.
pub(crate) const LEVELS: [&str; 6] = ["trace", "debug", "info", "warn", "error", "off"];
/// Libraries that have much to say about every request that an exporter sends.
const CALM: &str = "hyper=warn,h2=warn,tonic=warn,ureq=warn,ureq_proto=warn,rustls=warn";

impl Filter {
    /// Directives as they stand, as in the variable `RUST_LOG`: their syntax is that of `tracing-subscriber`'s `EnvFilter`.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn from_directives(directives: &str) -> Result<Self, FilterError> {
        #[cfg(feature = "logging")]
        EnvFilter::builder().parse(directives).map_err(|_| FilterError(()))?;
        Ok(Self(directives.to_owned()))
    }

    /// As settings say it: a level alone keeps network libraries calm, and a word alone must be a level, since a misspelt level would
    /// otherwise be taken for the name of a crate and silence all others.
    pub(crate) fn from_setting(text: &str) -> Result<Self, FilterError> {
        let is_level = |word: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word.trim()));
        match text.trim() {
            level if is_level(level) => Ok(Self::from_level(&level.to_ascii_lowercase())),
            directives if directives.split(',').any(|word| !word.contains(['=', '[']) && !is_level(word)) => {
                Err(FilterError(()))
            }
            directives => Self::from_directives(directives),
        }
    }

    /// The same for spans of other libraries, which are chosen by target and level alone: no span is looked into to choose it.
    pub(crate) fn from_setting_by_target(text: &str) -> Result<Self, FilterError> {
        let filter = Self::from_setting(text)?;
        #[cfg(feature = "logging")]
        filter.0.parse::<Targets>().map_err(|_| FilterError(()))?;
        Ok(filter)
    }

    fn from_level(level: &str) -> Self {
        match level {
            "trace" | "debug" | "info" => Self(format!("{level},{CALM}")),
            level => Self(level.to_owned()),
        }
    }

    /// The directives.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[cfg(feature = "logging")]
    pub(super) fn to_env_filter(&self) -> EnvFilter {
        EnvFilter::builder().parse_lossy(&self.0)
    }

    /// The same filter by target and level alone; `None` if it looks into spans.
    #[cfg(feature = "logging")]
    pub(crate) fn as_targets(&self) -> Option<Targets> {
        if self.0.contains('[') { None } else { self.0.parse().ok() }
    }

    /// A filter of [`Self::from_setting_by_target`]; anything else lets nothing pass.
    #[cfg(feature = "logging")]
    pub(crate) fn to_targets(&self) -> Targets {
        self.0.parse().unwrap_or_default()
    }
}

/// `info`, and only warnings of network libraries.
impl Default for Filter {
    fn default() -> Self {
        Self::from_level("info")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(text: &str) -> Option<String> {
        Filter::from_setting(text).ok().map(|filter| filter.0)
    }

    #[test]
    fn level_alone_keeps_network_libraries_calm_but_not_louder_than_itself() {
        assert_eq!(setting("INFO"), Some(Filter::default().0));
        assert_eq!(setting(" debug "), Some(format!("debug,{CALM}")));
        assert_eq!(setting("off").as_deref(), Some("off"));
        assert_eq!(setting("error").as_deref(), Some("error"));
    }

    #[test]
    fn directives_stand_as_they_are() {
        assert_eq!(setting("warn,orders=debug").as_deref(), Some("warn,orders=debug"));
        assert_eq!(setting("info,[span{id=1}]=trace").as_deref(), Some("info,[span{id=1}]=trace"));
    }

    #[cfg(feature = "logging")]
    #[test]
    fn spans_are_chosen_by_target_and_level_alone() {
        let setting = |text| Filter::from_setting_by_target(text).ok().map(|filter| filter.to_targets());
        let default = setting("info").expect("it is a level");
        assert_eq!(default, Filter::default().to_targets());
        let info = tracing::Level::INFO;
        assert!(default.would_enable("orders", &info) && !default.would_enable("h2::client", &info));
        assert!(!default.would_enable("orders", &tracing::Level::DEBUG));
        assert!(setting("off").is_some_and(|off| !off.would_enable("orders", &tracing::Level::ERROR)));
        assert_eq!(setting("info,[span{id=1}]=trace"), None);
        assert_eq!(setting("inof"), None);
    }

    /// Whether each of some places is let through, first by `EnvFilter`.
    #[cfg(feature = "logging")]
    macro_rules! both_ways {
        ($filter:expr, $(($target:literal, $level:ident)),+ $(,)?) => {{
            use tracing_subscriber::layer::SubscriberExt;
            let registry = tracing_subscriber::registry().with($filter.to_env_filter());
            let ask = || [$(tracing::enabled!(target: $target, tracing::Level::$level)),+];
            let targets = $filter.as_targets().expect("it looks into no span");
            let by_targets = [$(targets.would_enable($target, &tracing::Level::$level)),+];
            (tracing::subscriber::with_default(registry, ask), by_targets)
        }};
    }

    #[cfg(feature = "logging")]
    #[test]
    fn filters_that_look_into_no_span_say_the_same_without_a_registry() {
        let directives = [
            "info",
            "off",
            "trace",
            "warn,orders=debug",
            "orders",
            "orders=trace,orders::db=error",
            "hyper=off,info",
        ];
        for directives in directives.into_iter().chain([Filter::default().as_str()]) {
            let filter = Filter::from_directives(directives).expect("a filter");
            let (by_env_filter, by_targets) = both_ways!(
                filter,
                ("orders", ERROR),
                ("orders", DEBUG),
                ("orders::db", WARN),
                ("orders_of_others", TRACE),
                ("hyper::client", INFO),
                ("hyper::client", ERROR),
                ("other", WARN),
                ("other", INFO),
                ("other", TRACE),
            );
            assert_eq!(by_env_filter, by_targets, "{directives}");
        }
    }

    #[cfg(feature = "logging")]
    #[test]
    fn filters_that_look_into_spans_need_a_registry() {
        for directives in ["info,[span{id=1}]=trace", "[span]=debug"] {
            let filter = Filter::from_directives(directives).expect("a filter");
            assert_eq!(filter.as_targets(), None, "{directives:?}");
        }
    }

    #[test]
    fn misspelt_level_is_no_crate() {
        for wrong in ["inof", "warning", "", "orders", "info,orders", "orders=loud"] {
            assert_eq!(setting(wrong), None, "{wrong}");
        }
        assert!(Filter::from_directives("orders").is_ok());
    }
}
