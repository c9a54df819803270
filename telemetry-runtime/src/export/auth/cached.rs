//! Credentials that expire, kept as long as they hold and fetched anew before they do not.

use crate::export::ExportError;

/// Where credentials come from. It is asked on the exporter's own thread, and may block for some seconds.
pub(super) trait Source: Send {
    type Item: Send;

    /// Something that is good now. An error says in clear words what is missing, shows no secret, and lets the batch be tried again.
    fn fetch(&mut self, now_s: u64) -> Result<Fetched<Self::Item>, ExportError>;

    /// Whether asking again gives the same for ever.
    fn is_fixed(&self) -> bool {
        false
    }
}

/// Credentials, and until when they are good, in Unix seconds; `None`: until somebody says otherwise.
pub(super) struct Fetched<T> {
    pub(super) value: T,
    pub(super) expires_s: Option<u64>,
}

/// So long before the end, new ones are asked for. Metadata services give new ones out five minutes before, or somewhat later.
const AHEAD_S: u64 = 180;
/// How long to make do with what is there, after what was to follow it could not be had, or expires as soon.
const PAUSE_S: u64 = 10;
/// How often credentials that still seem good are given up because a receiver does not like them.
const BETWEEN_RENEWALS_S: u64 = 60;

/// A source, and what it gave last.
pub(super) struct Cached<S: Source> {
    source: S,
    held: Option<Held<S::Item>>,
    renewed_s: Option<u64>,
}

struct Held<T> {
    value: T,
    expires_s: u64,
    /// When to ask for what follows, no later than it expires.
    due_s: u64,
}

impl<S: Source> Cached<S> {
    pub(super) fn new(source: S) -> Self {
        Self { source, held: None, renewed_s: None }
    }

    /// What is good now.
    pub(super) fn get(&mut self, now_s: u64) -> Result<&S::Item, ExportError> {
        let held = match self.held.take() {
            Some(held) if now_s < held.due_s => held,
            // What is good still is good enough if there is nothing newer.
            Some(held) if now_s < held.expires_s => {
                let due_s = held.expires_s.min(now_s + PAUSE_S);
                self.fetch(now_s).unwrap_or(Held { due_s, ..held })
            }
            _ => self.fetch(now_s)?,
        };
        Ok(&self.held.insert(held).value)
    }

    /// Gives up what is held, unless that happened a moment ago, or could not change anything.
    pub(super) fn renew(&mut self, now_s: u64) -> bool {
        let was_renewed = self.renewed_s.is_some_and(|then| now_s < then + BETWEEN_RENEWALS_S);
        if was_renewed || self.source.is_fixed() {
            return false;
        }
        self.renewed_s = Some(now_s);
        self.held = None;
        true
    }

    fn fetch(&mut self, now_s: u64) -> Result<Held<S::Item>, ExportError> {
        let Fetched { value, expires_s } = self.source.fetch(now_s)?;
        let expires_s = expires_s.unwrap_or(u64::MAX);
        let due_s = expires_s.saturating_sub(AHEAD_S).max(now_s + PAUSE_S).min(expires_s);
        Ok(Held { value, expires_s, due_s })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its count, good for so long, as long as it is told to.
    struct Counting {
        count: u64,
        lasts_s: Option<u64>,
        fails: bool,
    }

    impl Source for Counting {
        type Item = u64;

        fn fetch(&mut self, now_s: u64) -> Result<Fetched<u64>, ExportError> {
            if self.fails {
                return Err(ExportError::retryable("no answer", None));
            }
            self.count += 1;
            Ok(Fetched { value: self.count, expires_s: self.lasts_s.map(|lasts_s| now_s + lasts_s) })
        }
    }

    fn cached(lasts_s: Option<u64>) -> Cached<Counting> {
        Cached::new(Counting { count: 0, lasts_s, fails: false })
    }

    #[test]
    fn what_holds_is_kept_and_what_is_about_to_expire_is_fetched_ahead() {
        let mut cached = cached(Some(3600));
        assert_eq!(cached.get(1000).ok(), Some(&1));
        assert_eq!(cached.get(1000 + 3600 - AHEAD_S - 1).ok(), Some(&1));
        assert_eq!(cached.get(1000 + 3600 - AHEAD_S).ok(), Some(&2));
    }

    #[test]
    fn what_is_good_still_is_used_while_nothing_newer_is_to_be_had() {
        let mut cached = cached(Some(3600));
        assert!(cached.get(0).is_ok());
        cached.source.fails = true;
        assert_eq!(cached.get(3600 - 1).ok(), Some(&1));
        assert!(cached.get(3600).is_err_and(|error| error.is_retryable()));
        cached.source.fails = false;
        assert_eq!(cached.get(3601).ok(), Some(&2));
    }

    #[test]
    fn what_expires_at_once_is_not_asked_for_with_every_request() {
        let mut cached = cached(Some(60));
        let seen = [0, 1, 9, 10, 11].map(|now_s| cached.get(now_s).ok().copied());
        assert_eq!(seen, [1, 1, 1, 2, 2].map(Some));
    }

    #[test]
    fn what_a_receiver_refuses_is_given_up_once_a_minute() {
        let mut cached = cached(None);
        assert_eq!(cached.get(0).ok(), Some(&1));
        assert!(cached.renew(0));
        assert_eq!(cached.get(0).ok(), Some(&2));
        assert!(!cached.renew(BETWEEN_RENEWALS_S - 1));
        assert_eq!(cached.get(BETWEEN_RENEWALS_S).ok(), Some(&2));
        assert!(cached.renew(BETWEEN_RENEWALS_S));
        assert_eq!(cached.get(BETWEEN_RENEWALS_S).ok(), Some(&3));
    }
}
