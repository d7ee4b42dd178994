//! Paths within a source, as text: the core opens no file.

use std::sync::Arc;

use crate::diagnostic::Location;

/// Whether a file holds documents, by its name.
pub(super) fn is_yaml(path: &str) -> bool {
    path.ends_with(".yaml") || path.ends_with(".yml")
}

/// The path that `written` names beside `file`.
///
/// # Errors
/// In a user's words, where it is absolute or climbs above the path that the file was given by.
pub(super) fn beside(file: &str, written: &str) -> Result<String, String> {
    if written.is_empty() || written.starts_with('/') || written.contains(['\\', '\0']) {
        return Err("this is no relative path".to_owned());
    }
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    for part in written.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.pop() {
                Some(folder) if !matches!(folder, "" | "." | "..") => {}
                Some(_) | None => return Err("this path leaves the source".to_owned()),
            },
            name => parts.push(name),
        }
    }
    Ok(parts.join("/"))
}

/// Removes the folders that all paths share, so that a revision has one identity wherever it is checked out.
pub(super) fn common_folder<'p>(mut paths: impl Iterator<Item = &'p str>) -> &'p str {
    let folder = |path: &'p str| &path[..path.rfind('/').map_or(0, |slash| slash + 1)];
    let Some(first) = paths.next() else { return "" };
    paths.fold(folder(first), |shared, path| {
        let mut shared = shared;
        while !path.starts_with(shared) {
            shared = folder(shared.trim_end_matches('/'));
        }
        shared
    })
}

/// Where a line stands, counted from 1; the end of the file where it has fewer.
pub(super) fn line(file: &Arc<str>, bytes: &[u8], number: usize) -> Location {
    let mut start = 0;
    for line in bytes.split_inclusive(|&b| b == b'\n').take(number.saturating_sub(1)) {
        start += line.len();
    }
    let length = bytes[start..].iter().position(|b| matches!(b, b'\r' | b'\n')).unwrap_or(bytes.len() - start);
    Location { file: file.clone(), start, end: start + length }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_from_the_folder_of_its_file() {
        assert_eq!(beside("s/eu/web.yaml", "be.ics").as_deref(), Ok("s/eu/be.ics"));
        assert_eq!(beside("s/eu/web.yaml", "./../be.ics").as_deref(), Ok("s/be.ics"));
        assert_eq!(beside("web.yaml", "x/be.ics").as_deref(), Ok("x/be.ics"));
        assert_eq!(beside("./web.yaml", "be.ics").as_deref(), Ok("./be.ics"));
    }

    #[test]
    fn a_path_cannot_climb_out() {
        for (file, written) in
            [("web.yaml", "../x.ics"), ("/web.yaml", "../../etc/x"), ("../s.yaml", "../x"), ("a.yaml", "/x")]
        {
            assert!(beside(file, written).is_err(), "{written} beside {file}");
        }
    }

    #[test]
    fn the_common_folder_is_what_all_paths_share() {
        assert_eq!(common_folder(["/etc/s/a.yaml", "/etc/s/eu/b.yaml"].into_iter()), "/etc/s/");
        assert_eq!(common_folder(["a.yaml", "eu/b.yaml"].into_iter()), "");
        assert_eq!(common_folder(["x/ab/1.yaml", "x/a/2.yaml"].into_iter()), "x/");
    }

    #[test]
    fn a_line_is_found_by_its_number() {
        let at = line(&"x".into(), b"a\r\nbc\r\n", 2);
        assert_eq!((at.start, at.end), (3, 5));
        assert_eq!(line(&"x".into(), b"a", 9).start, 1);
    }
}
