//! Mail, handed to a server over SMTP: one connection, one message, nothing repeated by itself.

use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::ContentTransferEncoding;
use lettre::message::{Attachment, Body, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls as Protection, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use super::Machine;
use crate::host::Error;
use crate::host::mail::{Mail, Tls};

impl Machine {
    pub(super) async fn post(&self, mail: Mail) -> Result<String, Error> {
        self.allow_host(&mail.server, mail.port)?;
        let shown = format!("smtp://{}:{}", mail.server, mail.port);
        let message = message(&mail)?;
        let transport = transport(&mail)?;
        let limit = mail.timeout;
        let sent = tokio::time::timeout(limit, transport.send(message)).await;
        let sent = sent.map_err(|_| Error::TimedOut { what: shown.clone(), limit })?;
        match sent {
            Ok(response) => Ok(response.message().collect::<Vec<_>>().join(" ")),
            Err(error) if error.is_permanent() => {
                Err(Error::Refused(format!("{shown} says no: {}", innermost(&error))))
            }
            // A server that said "later" did not take it.
            Err(error) => Err(Error::Network { url: shown, reason: innermost(&error), unsent: error.is_transient() }),
        }
    }
}

fn transport(mail: &Mail) -> Result<AsyncSmtpTransport<Tokio1Executor>, Error> {
    let wrong = |error: lettre::transport::smtp::Error| Error::Refused(format!("TLS for mail: {}", innermost(&error)));
    let parameters = || -> Result<TlsParameters, Error> {
        let mut builder = TlsParameters::builder(mail.server.clone());
        if let Some(pem) = &mail.ca {
            builder = builder.add_root_certificate(Certificate::from_pem(pem).map_err(wrong)?);
        }
        builder.build_rustls().map_err(wrong)
    };
    let tls = match mail.tls {
        Tls::Starttls => Protection::Required(parameters()?),
        Tls::Implicit => Protection::Wrapper(parameters()?),
        Tls::None => Protection::None,
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&mail.server)
        .port(mail.port)
        .tls(tls)
        .timeout(Some(mail.timeout));
    if let Some(login) = &mail.login {
        let password = login.password.expose_text().unwrap_or_default();
        builder = builder.credentials(Credentials::new(login.user.clone(), password.to_owned()));
    }
    Ok(builder.build())
}

fn message(mail: &Mail) -> Result<Message, Error> {
    let wrong = |why: &dyn std::fmt::Display| Error::Refused(format!("the mail cannot be written: {why}"));
    let mailbox = |address: &String| {
        let address: Address = address.parse().map_err(|error| wrong(&error))?;
        Ok::<_, Error>(Mailbox::new(None, address))
    };
    let date = UNIX_EPOCH + Duration::from_micros(u64::try_from(mail.at.microseconds()).unwrap_or_default());
    let mut builder = Message::builder()
        .from(mailbox(&mail.from)?)
        .subject(mail.subject.clone())
        .message_id(Some(mail.id.clone()))
        .date(date);
    for address in &mail.to {
        builder = builder.to(mailbox(address)?);
    }
    let mut parts = MultiPart::mixed().singlepart(SinglePart::plain(mail.text.clone()));
    for file in &mail.attached {
        // As they are, byte for byte: no line end is anybody's to change.
        let body = Body::new_with_encoding(file.bytes.clone(), ContentTransferEncoding::Base64);
        let body = body.map_err(|_| wrong(&"an attachment has no form in base64"))?;
        let kind = "application/octet-stream".parse().map_err(|_| wrong(&"no content type"))?;
        parts = parts.singlepart(Attachment::new(file.name.clone()).body(body, kind));
    }
    builder.multipart(parts).map_err(|error| wrong(&error))
}

/// The innermost reason, which is the one that helps.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}
