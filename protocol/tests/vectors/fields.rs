//! Fields of vectors: integers above 32 bits are decimal strings and ids hex strings, because JSON's numbers are not
//! exact in every language.

use crate::golden::unhex;
use seathold_protocol::frame::Opcode;
use seathold_protocol::ids::{AccountId, Class, DepartureId, PassengerId, ReservationId};
use seathold_protocol::reply::Sale;
use seathold_protocol::reservation::State;
use seathold_protocol::wishes::{Met, Together};
use serde_json::{Map, Value, json};

/// The fields of one vector, or of an object within.
pub(crate) struct Fields<'a>(pub(crate) &'a Map<String, Value>);

impl<'a> Fields<'a> {
    pub(crate) fn of(value: &'a Value) -> Self {
        Self(value.as_object().unwrap_or_else(|| panic!("{value} is not an object")))
    }

    pub(crate) fn get(&self, name: &str) -> &'a Value {
        self.0.get(name).unwrap_or_else(|| panic!("no field {name} in {:?}", self.0))
    }

    pub(crate) fn text(&self, name: &str) -> &'a str {
        self.get(name).as_str().unwrap_or_else(|| panic!("{name} is not a text"))
    }

    pub(crate) fn truth(&self, name: &str) -> bool {
        self.get(name).as_bool().unwrap_or_else(|| panic!("{name} is not true or false"))
    }

    pub(crate) fn list(&self, name: &str) -> &'a [Value] {
        self.get(name).as_array().unwrap_or_else(|| panic!("{name} is not a list"))
    }

    /// A number of at most 32 bits.
    pub(crate) fn number<T: TryFrom<u64>>(&self, name: &str) -> T {
        number(self.get(name))
    }

    /// A number of more than 32 bits.
    pub(crate) fn wide<T: std::str::FromStr>(&self, name: &str) -> T {
        wide(self.get(name))
    }

    pub(crate) fn hex(&self, name: &str) -> Vec<u8> {
        unhex(self.text(name))
    }

    pub(crate) fn id(&self) -> ReservationId {
        ReservationId(u128::from_str_radix(self.text("id"), 16).expect("ids are hex"))
    }

    pub(crate) fn departure(&self) -> DepartureId {
        DepartureId(u64::from_str_radix(self.text("departure"), 16).expect("ids are hex"))
    }

    pub(crate) fn account(&self) -> AccountId {
        AccountId(self.wide("account"))
    }

    pub(crate) fn class(&self) -> Class {
        Class(self.number("class"))
    }

    pub(crate) fn passengers(&self) -> Vec<PassengerId> {
        self.list("passengers").iter().map(|passenger| PassengerId(wide(passenger))).collect()
    }

    pub(crate) fn state(&self) -> State {
        named(self.text("state"), State::ALL, |state| state.name().to_owned())
    }

    pub(crate) fn sale(&self) -> Sale {
        named(self.text("sale"), [Sale::ByRules, Sale::Opened, Sale::Closed], sale_name)
    }

    pub(crate) fn together(&self) -> Together {
        named(self.text("together"), [Together::Anywhere, Together::Coach, Together::Row], together_name)
    }

    pub(crate) fn met(&self) -> Met {
        Met { together: self.together(), letters: self.number("letters_met") }
    }
}

pub(crate) fn number<T: TryFrom<u64>>(value: &Value) -> T {
    let number = value.as_u64().and_then(|number| T::try_from(number).ok());
    number.unwrap_or_else(|| panic!("{value} does not fit its field"))
}

pub(crate) fn wide<T: std::str::FromStr>(value: &Value) -> T {
    let number = value.as_str().and_then(|text| text.parse().ok());
    number.unwrap_or_else(|| panic!("{value} is not a decimal string"))
}

pub(crate) fn named<T: Copy>(
    wanted: &str,
    all: impl IntoIterator<Item = T>,
    name: impl Fn(T) -> String,
) -> T {
    all.into_iter().find(|one| name(*one) == wanted).unwrap_or_else(|| panic!("what is {wanted}?"))
}

/// The name in SPEC.md.
pub(crate) fn opcode_name(opcode: Opcode) -> String {
    format!("{opcode:?}").to_uppercase()
}

pub(crate) fn sale_name(sale: Sale) -> String {
    match sale {
        Sale::ByRules => "BY_RULES",
        Sale::Opened => "OPENED",
        Sale::Closed => "CLOSED",
    }
    .to_owned()
}

pub(crate) fn together_name(together: Together) -> String {
    format!("{together:?}").to_uppercase()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn passengers(passengers: &[PassengerId]) -> Value {
    passengers.iter().map(|passenger| json!(passenger.0.to_string())).collect()
}

/// `a` and `b`, two objects, as one.
pub(crate) fn joined(mut a: Value, b: Value) -> Value {
    let (Some(all), Value::Object(more)) = (a.as_object_mut(), b) else { panic!("two objects are joined") };
    all.extend(more);
    a
}
