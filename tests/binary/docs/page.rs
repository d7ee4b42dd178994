//! A page of the documentation, taken apart into its fenced blocks.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::root;

/// A page.
pub(crate) struct Page {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// A fenced block.
#[derive(Debug)]
pub(super) struct Block {
    /// What follows the fence: `yaml`, `console`.
    pub(super) language: String,
    /// How to run it, from the comment `<!-- console: … -->` or `<!-- sh: … -->` before it.
    pub(super) how: String,
    pub(super) text: String,
}

/// Everything that is written for readers: in the root, in `docs/` and in `deploy/`.
pub(super) fn all() -> Vec<Page> {
    let mut paths = vec![root().join("README.md"), root().join("CONTRIBUTING.md")];
    collect(&root().join("docs"), &mut paths);
    collect(&root().join("deploy"), &mut paths);
    paths.sort();
    paths.into_iter().map(|path| Page { text: fs::read_to_string(&path).expect("a page is UTF-8"), path }).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of pages can be listed") {
        let path = entry.expect("a folder of pages can be listed").path();
        match path.extension() {
            _ if path.is_dir() => collect(&path, paths),
            Some(extension) if extension == "md" => paths.push(path),
            Some(_) | None => {}
        }
    }
}

impl Page {
    /// The page at this path below the root.
    pub(crate) fn at(path: &str) -> Page {
        let path = root().join(path);
        Page { text: fs::read_to_string(&path).expect("the page is there"), path }
    }

    /// Its blocks, in order. A fence may be indented, as in a list; its block is then read without the indent.
    pub(super) fn blocks(&self) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let (mut how, mut open, mut indent) = (String::new(), false, 0);
        for line in self.text.lines() {
            let fence = line.trim_start().strip_prefix("```");
            match (open, fence) {
                (false, Some(language)) => {
                    indent = line.len() - line.trim_start().len();
                    let how = std::mem::take(&mut how);
                    blocks.push(Block { language: language.to_owned(), how, text: String::new() });
                    open = true;
                }
                (true, Some("")) => open = false,
                (true, _) => {
                    let block = blocks.last_mut().expect("an open block was pushed");
                    block.text.push_str(line.get(indent..).unwrap_or_default());
                    block.text.push('\n');
                }
                (false, None) => {
                    let begin = ["<!-- console:", "<!-- sh:"];
                    let comment = begin.iter().find_map(|begin| line.trim().strip_prefix(begin)?.strip_suffix("-->"));
                    how = comment.unwrap_or_default().trim().to_owned();
                }
            }
        }
        blocks
    }

    /// Its links to other files, without anchors.
    pub(super) fn links(&self) -> Vec<String> {
        let targets = self.text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let files = targets.map(|target| target.split('#').next().unwrap_or_default());
        files.filter(|file| !file.is_empty() && !file.contains("://")).map(str::to_owned).collect()
    }

    /// What stands in backticks in the first cell of each row of a table, and the row.
    pub(crate) fn rows(&self) -> Vec<(String, &str)> {
        let first = |line: &str| Some(line.strip_prefix("| `")?.split('`').next()?.to_owned());
        self.text.lines().filter_map(|line| Some((first(line)?, line))).collect()
    }
}
