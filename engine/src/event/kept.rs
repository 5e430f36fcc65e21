//! Facts as the ledger keeps them, and back.

use serde_json::{Map, Value};

use super::fact::{Event, Fact};
use super::{Draft, Kind, recall, record};

impl Event {
    /// What stands in an entry besides its kind.
    #[must_use]
    pub fn data(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(mut tagged)) => match tagged.remove("data").map(|data| record(&data)) {
                Some(Value::Object(data)) => data,
                _ => Map::new(),
            },
            _ => Map::new(),
        }
    }
}

impl Fact {
    /// The draft of the ledger entry that keeps this fact.
    #[must_use]
    pub fn draft(&self) -> Draft {
        Draft {
            kind: self.event.kind(),
            run: Some(self.run.clone()),
            step: self.step.clone(),
            attempt: self.attempt,
            actor: self.actor.clone(),
            data: self.event.data(),
        }
    }
}

impl Event {
    /// The fact that an entry of this kind and data keeps; none for kinds that no run writes.
    ///
    /// # Errors
    /// When the data is not of the kind.
    pub fn from_entry(kind: Kind, data: &Map<String, Value>) -> Result<Self, serde_json::Error> {
        let data = recall(&Value::Object(data.clone()));
        serde_json::from_value(serde_json::json!({ "kind": kind.as_str(), "data": data }))
    }
}
