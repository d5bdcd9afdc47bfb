//! What the operator gives a Pod to speak with it: a projected volume with a token, an address and certificates.

use std::net::SocketAddr;
use std::path::Path;

use hooked_protocol::{ADDRESS_FILE, AUTHORITIES_FILE, MAX_LINE, TOKEN_FILE};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::read;

/// Bytes of a file that are read at most: room for a dozen certificates.
const MAX_FILE: usize = 4 * MAX_LINE;

/// The volume's content at one time.
pub(super) struct Volume {
    pub(super) token: String,
    pub(super) address: SocketAddr,
    /// Certificates as PEM.
    pub(super) authorities: String,
}

impl Volume {
    /// Reads the volume. `None` if anything of it is missing, empty or makes no sense.
    pub(super) fn read(directory: &Path) -> Option<Self> {
        Some(Self {
            token: content(&directory.join(TOKEN_FILE))?,
            address: content(&directory.join(ADDRESS_FILE))?.parse().ok()?,
            authorities: content(&directory.join(AUTHORITIES_FILE))?,
        })
    }
}

/// The file as text without the white space around it. Whatever lies there must not block.
fn content(path: &Path) -> Option<String> {
    let file = open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let mut bytes = Vec::new();
    let mut page = [0; 2048];
    loop {
        let length = read(&file, &mut page).ok()?;
        if length == 0 {
            break;
        }
        bytes.extend_from_slice(&page[..length]);
        if bytes.len() > MAX_FILE {
            return None;
        }
    }
    let text = std::str::from_utf8(&bytes).ok()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
