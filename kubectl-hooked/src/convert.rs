//! `kubectl hooked convert`: Deployments of a manifest become HookedWorkloads, or the other way round, and everything
//! else stays as it is written.
//!
//! The text is edited and not written anew: comments, the order of keys and every way of writing a value
//! survive, and so does their meaning, whichever YAML they are written for.

mod edit;
mod error;
mod manifest;
mod syntax;
#[cfg(test)]
mod tests;

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use serde_json::{Value, json};

use crate::arguments::{ConvertOptions, ConvertTo};
use crate::print::{document, write};

pub(crate) use error::ConvertError;
use manifest::Way;

/// Runs the command. Standard error reports what was done: standard output is the manifest.
pub(crate) fn run(options: &ConvertOptions) -> Result<(), ConvertError> {
    let ConvertOptions { filename, to, output } = options;
    let way = match to {
        ConvertTo::Hookedworkload => Way::IN,
        ConvertTo::Deployment => Way::OUT,
    };
    let file =
        if filename == Path::new("-") { "standard input".to_owned() } else { filename.display().to_string() };
    let text = read(filename).map_err(|source| ConvertError::Read { file: file.clone(), source })?;
    let Converted { text, notes } = convert(&text, &file, way)?;
    for note in notes {
        eprintln!("{note}");
    }
    match output {
        None => Ok(write(&text)?),
        Some(format) => Ok(document(&values(&text)?, *format)?),
    }
}

fn read(filename: &Path) -> io::Result<String> {
    if filename != Path::new("-") {
        return fs::read_to_string(filename);
    }
    let mut text = String::new();
    io::stdin().lock().read_to_string(&mut text)?;
    Ok(text)
}

/// A converted manifest.
#[derive(Debug)]
struct Converted {
    text: String,
    /// What was done, and what was left.
    notes: Vec<String>,
}

fn convert(text: &str, file: &str, way: Way) -> Result<Converted, ConvertError> {
    let syntax = |source| ConvertError::Syntax { file: file.to_owned(), source };
    let documents = syntax::documents(text).map_err(syntax)?;
    let manifest::Changes { edits, notes } = manifest::changes(text, &documents, way)?;
    let text = edit::apply(text, edits);
    // What is dropped may have been referred to.
    syntax::documents(&text).map_err(|source| ConvertError::Anchor { file: file.to_owned(), source })?;
    Ok(Converted { text, notes })
}

/// All documents as one value: a list, if there is more than one. Numbers mean what kubectl takes them for.
fn values(text: &str) -> Result<Value, ConvertError> {
    let options = serde_saphyr::options! { legacy_octal_numbers: true };
    let documents: Vec<Value> = serde_saphyr::from_multiple_with_options(text, options)?;
    let mut objects: Vec<Value> = documents.into_iter().filter(|document| !document.is_null()).collect();
    Ok(match objects.len() {
        1 => objects.remove(0),
        _ => json!({"apiVersion": "v1", "kind": "List", "items": objects}),
    })
}
