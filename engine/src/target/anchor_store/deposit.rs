//! An anchor handed to a store: looked for first, put there once, tried again while that may help.

use std::time::Duration;

use super::{AnchorStore, Error, Item, Kept, Object};
use crate::host::{Host, Probe};

/// How often it is tried in all.
const TRIES: u32 = 3;

/// How long is waited before the second try; twice as long before each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// What of an item's name a store has already; nothing where it does not let that be read.
///
/// # Errors
/// When the store cannot be asked.
pub async fn look(store: &dyn AnchorStore, probe: &dyn Probe, item: &Item) -> Result<Vec<Object>, Error> {
    if !store.is_readable() {
        return Ok(Vec::new());
    }
    let mut objects = match store.objects(probe, Some(&item.run)).await {
        Ok(objects) => objects,
        // Credentials that only put: whether something is there is said when it is put.
        Err(Error::Refused { code: "not_readable", .. }) => Vec::new(),
        Err(error) => return Err(error),
    };
    let name = format!("{}.", item.name);
    objects.retain(|object| object.name.starts_with(&name) || object.name == item.name);
    Ok(objects)
}

/// Puts an item in a store. Every try is of the same bytes under the same name, so that one too many is no harm.
///
/// # Errors
/// What the last try came to.
pub async fn put(store: &dyn AnchorStore, host: &dyn Host, item: &Item) -> Result<Kept, Error> {
    let mut pause = FIRST_PAUSE;
    for _ in 1..TRIES {
        match store.put(host, item).await {
            Err(error) if error.is_transient() => tokio::time::sleep(pause).await,
            done => return done,
        }
        pause *= 2;
    }
    store.put(host, item).await
}
