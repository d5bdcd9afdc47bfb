//! YAML as it is written: every value with the place where it stands. JSON is YAML too.

use std::collections::BTreeMap;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StructureStyle};

/// A value and where it stands in the text.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) place: Range<usize>,
    pub(super) value: Value,
}

/// What is written there.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A single value.
    Scalar {
        /// What it says.
        text: String,
        /// Whether it stands in double quotes, as all text does in JSON.
        quoted: bool,
    },
    /// Keys with values.
    Mapping {
        /// Whether it is written with braces.
        braces: bool,
        /// In the order in which they are written.
        entries: Vec<(Node, Node)>,
    },
    /// Values in order.
    Sequence(Vec<Node>),
}

impl Node {
    /// The text, if it is a single value.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The value of a key, if it has one.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        let Value::Mapping { entries, .. } = &self.value else { return None };
        entries.iter().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value)
    }
}

/// The documents of a stream; none for one that is empty.
pub(super) fn documents(text: &str) -> Result<Vec<Option<Node>>, ScanError> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event?;
        builder.take(event, place(&span));
    }
    Ok(builder.documents)
}

fn place(span: &Span) -> Range<usize> {
    // A parser of a text knows bytes; characters are all that there is otherwise.
    let at = |marker: &granit_parser::Marker| marker.byte_offset().unwrap_or_else(|| marker.index());
    at(&span.start)..at(&span.end)
}

/// Puts events together.
#[derive(Default)]
struct Builder {
    documents: Vec<Option<Node>>,
    /// Collections that are not complete, the outermost first.
    open: Vec<Open>,
    anchors: BTreeMap<usize, Value>,
}

struct Open {
    anchor: usize,
    begin: usize,
    /// Of a mapping: whether it has braces.
    braces: Option<bool>,
    /// Values; in a mapping keys and values in turn.
    nodes: Vec<Node>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, place: Range<usize>) {
        match event {
            Event::DocumentStart(..) => self.documents.push(None),
            // A document of nothing but comments.
            Event::Scalar(..) if self.open.is_empty() && place.is_empty() => {}
            Event::Scalar(text, style, anchor, _) => {
                let quoted = style == ScalarStyle::DoubleQuoted;
                self.close(anchor, Node { place, value: Value::Scalar { text: text.into_owned(), quoted } });
            }
            Event::Alias(anchor) => {
                let scalar = Value::Scalar { text: String::new(), quoted: false };
                let value = self.anchors.get(&anchor).cloned().unwrap_or(scalar);
                self.close(0, Node { place, value });
            }
            Event::MappingStart(style, anchor, _) => {
                let braces = Some(style == StructureStyle::Flow);
                self.open.push(Open { anchor, begin: place.start, braces, nodes: Vec::new() });
            }
            Event::SequenceStart(_, anchor, _) => {
                self.open.push(Open { anchor, begin: place.start, braces: None, nodes: Vec::new() });
            }
            Event::MappingEnd | Event::SequenceEnd => {
                let Some(Open { anchor, begin, braces, nodes }) = self.open.pop() else { return };
                let value = match braces {
                    Some(braces) => Value::Mapping { braces, entries: pairs(nodes) },
                    None => Value::Sequence(nodes),
                };
                self.close(anchor, Node { place: begin..place.end, value });
            }
            _ => {}
        }
    }

    /// A value is complete.
    fn close(&mut self, anchor: usize, node: Node) {
        if anchor != 0 {
            self.anchors.insert(anchor, node.value.clone());
        }
        match (self.open.last_mut(), self.documents.last_mut()) {
            (Some(open), _) => open.nodes.push(node),
            (None, Some(document)) => *document = Some(node),
            (None, None) => {}
        }
    }
}

fn pairs(nodes: Vec<Node>) -> Vec<(Node, Node)> {
    let mut nodes = nodes.into_iter();
    std::iter::from_fn(|| Some((nodes.next()?, nodes.next()?))).collect()
}
