//! Whether a node runs in a home: it listens on the home's socket from before it reads its keys until its process has ended.
//!
//! A home whose path is longer than a socket's may be is reached through its open folder. Absent: what is said by the socket.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use crate::{Advise, Failure, Home};

/// The socket's name as the system takes it, and the folder that must stay open meanwhile.
///
/// # Errors
/// A home that cannot be opened.
pub fn address(home: &Home) -> io::Result<(PathBuf, File)> {
    let path = home.control_socket();
    let folder = File::open(home.path())?;
    let name = path.file_name().map(Path::new).unwrap_or(Path::new("control"));
    let through = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name);
    // 108 bytes are all that an address of a socket holds.
    Ok((if path.as_os_str().len() < 100 { path } else { through }, folder))
}

/// A line to the node that runs.
///
/// # Errors
/// Where none does ([`ErrorKind::NotFound`], [`ErrorKind::ConnectionRefused`]), or it may not be asked.
pub fn connected(home: &Home) -> io::Result<UnixStream> {
    let (address, folder) = address(home)?;
    let stream = UnixStream::connect(address);
    drop(folder);
    stream
}

/// Whether a node runs in this home.
///
/// # Errors
/// When the socket cannot be tried.
pub fn runs(home: &Home) -> Result<bool, Failure> {
    match connected(home) {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => Ok(false),
        Err(error) => {
            let what =
                format!("cannot tell from {} whether a node runs here", home.control_socket().display());
            Err(error).advise(what, "run it as the user that owns the home")
        }
    }
}
