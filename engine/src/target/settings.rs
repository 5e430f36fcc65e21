//! What each driver needs to know, as the schema that a target of the workspace file is held against.

use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::{
    DigestLogFile, Directory, HashChainFile, LedgerFile, OwnCommand, Service, anchor_store, corvusforge, digest_log,
    epoch, hash_chain, pause_lever, secret_store,
};
use crate::procedure::TargetKind;

/// The settings of a driver: the keys of a target beside `kind`, `driver` and `environment`. None where the kind has no
/// such driver, or this program was built without it.
pub fn schema(kind: TargetKind, driver: &str, generator: &mut SchemaGenerator) -> Option<Schema> {
    let of = match (kind, driver) {
        (TargetKind::Command, "command") => OwnCommand::json_schema,
        (TargetKind::Ledger, "runwarden" | corvusforge::DRIVER) => LedgerFile::json_schema,
        (TargetKind::Ledger, hash_chain::DRIVER) => HashChainFile::json_schema,
        (TargetKind::Ledger, digest_log::DRIVER) => DigestLogFile::json_schema,
        (TargetKind::AnchorStore, "directory") => Directory::json_schema,
        (TargetKind::AnchorStore, "git_tag") => anchor_store::git_tag::Settings::json_schema,
        #[cfg(feature = "s3")]
        (TargetKind::AnchorStore, "s3") => anchor_store::s3::settings::Settings::json_schema,
        (TargetKind::AnchorStore, "rekor") => anchor_store::rekor::Settings::json_schema,
        (TargetKind::AnchorStore, "smtp") => anchor_store::smtp::Settings::json_schema,
        (TargetKind::Service, "http") => Service::json_schema,
        (TargetKind::SecretStore, "dotenv") => secret_store::dotenv::Settings::json_schema,
        (TargetKind::SecretStore, "env") => secret_store::env::Settings::json_schema,
        (TargetKind::SecretStore, "directory") => secret_store::directory::Settings::json_schema,
        (TargetKind::SecretStore, "vault") => secret_store::vault::Settings::json_schema,
        (TargetKind::SecretStore, "command") => secret_store::command::Settings::json_schema,
        (TargetKind::Epoch, "sqlite") => epoch::sqlite::Settings::json_schema,
        (TargetKind::Epoch, "postgres") => epoch::postgres::Settings::json_schema,
        (TargetKind::Pause, "file") => pause_lever::file::Settings::json_schema,
        (TargetKind::Pause, "postgres") => pause_lever::postgres::Settings::json_schema,
        (TargetKind::Pause, "command") => pause_lever::command::Settings::json_schema,
        (TargetKind::Pause, "evm") => pause_lever::evm::Settings::json_schema,
        (TargetKind::PluginRegistry, corvusforge::DRIVER) => corvusforge::places::RegistryFile::json_schema,
        (TargetKind::ArtifactStore, corvusforge::DRIVER) => corvusforge::places::StoreFolder::json_schema,
        _ => return None,
    };
    Some(of(generator))
}

#[cfg(test)]
mod tests {
    use schemars::generate::SchemaSettings;

    use super::*;
    use crate::target::drivers;

    #[test]
    fn every_driver_says_what_it_needs_to_know_and_takes_nothing_else() {
        for kind in TargetKind::ALL {
            for driver in drivers(kind).iter().filter(|driver| cfg!(feature = "s3") || **driver != "s3") {
                let mut generator = SchemaSettings::draft2020_12().into_generator();
                let settings = schema(kind, driver, &mut generator).map(serde_json::Value::from);
                let closed = settings.as_ref().and_then(|settings| settings.get("additionalProperties"));
                assert_eq!(closed, Some(&false.into()), "{kind:?} {driver}: {settings:?}");
            }
        }
    }
}
