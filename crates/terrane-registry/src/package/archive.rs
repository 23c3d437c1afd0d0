//! Archives without anything of the machine that wrote them: no owner, no time, no order of a directory.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};

use flate2::read::GzDecoder;
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc, GzBuilder};

use crate::{Error, ErrorKind};

/// 2020-01-01T00:00:00Z: some tools refuse zero, and zip starts at 1980.
const MTIME: u64 = 1_577_836_800;
/// The same moment as zip writes dates: 40 years after 1980, month 1, day 1.
const ZIP_DATE: u16 = (40 << 9) | (1 << 5) | 1;

type Files = BTreeMap<String, Vec<u8>>;

fn unwritable(error: std::io::Error) -> Error {
    Error::input(format!("the package cannot be archived: {error}"))
}

fn damaged(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Damaged, format!("the archive is damaged: {error}"))
}

pub(super) fn write_tar_gz(files: &Files) -> Result<Vec<u8>, Error> {
    let gz = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::best());
    let mut tar = tar::Builder::new(gz);
    for (path, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_path(path).map_err(unwritable)?;
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(MTIME);
        header.set_cksum();
        tar.append(&header, bytes.as_slice()).map_err(unwritable)?;
    }
    tar.into_inner().and_then(flate2::write::GzEncoder::finish).map_err(unwritable)
}

pub(super) fn read_tar_gz(bytes: &[u8]) -> Result<Files, Error> {
    /// More than a package may hold, so that a bomb stops early.
    const LIMIT: u64 = (super::MAX_BYTES as u64) * 2;
    let mut archive = tar::Archive::new(GzDecoder::new(bytes).take(LIMIT));
    let mut files = Files::new();
    for entry in archive.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        if entry.header().entry_type() != tar::EntryType::Regular {
            return Err(damaged("it holds something that is not a regular file"));
        }
        let path = String::from_utf8(entry.path_bytes().into_owned()).map_err(damaged)?;
        let mut text = Vec::new();
        entry.read_to_end(&mut text).map_err(damaged)?;
        if files.insert(path.clone(), text).is_some() {
            return Err(damaged(format!("it holds `{path}` twice")));
        }
    }
    // The checksum stands at the end, behind what the tar format asks for.
    std::io::copy(&mut archive.into_inner(), &mut std::io::sink()).map_err(damaged)?;
    Ok(files)
}

pub(super) fn write_zip(files: &Files) -> Result<Vec<u8>, Error> {
    let too_long = |_| Error::input("the package is too large for a zip file");
    let (mut zip, mut directory) = (Vec::new(), Vec::new());
    for (path, bytes) in files {
        let mut crc = Crc::new();
        crc.update(bytes);
        let mut deflate = DeflateEncoder::new(Vec::new(), Compression::best());
        deflate.write_all(bytes).map_err(unwritable)?;
        let packed = deflate.finish().map_err(unwritable)?;
        // Version 2.0, UTF-8 names, deflate, midnight of the fixed date.
        let mut common: Vec<u8> =
            [20u16, 0x0800, 8, 0, ZIP_DATE].into_iter().flat_map(u16::to_le_bytes).collect();
        for value in
            [crc.sum(), packed.len().try_into().map_err(too_long)?, bytes.len().try_into().map_err(too_long)?]
        {
            common.extend(u32::to_le_bytes(value));
        }
        common.extend(u16::try_from(path.len()).map_err(too_long)?.to_le_bytes());
        common.extend([0; 2]);
        let offset: u32 = zip.len().try_into().map_err(too_long)?;

        zip.extend(b"PK\x03\x04");
        zip.extend(&common);
        zip.extend(path.as_bytes());
        zip.extend(&packed);

        // Made by Unix, so that the mode in the upper half of the attributes counts.
        directory.extend(b"PK\x01\x02");
        directory.extend([20, 3]);
        directory.extend(&common);
        directory.extend([0; 6]);
        directory.extend((0o100_644_u32 << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(path.as_bytes());
    }
    let n_files = u16::try_from(files.len()).map_err(too_long)?.to_le_bytes();
    let offset = u32::try_from(zip.len()).map_err(too_long)?.to_le_bytes();
    let size = u32::try_from(directory.len()).map_err(too_long)?.to_le_bytes();
    zip.extend(directory);
    zip.extend(b"PK\x05\x06\0\0\0\0");
    zip.extend(n_files);
    zip.extend(n_files);
    zip.extend(size);
    zip.extend(offset);
    zip.extend([0; 2]);
    Ok(zip)
}
