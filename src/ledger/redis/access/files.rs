//! The files that a URL names: the password, and the certificates of the authorities to believe.

use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Why a URL gives no access: a file that it names.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The password.
    #[error("{}: the password cannot be read: {error}; check the path in --ledger and the file's permissions", path.display())]
    Password {
        /// Where it should be.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// A file with blanks alone.
    #[error("{}: the file is empty; write the password into it", .0.display())]
    NoPassword(PathBuf),
    /// The certificates.
    #[error("{}: the certificates cannot be read: {error}; check the option ca in --ledger and the file's permissions", path.display())]
    Authorities {
        /// Where they should be.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// A file without any.
    #[error(
        "{}: the file has no usable certificate; the option ca wants the authority's, in PEM (-----BEGIN CERTIFICATE-----)",
        .0.display()
    )]
    NoAuthority(PathBuf),
}

/// The password in a file. Editors and `echo` end a file with a line break, which is no part of the password.
pub(super) fn password(path: &Path) -> Result<String, AccessError> {
    let text =
        fs::read_to_string(path).map_err(|error| AccessError::Password { path: path.to_owned(), error })?;
    let password = text.trim();
    if password.is_empty() {
        return Err(AccessError::NoPassword(path.to_owned()));
    }
    Ok(password.to_owned())
}

pub(super) fn authorities(path: &Path) -> Result<Vec<u8>, AccessError> {
    let pem = fs::read(path).map_err(|error| AccessError::Authorities { path: path.to_owned(), error })?;
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let added = certificate.ok().map(|certificate| store.add(certificate));
        if !matches!(added, Some(Ok(()))) {
            return Err(AccessError::NoAuthority(path.to_owned()));
        }
    }
    if store.is_empty() {
        return Err(AccessError::NoAuthority(path.to_owned()));
    }
    Ok(pem)
}
