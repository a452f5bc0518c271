//! Joins what writes and what reads, each in its own pace, with little between them.

use std::{
    io::{self, PipeReader, Write},
    thread,
};

use ourspace_wallet::backup::BackupError as SealError;

use super::BackupError;

/// Runs `write` in a thread of its own; what it writes, `read` reads. Gives what `read`
/// gives, when both come to their ends.
///
/// When both fail, one of them fails only because the other has: the cause is given.
pub(super) fn through<T>(
    write: impl FnOnce(&mut dyn Write) -> Result<(), BackupError> + Send,
    read: impl FnOnce(PipeReader) -> Result<T, BackupError>,
) -> Result<T, BackupError> {
    let (reader, mut writer) = io::pipe().map_err(SealError::Read)?;
    thread::scope(|scope| {
        let writing = scope.spawn(move || write(&mut writer));
        let read = read(reader);
        let written = writing
            .join()
            .unwrap_or_else(|_| Err(BackupError::Archive("the writing thread failed".to_owned())));
        match (written, read) {
            (Ok(()), read) => read,
            (Err(written), Err(read)) if is_broken_pipe(&written) => Err(read),
            (Err(written), _) => Err(written),
        }
    })
}

/// Whether it only says that the other side reads no more.
fn is_broken_pipe(error: &BackupError) -> bool {
    let (BackupError::Seal(SealError::Write(source)) | BackupError::File { source, .. }) = error
    else {
        return false;
    };
    source.kind() == io::ErrorKind::BrokenPipe
}
