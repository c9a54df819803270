//! What the service answers in its body: `{"itemsReceived":2,"itemsAccepted":1,"errors":[{"index":0,"statusCode":500,"message":".."}]}`.

/// What became of one item that was not accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ItemError {
    /// Which of the request's items it is, from 0.
    pub(super) index: usize,
    pub(super) status: u16,
    pub(super) message: String,
}

/// The items that were not accepted; `None` if the body is no such answer.
pub(super) fn item_errors(body: &[u8]) -> Option<Vec<ItemError>> {
    let mut reader = Reader { rest: std::str::from_utf8(body).ok()?, depth: 0 };
    let mut errors = None;
    reader.object(|key, reader| match key {
        "errors" => {
            let mut items = Vec::new();
            reader.array(|reader| {
                items.push(item_error(reader)?);
                Some(())
            })?;
            errors = Some(items);
            Some(())
        }
        _ => reader.skip(),
    })?;
    errors
}

fn item_error(reader: &mut Reader<'_>) -> Option<ItemError> {
    let mut error = ItemError::default();
    reader.object(|key, reader| {
        match key {
            "index" => error.index = reader.scalar()?.parse().ok()?,
            "statusCode" => error.status = reader.scalar()?.parse().ok()?,
            "message" if reader.next_is('"') => error.message = reader.string()?,
            _ => reader.skip()?,
        }
        Some(())
    })?;
    Some(error)
}

/// Reads JSON as it comes; every method gives `None` where it is none.
struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

/// Deeper than any answer: whoever nests further is not the service.
const MAX_DEPTH: usize = 16;

impl Reader<'_> {
    fn object(&mut self, mut member: impl FnMut(&str, &mut Self) -> Option<()>) -> Option<()> {
        self.list('{', '}', |reader| {
            let key = reader.string()?;
            reader.take(':')?;
            member(&key, reader)
        })
    }

    fn array(&mut self, element: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.list('[', ']', element)
    }

    fn list(&mut self, open: char, close: char, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.take(open)?;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        while !self.next_is(close) {
            item(self)?;
            if !self.next_is(close) {
                self.take(',')?;
            }
        }
        self.depth -= 1;
        self.take(close)
    }

    fn skip(&mut self) -> Option<()> {
        match self.rest.trim_start().chars().next()? {
            '{' => self.object(|_, reader| reader.skip()),
            '[' => self.array(Self::skip),
            '"' => self.string().map(drop),
            _ => self.scalar().map(drop),
        }
    }

    /// A number, `true`, `false` or `null`.
    fn scalar(&mut self) -> Option<String> {
        let rest = self.rest.trim_start();
        let end = rest
            .find(|char: char| !char.is_ascii_alphanumeric() && !"+-.".contains(char))
            .unwrap_or(rest.len());
        let (scalar, rest) = rest.split_at(end);
        self.rest = rest;
        (end > 0).then(|| scalar.to_owned())
    }

    /// A text. What is escaped by number is left as it is: nothing that is looked for is.
    fn string(&mut self) -> Option<String> {
        self.take('"')?;
        let mut text = String::new();
        loop {
            let end = self.rest.find(['"', '\\'])?;
            text.push_str(&self.rest[..end]);
            let mut after = self.rest[end..].chars();
            let is_end = after.next() == Some('"');
            if !is_end {
                text.push(after.next()?);
            }
            self.rest = after.as_str();
            if is_end {
                return Some(text);
            }
        }
    }

    fn next_is(&self, char: char) -> bool {
        self.rest.trim_start().starts_with(char)
    }

    fn take(&mut self, char: char) -> Option<()> {
        self.rest = self.rest.trim_start().strip_prefix(char)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_was_not_accepted() {
        let body = r#" {"itemsReceived": 3, "itemsAccepted":1, "appId": null, "errors": [
            {"index":0,"statusCode":500,"message":"a \"b\"","more":[1,{"x":[]}]},
            {"message":null,"statusCode": 400 , "index":2}]}"#;
        let error = |index, status, message: &str| ItemError { index, status, message: message.to_owned() };
        assert_eq!(item_errors(body.as_bytes()), Some(vec![error(0, 500, "a \"b\""), error(2, 400, "")]));
        assert_eq!(item_errors(br#"{"errors":[]}"#), Some(Vec::new()));
    }

    #[test]
    fn what_is_no_such_answer_says_nothing() {
        let deep = "[".repeat(100_000);
        let too_deep = format!("{{\"a\":{deep}");
        for body in
            ["", "OK", "{}", "[]", "<html>", r#"{"errors":[{"index":-1}]}"#, r#"{"errors":["#, &too_deep]
        {
            assert_eq!(item_errors(body.as_bytes()), None);
        }
        assert_eq!(item_errors(&[0xff]), None);
    }

    proptest! {
        #[test]
        fn reads_whatever_serde_writes(items in proptest::collection::vec((0_usize..99, any::<u16>(), "[ -~]*"), 0..5)) {
            let errors: Vec<_> = items.iter().map(|(index, status, message)| {
                serde_json::json!({"index": index, "statusCode": status, "message": message})
            }).collect();
            let body = serde_json::json!({"itemsReceived": 9, "errors": errors}).to_string();
            let expected = items.into_iter().map(|(index, status, message)| ItemError { index, status, message });
            prop_assert_eq!(item_errors(body.as_bytes()), Some(expected.collect()));
        }

        #[test]
        fn takes_any_bytes(body in "[\\[\\]{}\":,a1\\\\é ]{0,40}") {
            item_errors(body.as_bytes());
        }
    }
}
