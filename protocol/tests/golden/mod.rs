//! Reads `vectors/*.json`: golden frames that this crate and every SDK in another language are checked with. The format
//! is described in README.md.

use serde_json::{Map, Value};
use std::fs;
use std::path::Path;

/// One golden frame, record, batch or id.
pub(crate) struct Vector {
    /// File and name, for messages.
    pub(crate) name: String,
    /// `request`, `reply`, `stream`, `record`, `batch` or `id`.
    pub(crate) direction: String,
    /// What travels.
    pub(crate) bytes: Vec<u8>,
    /// What it means.
    pub(crate) fields: Map<String, Value>,
    /// Why it is refused, if it is.
    pub(crate) error: Option<String>,
}

/// All vectors of all files.
pub(crate) fn vectors() -> Vec<Vector> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let entries = fs::read_dir(&folder).expect("the vectors are beside this crate");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("the folder can be read").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let vectors: Vec<_> = paths.iter().flat_map(|path| read(path)).collect();
    assert!(vectors.len() > 100, "{} vectors in {}", vectors.len(), folder.display());
    vectors
}

fn read(path: &Path) -> Vec<Vector> {
    let file = path.file_stem().expect("it ends in .json").display().to_string();
    let text = fs::read_to_string(path).expect("the file can be read");
    let list: Vec<Value> = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
    list.into_iter().map(|value| parse(&file, value)).collect()
}

fn parse(file: &str, value: Value) -> Vector {
    let value = written_out(value);
    let text = |field: &str| value[field].as_str().map(str::to_owned);
    let name = text("name").unwrap_or_else(|| panic!("{file}: a vector without a name: {value}"));
    let name = format!("{file}: {name}");
    let known = ["name", "direction", "hex", "fields", "error"];
    let keys = value.as_object().expect("a vector is an object");
    assert!(keys.len() == 5 && keys.keys().all(|key| known.contains(&key.as_str())), "{name} has other keys");
    let hex = match &value["hex"] {
        Value::String(hex) => hex.clone(),
        Value::Array(parts) => parts.iter().map(|part| part.as_str().expect("parts are hex")).collect(),
        _ => panic!("{name} has no hex"),
    };
    Vector {
        bytes: unhex(&hex),
        direction: text("direction").unwrap_or_else(|| panic!("{name} has no direction")),
        fields: value["fields"].as_object().unwrap_or_else(|| panic!("{name} has no fields")).clone(),
        error: text("error"),
        name,
    }
}

/// `{"repeat": X, "times": N}` in a list stands for N times X.
fn written_out(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().flat_map(repeated).collect()),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (name, written_out(value))).collect())
        }
        plain => plain,
    }
}

fn repeated(value: Value) -> Vec<Value> {
    match (value.get("repeat"), value.get("times").and_then(Value::as_u64)) {
        (Some(item), Some(times)) => vec![written_out(item.clone()); times as usize],
        _ => vec![written_out(value)],
    }
}

/// The bytes of lower-case hex digits.
pub(crate) fn unhex(hex: &str) -> Vec<u8> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => panic!("{hex} is not lower-case hex"),
    };
    assert!(hex.len().is_multiple_of(2), "{hex} has half a byte");
    hex.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}
