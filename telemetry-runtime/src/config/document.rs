//! A settings file as it is written: a tree of values, each with its place.

use super::error::Mistake;
use super::secrecy;
use super::source::{Place, Source};
use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};
use std::borrow::Cow;
use std::collections::HashMap;

/// A value and where it is written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// Text before substitution; `quoted` if it can only mean text.
    Scalar {
        text: String,
        quoted: bool,
    },
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One `key: value`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_place: Place,
    pub(super) value: Node,
}

/// More values than any settings file needs; what aliases repeat counts again, so that they cannot explode.
const MOST_NODES: usize = 20_000;
/// Deeper than any settings file needs.
const DEEPEST: usize = 64;

/// Reads the file; `None` if it holds nothing. Secrets are hidden in the source from here on.
pub(super) fn parse(source: &mut Source, mistakes: &mut Vec<Mistake>) -> Option<Node> {
    let mut tree = Tree::default();
    let result = tree.build(source.text());
    tree.comments.into_iter().for_each(|comment| source.leave_out(comment));
    tree.anchor_names.into_iter().for_each(|name| source.hide(name));
    for entry in tree.duplicates {
        mistakes.push(Mistake::new(entry, "this key is already there"));
    }
    if let Err(mistake) = result {
        secrecy::hide_line_of(&mistake, source);
        mistakes.push(mistake);
        return None;
    }
    let root = tree.root.filter(|root| !root.is_null())?;
    secrecy::hide_secrets(&root, source);
    Some(root)
}

#[derive(Default)]
struct Tree {
    open: Vec<Open>,
    root: Option<Node>,
    anchored: HashMap<usize, Node>,
    nodes: usize,
    duplicates: Vec<Place>,
    comments: Vec<Place>,
    /// An anchor may be a secret that begins with `&` and should have been quoted.
    anchor_names: Vec<Place>,
}

/// A list or map that has not ended yet.
struct Open {
    place: Place,
    anchor: usize,
    key: Option<(String, Place)>,
    kind: Kind,
}

impl Tree {
    fn build(&mut self, text: &str) -> Result<(), Mistake> {
        // A file may begin with as long a comment as it likes.
        let options =
            granit_parser::options! { max_buffered_comment_events: usize::MAX, emit_anchor_events: true };
        for event in Parser::new_from_str_with_options(text, options) {
            let (event, span) = event.map_err(|error| syntax_mistake(&error))?;
            self.take(event, place(&span))?;
        }
        Ok(())
    }

    fn take(&mut self, event: Event<'_>, place: Place) -> Result<(), Mistake> {
        match event {
            Event::DocumentStart(..) if self.root.is_some() => {
                Err(Mistake::new(place, "a second document begins here: settings are one document"))
            }
            Event::Scalar(text, style, anchor, tag) => {
                refuse_tag(tag, place)?;
                let quoted = style != ScalarStyle::Plain;
                let empty = place.start == place.end;
                let text = if empty && !quoted { String::new() } else { text.into_owned() };
                self.add(Node { place, kind: Kind::Scalar { text, quoted } }, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => self.open(place, anchor, tag, Kind::List(Vec::new())),
            Event::MappingStart(_, anchor, tag) => self.open(place, anchor, tag, Kind::Map(Vec::new())),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => {
                    // Where a collection has no bracket at its end, it ends with its last value.
                    let bracket = (place.start < place.end).then_some(place.end);
                    let end = bracket.or(open.kind.end()).unwrap_or(open.place.end);
                    self.add(Node { place: Place { end, ..open.place }, kind: open.kind }, open.anchor)
                }
                None => Ok(()),
            },
            Event::Alias(anchor) => match self.anchored.get(&anchor) {
                Some(node) => self.add(node.clone(), 0),
                None => Err(Mistake::new(place, "this alias stands within what it repeats")),
            },
            Event::Comment(..) => {
                self.comments.push(place);
                Ok(())
            }
            Event::Anchor(..) => {
                self.anchor_names.push(place);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn open(
        &mut self,
        place: Place,
        anchor: usize,
        tag: Option<Cow<'_, Tag>>,
        kind: Kind,
    ) -> Result<(), Mistake> {
        refuse_tag(tag, place)?;
        if self.open.len() == DEEPEST {
            return Err(Mistake::new(place, format!("more than {DEEPEST} levels deep")));
        }
        self.open.push(Open { place, anchor, key: None, kind });
        Ok(())
    }

    fn add(&mut self, node: Node, anchor: usize) -> Result<(), Mistake> {
        self.nodes += node.size();
        if self.nodes > MOST_NODES {
            return Err(Mistake::new(node.place, format!("more than {MOST_NODES} values, aliases included")));
        }
        if anchor != 0 {
            self.anchored.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match (&mut open.kind, open.key.take()) {
            (Kind::List(items), _) => items.push(node),
            (Kind::Map(entries), Some((key, key_place))) => {
                if entries.iter().any(|entry| entry.key == key) {
                    self.duplicates.push(key_place);
                }
                entries.push(Entry { key, key_place, value: node });
            }
            (Kind::Map(_), None) => match node.kind {
                Kind::Scalar { text, .. } if !text.is_empty() => open.key = Some((text, node.place)),
                _ => return Err(Mistake::new(node.place, "expected a key that is a word")),
            },
            (Kind::Scalar { .. }, _) => {}
        }
        Ok(())
    }
}

impl Node {
    /// The entries of a map.
    pub(super) fn entries(&self) -> Option<&[Entry]> {
        match &self.kind {
            Kind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// Whether nothing is written here: YAML's null.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { text, quoted: false } if is_null(text))
    }

    /// What stands here, without its value.
    pub(super) fn describe(&self) -> &'static str {
        match &self.kind {
            Kind::Scalar { .. } if self.is_null() => "nothing",
            Kind::Scalar { .. } => "a single value",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map of keys and values",
        }
    }

    fn size(&self) -> usize {
        match &self.kind {
            Kind::Scalar { .. } => 1,
            Kind::List(items) => 1 + items.iter().map(Self::size).sum::<usize>(),
            Kind::Map(entries) => 1 + entries.iter().map(|entry| entry.value.size()).sum::<usize>(),
        }
    }
}

impl Kind {
    fn end(&self) -> Option<usize> {
        match self {
            Self::Scalar { .. } => None,
            Self::List(items) => items.last().map(|item| item.place.end),
            Self::Map(entries) => entries.last().map(|entry| entry.value.place.end.max(entry.key_place.end)),
        }
    }
}

/// YAML's words for nothing.
///
/// Source: YAML 1.2.2, section 10.3.2, core schema.
pub(super) fn is_null(plain: &str) -> bool {
    matches!(plain, "" | "~" | "null" | "Null" | "NULL")
}

fn syntax_mistake(error: &ScanError) -> Mistake {
    let offset = error.marker().byte_offset().unwrap_or_default();
    Mistake::new(Place { start: offset, end: offset }, format!("not valid YAML: {}", error.info()))
}

fn refuse_tag(tag: Option<Cow<'_, Tag>>, place: Place) -> Result<(), Mistake> {
    match tag {
        Some(_) => Err(Mistake::new(place, "tags such as `!!str` are not supported")),
        None => Ok(()),
    }
}

fn place(span: &Span) -> Place {
    let range = span.byte_range().unwrap_or_default();
    Place { start: range.start, end: range.end }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(text: &str) -> Result<Option<Node>, Vec<String>> {
        let mut mistakes = Vec::new();
        let node = parse(&mut Source::new("test.yaml", text), &mut mistakes);
        if mistakes.is_empty() { Ok(node) } else { Err(mistakes.into_iter().map(|m| m.message).collect()) }
    }

    #[test]
    fn keeps_the_place_of_every_key_and_value() {
        let text = "a:\n  b: 'x'\n  c: [1, {d: e}]\n";
        let root = parsed(text).ok().flatten().expect("valid");
        let mut seen = Vec::new();
        collect(&root, &mut seen);
        let seen: Vec<&str> = seen.into_iter().map(|place| &text[place.start..place.end]).collect();
        assert_eq!(seen, ["a", "b", "'x'", "c", "1", "d", "e"]);
    }

    fn collect(node: &Node, places: &mut Vec<Place>) {
        match &node.kind {
            Kind::Scalar { .. } => places.push(node.place),
            Kind::List(items) => items.iter().for_each(|item| collect(item, places)),
            Kind::Map(entries) => entries.iter().for_each(|entry| {
                places.push(entry.key_place);
                collect(&entry.value, places);
            }),
        }
    }

    #[test]
    fn aliases_repeat_values_within_bounds() {
        let shared = parsed("a: &x {k: v}\nb: *x\n").ok().flatten().expect("valid");
        let entries = shared.entries().expect("a map");
        assert_eq!(entries[0].value, entries[1].value);

        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..9 {
            let previous = format!("*a{}, ", level - 1).repeat(10);
            bomb += &format!("a{level}: &a{level} [{previous}]\n");
        }
        assert_eq!(parsed(&bomb), Err(vec!["more than 20000 values, aliases included".to_owned()]));
        assert_eq!(parsed("a: &x [*x]"), Err(vec!["this alias stands within what it repeats".to_owned()]));
    }

    #[test]
    fn refuses_what_settings_never_need() {
        for (text, message) in [
            ("a: 1\na: 2", "this key is already there"),
            ("a: 1\n---\nb: 2", "a second document begins here: settings are one document"),
            ("? [a]\n: b", "expected a key that is a word"),
            ("a: !!str 1", "tags such as `!!str` are not supported"),
        ] {
            assert_eq!(parsed(text), Err(vec![message.to_owned()]), "{text}");
        }
        assert_eq!(
            parsed(&("[".repeat(65) + &"]".repeat(65))),
            Err(vec!["more than 64 levels deep".to_owned()])
        );
    }

    proptest! {
        #[test]
        fn any_text_is_a_tree_or_a_mistake(text in "[ab:\\-\\[\\]{}&*!'\"|>#%~, \n\té]{0,40}") {
            let _ = parsed(&text);
        }
    }
}
