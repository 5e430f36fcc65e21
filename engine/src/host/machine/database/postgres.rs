//! PostgreSQL: connected anew for each statement, over TLS or on this machine.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::config::{ChannelBinding, SslMode};
use tokio_postgres::tls::{MakeTlsConnect, NoTls, TlsConnect};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::host::Error;
use crate::host::database::{Rows, Server, Statement};

/// Why the server did not answer as it should, and whether the statement may have been done all the same.
struct Failed {
    error: tokio_postgres::Error,
    sent: bool,
}

pub(super) async fn ask(
    statement: &Statement,
    server: &Server,
    ca: Option<&[u8]>,
    read_only: bool,
) -> Result<Rows, Error> {
    let mut config = Config::new();
    config.host(&server.host).port(server.port).dbname(&server.database).user(&server.user);
    config.application_name("runwarden").connect_timeout(statement.timeout);
    if let Some(password) = &server.password {
        config.password(password);
    }
    let answer = async {
        match ca {
            Some(pem) => {
                config.ssl_mode(SslMode::Require).channel_binding(ChannelBinding::Prefer);
                let tls = MakeRustlsConnect::new(trusting(pem)?);
                exchange(config, tls, statement, read_only).await.map_err(|failed| told(statement, &failed))
            }
            None if is_here(&server.host) => {
                config.ssl_mode(SslMode::Disable);
                exchange(config, NoTls, statement, read_only).await.map_err(|failed| told(statement, &failed))
            }
            None => Err(Error::Refused(format!(
                "`{}` is not on this machine, and without a `ca_file` there is no TLS",
                server.host
            ))),
        }
    };
    let limit = statement.timeout;
    let answer = tokio::time::timeout(limit, answer).await;
    answer.map_err(|_| Error::TimedOut { what: statement.database.shown(), limit })?
}

/// Whether what is said to a host stays on this machine.
fn is_here(host: &str) -> bool {
    host.starts_with('/') || host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// TLS that trusts these authorities and no others.
fn trusting(pem: &[u8]) -> Result<ClientConfig, Error> {
    let refused = |why: String| Error::Refused(format!("`ca_file`: {why}"));
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| refused(error.to_string()))?;
        roots.add(certificate).map_err(|error| refused(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(refused("there is no certificate in it".to_owned()));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| refused(error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

async fn exchange<T>(config: Config, tls: T, statement: &Statement, read_only: bool) -> Result<Rows, Failed>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
    T::TlsConnect: Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    let unsent = |error| Failed { error, sent: false };
    let (mut client, connection) = config.connect(tls).await.map_err(unsent)?;
    // It ends when the client is dropped; what goes wrong with it the client says.
    let connection = tokio::spawn(connection);
    let rows = within(&mut client, statement, read_only).await;
    drop(client);
    connection.abort();
    rows
}

async fn within(client: &mut Client, statement: &Statement, read_only: bool) -> Result<Rows, Failed> {
    let unsent = |error| Failed { error, sent: false };
    let sent = |error| Failed { error, sent: !read_only };
    let transaction = client.build_transaction().read_only(read_only).start().await.map_err(unsent)?;
    for (name, value) in &statement.local {
        let set = transaction.execute("SELECT set_config($1, $2, true)", &[name, value]).await;
        set.map_err(unsent)?;
    }
    let prepared = transaction.prepare(&statement.sql).await.map_err(unsent)?;
    let values: Vec<&(dyn ToSql + Sync)> = statement.values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
    let found = transaction.query(&prepared, &values).await.map_err(sent)?;
    transaction.commit().await.map_err(sent)?;
    found.iter().map(|row| row.try_get(0).map_err(sent)).collect()
}

fn told(statement: &Statement, failed: &Failed) -> Error {
    let database = statement.database.shown();
    match failed.error.as_db_error() {
        // What the server refuses it has rolled back.
        Some(said) => Error::Database {
            database,
            code: Some(said.code().code().to_owned()),
            message: said.message().to_owned(),
            uncertain: false,
        },
        None => {
            let mut message = failed.error.to_string();
            if let Some(cause) = std::error::Error::source(&failed.error) {
                message = format!("{message}: {cause}");
            }
            Error::Database { database, code: None, message, uncertain: failed.sent }
        }
    }
}
