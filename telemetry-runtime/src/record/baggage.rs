//! What an application sends along with its calls: names and values, kept as the text of the `baggage` header.

use super::percent;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// Names and values that travel with a request through all services that it reaches; empty by default.
///
/// Every service on the way can read them, as can the network: nothing secret belongs here. Nothing of it becomes an attribute by
/// itself. It holds 64 members and 8192 bytes of header text at most. Cloning it copies a pointer.
///
/// What is current, and what makes it current, are [`Baggage::current`] and [`Baggage::attach`].
///
/// Source: W3C Baggage, "Baggage HTTP Header Format"; OpenTelemetry specification, "Baggage API".
///
/// # Examples
/// ```
/// use telemetry_runtime::Baggage;
///
/// let baggage = Baggage::default().with("tenant", "Amélie & Co")?;
/// assert_eq!(baggage.get("tenant").as_deref(), Some("Amélie & Co"));
/// assert_eq!(baggage.as_str(), "tenant=Am%C3%A9lie%20&%20Co");
/// # Ok::<(), telemetry_runtime::BaggageError>(())
/// ```
// A thin pointer, and the header's text: most services only pass it on.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Baggage(Option<Arc<Box<str>>>);

/// One name with its value and properties.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BaggageMember<'a> {
    key: &'a str,
    value: &'a str,
    properties: &'a str,
}

/// The member cannot be added: its key or properties are malformed, or there is no room left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct BaggageError(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Kind {
    #[error("the key is not a token of letters, digits and !#$%&'*+-.^_`|~")]
    Key,
    #[error("the properties are not of the form `key;key=value`")]
    Properties,
    #[error("baggage holds {MAX_MEMBERS} members and {MAX_BYTES} bytes at most")]
    Full,
}

/// As many as every service has to propagate.
const MAX_MEMBERS: usize = 64;
/// As much as every service has to propagate.
const MAX_BYTES: usize = 8192;
/// As many as are looked at.
const MAX_MEMBERS_READ: usize = 4 * MAX_MEMBERS;

impl Baggage {
    /// The baggage with this member at its end, instead of one with the same key.
    ///
    /// # Errors
    /// If the key is no token of RFC 7230 ([`BaggageError::is_key`]), or there is no room ([`BaggageError::is_full`]).
    pub fn with(&self, key: &str, value: &str) -> Result<Self, BaggageError> {
        self.with_properties(key, value, "")
    }

    /// The same, with properties as the header has them: `private;ttl=30`, values percent-encoded.
    ///
    /// # Errors
    /// As [`with`](Self::with), and if the properties are malformed ([`BaggageError::is_properties`]).
    pub fn with_properties(&self, key: &str, value: &str, properties: &str) -> Result<Self, BaggageError> {
        if !is_token(key) {
            return Err(BaggageError(Kind::Key));
        }
        let value = percent::encoded(value, is_plain);
        let text = match properties {
            "" => format!("{key}={value}"),
            _ => format!("{key}={value};{properties}"),
        };
        let text = canonical(&text).ok_or(BaggageError(Kind::Properties))?;
        self.without(key).appended(&text).ok_or(BaggageError(Kind::Full))
    }

    /// The baggage without the member of this key.
    #[must_use]
    pub fn without(&self, key: &str) -> Self {
        match self.member(key) {
            Some(_) => Self::joined(self.parts().filter(|part| BaggageMember::of(part).key != key)),
            None => self.clone(),
        }
    }

    /// The baggage followed by the members of another, which replace those of the same key, as far as there is room.
    pub(crate) fn merged(&self, other: &Self) -> Self {
        Self::parse([self.as_str(), other.as_str()])
    }

    /// The baggage of headers' values, in their order. A malformed member is left out, as is what there is no room for; of members with
    /// the same key, the last one counts.
    pub(crate) fn parse<'a>(headers: impl IntoIterator<Item = &'a str>) -> Self {
        let mut members: Vec<String> = Vec::new();
        let parts = headers.into_iter().flat_map(|header| header.split(',')).filter_map(canonical);
        for part in parts.take(MAX_MEMBERS_READ) {
            let key = BaggageMember::of(&part).key;
            members.retain(|member| BaggageMember::of(member).key != key);
            if has_room(members.iter().map(String::as_str), &part) {
                members.push(part);
            }
        }
        Self::joined(members.iter().map(String::as_str))
    }

    /// The value of a key, decoded; what is not UTF-8 in it becomes U+FFFD.
    pub fn get(&self, key: &str) -> Option<Cow<'_, str>> {
        Some(self.member(key)?.value())
    }

    /// All members, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = BaggageMember<'_>> {
        self.parts().map(BaggageMember::of)
    }

    /// The text of a `baggage` header; empty when there is no member.
    pub fn as_str(&self) -> &str {
        self.0.as_ref().map_or("", |text| text)
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    fn member(&self, key: &str) -> Option<BaggageMember<'_>> {
        self.iter().find(|member| member.key == key)
    }

    fn parts(&self) -> impl Iterator<Item = &str> {
        self.as_str().split(',').filter(|part| !part.is_empty())
    }

    fn appended(&self, part: &str) -> Option<Self> {
        has_room(self.parts(), part).then(|| Self::joined(self.parts().chain([part])))
    }

    fn joined<'a>(parts: impl Iterator<Item = &'a str>) -> Self {
        let text = parts.collect::<Vec<_>>().join(",");
        if text.is_empty() { Self(None) } else { Self(Some(Arc::new(text.into()))) }
    }
}

impl<'a> BaggageMember<'a> {
    fn of(part: &'a str) -> Self {
        let (member, properties) = part.split_once(';').unwrap_or((part, ""));
        let (key, value) = member.split_once('=').unwrap_or((member, ""));
        Self { key, value, properties }
    }

    /// The name. Case counts.
    pub fn key(&self) -> &'a str {
        self.key
    }

    /// The value, decoded; what is not UTF-8 in it becomes U+FFFD.
    pub fn value(&self) -> Cow<'a, str> {
        percent::decoded(self.value)
    }

    /// The properties as the header has them.
    #[cfg(feature = "opentelemetry")]
    pub(crate) fn written_properties(&self) -> &'a str {
        self.properties
    }

    /// The properties and their decoded values, if they have any.
    pub fn properties(&self) -> impl Iterator<Item = (&'a str, Option<Cow<'a, str>>)> + use<'a> {
        let properties = self.properties.split(';').filter(|property| !property.is_empty());
        properties.map(|property| match property.split_once('=') {
            Some((key, value)) => (key, Some(percent::decoded(value))),
            None => (property, None),
        })
    }
}

impl BaggageError {
    /// Whether the key is malformed.
    pub fn is_key(&self) -> bool {
        self.0 == Kind::Key
    }

    /// Whether the properties are malformed.
    pub fn is_properties(&self) -> bool {
        self.0 == Kind::Properties
    }

    /// Whether there is no room.
    pub fn is_full(&self) -> bool {
        self.0 == Kind::Full
    }
}

/// Shows the keys only: values may be personal.
impl fmt::Debug for Baggage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(|member| member.key)).finish()
    }
}

/// Shows the key only.
impl fmt::Debug for BaggageMember<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BaggageMember").field(&self.key).finish()
    }
}

/// Whether a header with these members has room for one more.
fn has_room<'a>(members: impl Iterator<Item = &'a str>, part: &str) -> bool {
    let (count, bytes) = members.fold((0, 0), |(count, bytes), member| (count + 1, bytes + member.len() + 1));
    count < MAX_MEMBERS && bytes + part.len() <= MAX_BYTES
}

/// The member without white space; `None` if it is malformed.
fn canonical(member: &str) -> Option<String> {
    let mut parts = member.split(';').map(trimmed);
    let (key, value) = pair(parts.next()?)?;
    parts.try_fold(format!("{key}={}", value?), |whole, property| match pair(property)? {
        (key, Some(value)) => Some(format!("{whole};{key}={value}")),
        (key, None) => Some(format!("{whole};{key}")),
    })
}

/// `key` or `key = value`.
fn pair(text: &str) -> Option<(&str, Option<&str>)> {
    let (key, value) = match text.split_once('=') {
        Some((key, value)) => (trimmed(key), Some(trimmed(value))),
        None => (text, None),
    };
    let is_value = |value: &str| value.bytes().all(|byte| is_plain(byte) || byte == b'%');
    (is_token(key) && value.is_none_or(is_value)).then_some((key, value))
}

fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// Source: RFC 7230, section 3.2.6.
fn is_token(key: &str) -> bool {
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !key.is_empty() && key.bytes().all(is_tchar)
}

/// Whether a value has the byte unencoded: `baggage-octet` but for the percent sign.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~') && !b"\",;\\%".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(header: &str) -> Baggage {
        Baggage::parse([header])
    }

    #[test]
    fn the_examples_of_the_specification_are_understood() {
        for (headers, expected) in [
            (
                &["key1=value1;property1;property2, key2 = value2, key3=value3; propertyKey=propertyValue"][..],
                "key1=value1;property1;property2,key2=value2,key3=value3;propertyKey=propertyValue",
            ),
            (
                &["userId=alice", "serverNode=DF%2028,isProduction=false"],
                "userId=alice,serverNode=DF%2028,isProduction=false",
            ),
            (
                &["userId =   alice", "serverNode = DF%2028, isProduction = false"],
                "userId=alice,serverNode=DF%2028,isProduction=false",
            ),
            (&["a=1=2==", "b="], "a=1=2==,b="),
        ] {
            assert_eq!(Baggage::parse(headers.iter().copied()).as_str(), expected);
        }
        assert_eq!(parsed("userId=Am%C3%A9lie").get("userId").as_deref(), Some("Amélie"));
    }

    #[test]
    fn a_malformed_member_is_left_out_and_the_others_stay() {
        for malformed in [
            "", "a", "=1", "a b=1", "a=x y", "a=\"x\"", "a=\\", "a=é", "é=1", "a=1;", "a=1;b c", "a=1;p=\"",
            "a@=1",
        ] {
            assert_eq!(parsed(&format!("{malformed},ok=1")).as_str(), "ok=1", "{malformed}");
        }
    }

    #[test]
    fn of_equal_keys_the_last_one_counts_and_case_matters() {
        assert_eq!(parsed("a=1,b=2,a=3,A=4").as_str(), "b=2,a=3,A=4");
    }

    #[test]
    fn what_is_not_utf_8_becomes_the_replacement_character() {
        assert_eq!(parsed("a=x%FFy").get("a").as_deref(), Some("x\u{fffd}y"));
        assert_eq!(parsed("a=100%,b=%2").get("a").as_deref(), Some("100%"));
    }

    #[test]
    fn properties_are_kept_and_decoded() {
        let baggage = parsed("a=1 ; p ; ttl = 3%200");
        let member = baggage.iter().next().expect("there is one");
        let properties: Vec<_> = member.properties().collect();
        assert_eq!(properties, [("p", None), ("ttl", Some(Cow::from("3 0")))]);
        assert_eq!(Baggage::default().with_properties("a", "1", "p;ttl=3%200"), Ok(baggage));
    }

    #[test]
    fn what_is_no_member_cannot_be_added() {
        let baggage = Baggage::default();
        assert!(baggage.with("a b", "1").is_err_and(|error| error.is_key()));
        assert!(baggage.with("", "1").is_err_and(|error| error.is_key()));
        for properties in [";", "a b", "p,q=2", "p=\u{1}"] {
            let refused = baggage.with_properties("a", "1", properties);
            assert!(refused.is_err_and(|error| error.is_properties()), "{properties}");
        }
    }

    #[test]
    fn it_holds_64_members_and_8192_bytes() {
        let header = |count: usize| (0..count).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join(",");
        assert_eq!(parsed(&header(64)).as_str(), header(64));
        assert_eq!(parsed(&header(65)).as_str(), header(64), "whole members are left out");
        assert!(parsed(&header(64)).with("more", "").is_err_and(|error| error.is_full()));
        assert!(parsed(&header(64)).with("k7", "other").is_ok());
        let long = format!("a=1,b={}", "x".repeat(8193 - 6));
        assert_eq!(parsed(&long), Baggage::default().with("a", "1").expect("there is room"));
        assert_eq!(parsed(&long[..long.len() - 1]).as_str().len(), 8192);
    }

    #[test]
    fn values_are_not_shown() {
        let baggage = parsed("user=anna");
        assert_eq!(format!("{baggage:?}"), "{\"user\"}");
        assert_eq!(format!("{:?}", baggage.iter().next()), "Some(BaggageMember(\"user\"))");
    }

    proptest! {
        #[test]
        fn any_value_reads_back(value in "\\PC{0,40}|.{0,10}") {
            let baggage = Baggage::default().with("key", &value).expect("there is room");
            let read = baggage.get("key").expect("it is a member").into_owned();
            prop_assert_eq!(read, value);
            prop_assert_eq!(parsed(baggage.as_str()), baggage);
        }

        #[test]
        fn any_text_is_canonical_after_the_first_reading(text in "[a-c=;, %2\t\"é]{0,60}|.{0,40}") {
            let once = parsed(&text);
            prop_assert_eq!(parsed(once.as_str()), once);
        }
    }
}
