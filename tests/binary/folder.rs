//! Schedule files in a folder of their own, gone with the test.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A folder that is removed when it is dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("binary-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).expect("the build's own folder for temporary files can be written");
        Folder(path)
    }

    /// A folder with one file.
    pub(crate) fn with(name: &str, content: impl AsRef<[u8]>) -> Self {
        let folder = Folder::new();
        folder.write(name, content);
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The path as an argument.
    pub(crate) fn arg(&self) -> &str {
        self.0.to_str().expect("the build's own folder has a UTF-8 name")
    }

    /// Writes a file as a careful user does: whole, or not at all.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let draft = self.0.join(".draft");
        fs::write(&draft, content).expect("a new file can be written");
        fs::rename(draft, self.0.join(name)).expect("a file can be renamed inside its folder");
    }

    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.0.join(name)).expect("the file is there");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _already_gone = fs::remove_dir_all(&self.0);
    }
}

/// A schedule for these targets that declares `min` at all times.
pub(crate) fn constant(targets: &[&str], min: u32) -> String {
    schedule("constant", targets, &format!("  default: {{ min: {min} }}\n"))
}

/// A schedule in UTC with what else stands in its `spec`.
pub(crate) fn schedule(name: &str, targets: &[&str], rest: &str) -> String {
    let target = |target: &&str| {
        let (cluster, service) = target.split_once('/').expect("a target is cluster/service");
        format!("    - {{ cluster: \"{cluster}\", service: \"{service}\" }}\n")
    };
    let targets: String = targets.iter().map(target).collect();
    let head = format!("apiVersion: baseload/v1\nkind: ScalingSchedule\nmetadata: {{ name: {name} }}\n");
    format!("{head}spec:\n  targets:\n{targets}  timezone: UTC\n{rest}---\n")
}

/// A compiled zone (TZif) that is `offset_s` seconds ahead of UTC at all times.
pub(crate) fn fixed_zone(offset_s: i32) -> Vec<u8> {
    let abbreviation = b"FIX\0";
    let mut zone = b"TZif\0".to_vec();
    zone.extend([0; 15]);
    for count in [0_u32, 0, 0, 0, 1, 4] {
        zone.extend(count.to_be_bytes()); // UT flags, standard flags, leap seconds, transitions, types, abbreviations
    }
    zone.extend(offset_s.to_be_bytes());
    zone.extend([0, 0]); // no summer time; the abbreviation begins at 0
    zone.extend(abbreviation);
    zone
}
