//! The kinds of files, how each is changed, and which commands read it.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use serde_json::Value;

use crate::chance::Chance;
use crate::{document, mutation};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Model,
    Configuration,
    Csv,
    Parquet,
    Results,
    Events,
    Journal,
    Page,
    Summaries,
}

const ALL: [Kind; 9] = [
    Kind::Model,
    Kind::Configuration,
    Kind::Csv,
    Kind::Parquet,
    Kind::Results,
    Kind::Events,
    Kind::Journal,
    Kind::Page,
    Kind::Summaries,
];

impl FromStr for Kind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        ALL.into_iter().find(|kind| format!("{kind:?}") == name).ok_or_else(|| name.to_owned())
    }
}

/// What a command may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limits {
    /// A little time, and a small multiple of the file.
    Reading,
    /// What the user has asked for.
    Work,
}

impl Limits {
    pub(crate) const TIME: Duration = Duration::from_secs(1);

    /// Ten times the file beyond what good files take, and some for what is made once.
    pub(crate) fn bytes(size: usize, good: usize) -> usize {
        good + 10 * size + (16 << 20)
    }
}

/// A good file.
pub(crate) struct Seed {
    pub(crate) name: String,
    contents: Vec<u8>,
    /// Where it lies, so that the commands find it.
    place: String,
    /// Those that read it.
    commands: Vec<(String, Limits)>,
}

/// A file to try.
pub(crate) struct Case {
    place: String,
    contents: Vec<u8>,
    pub(crate) size: usize,
    pub(crate) commands: Vec<(String, Limits)>,
}

impl Case {
    /// Writes the file into a folder.
    pub(crate) fn write(&self, folder: &Path) {
        let path = folder.join(&self.place);
        let parent = path.parent().unwrap();
        if self.place.contains("journal") {
            // The search that runs leaves segments of its own.
            let _ = std::fs::remove_dir_all(parent);
        }
        std::fs::create_dir_all(parent).unwrap();
        std::fs::write(path, &self.contents).unwrap();
    }
}

impl Kind {
    /// Whether a file may ask for work that takes long.
    pub(crate) fn may_take_long(self) -> bool {
        self == Self::Configuration
    }

    /// The good files of this kind in the folder of seeds.
    pub(crate) fn seeds(self, folder: &Path) -> Vec<Seed> {
        let reading = |command: &str| (command.to_owned(), Limits::Reading);
        let work = |command: &str| (command.to_owned(), Limits::Work);
        let files = |names: &[&str], place: &str, commands: &[(String, Limits)]| -> Vec<Seed> {
            let seed = |name: &&str| Seed {
                name: (*name).to_owned(),
                contents: std::fs::read(folder.join(name)).unwrap(),
                place: place.to_owned(),
                commands: commands.to_vec(),
            };
            names.iter().map(seed).collect()
        };
        match self {
            Self::Model => {
                let commands = [
                    "inspect m/m.json",
                    "inspect m/m.json --json",
                    "predict m/m.json rows.csv --out p.csv",
                    "evaluate m/m.json rows.csv",
                ];
                files(&crate::seeds::MODELS, "m/m.json", &commands.map(reading))
            }
            Self::Configuration => {
                let commands = [work("tune c.toml --explain --quiet"), work("tune c.toml --quiet")];
                files(&crate::seeds::CONFIGURATIONS, "c.toml", &commands)
            }
            Self::Csv => {
                let commands =
                    [reading("predict all.json d/d.csv --out p.csv"), reading("fit csv.toml --model f.json")];
                files(&["rows.csv", "quoted.csv"], "d/d.csv", &commands)
            }
            Self::Parquet => {
                let commands = [
                    "predict all.json d/d.parquet --out p.parquet",
                    "split d/d.parquet --out-train t1.parquet --out-test t2.parquet",
                    "fit parquet.toml --model f.json",
                ];
                let names: Vec<String> = crate::parquet_seeds::names();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                files(&names, "d/d.parquet", &commands.map(reading))
            }
            Self::Results => {
                files(&["buckets/results.json"], "r/results.json", &[reading("report r --out g.html")])
            }
            Self::Events => {
                files(&["buckets/events.json"], "e/events.json", &[reading("report e --out g.html")])
            }
            Self::Page => {
                let commands =
                    [reading("report g --out g.html"), reading("report g --compare buckets --out g.html")];
                files(&["buckets/report.html"], "g/report.html", &commands)
            }
            Self::Journal => {
                let commands = [reading("tune buckets.toml --out j --quiet")];
                files(&["buckets/journal/cells-0001.jsonl"], "j/journal/cells-0001.jsonl", &commands)
            }
            Self::Summaries => {
                let commands = [reading("tune scaled.toml s/s.lsum --quiet")];
                files(&["scaled.lsum"], "s/s.lsum", &commands)
            }
        }
    }

    /// A seed with the changes of this number; `None` for the seed itself.
    pub(crate) fn case(self, seed: &Seed, number: Option<u64>) -> Case {
        let mut contents = seed.contents.clone();
        if let Some(number) = number {
            let chance = &mut Chance::new(number);
            match self {
                Self::Model => model(&mut contents, chance),
                Self::Results | Self::Events => json(&mut contents, chance),
                Self::Configuration | Self::Csv => mutation::text(&mut contents, chance),
                Self::Parquet => {
                    let focus = footer(&contents);
                    mutation::bytes(&mut contents, focus, chance);
                }
                Self::Journal => journal(&mut contents, chance),
                Self::Page => page(&mut contents, chance),
                Self::Summaries => summaries(&mut contents, chance),
            }
        }
        Case { place: seed.place.clone(), size: contents.len(), contents, commands: seed.commands.clone() }
    }
}

/// Most changes leave a document, for the parser finds the others.
fn json(contents: &mut Vec<u8>, chance: &mut Chance) {
    match serde_json::from_slice::<Value>(contents) {
        Ok(mut value) if chance.below(4) != 0 => {
            document::change(&mut value, chance);
            *contents = serde_json::to_vec(&value).unwrap();
        }
        _ => mutation::text(contents, chance),
    }
}

/// Most changed models have no checksum, which would find every change.
fn model(contents: &mut Vec<u8>, chance: &mut Chance) {
    if chance.below(8) != 0 {
        let mut document: Value = serde_json::from_slice(contents).unwrap();
        document.as_object_mut().unwrap().shift_remove("checksum").unwrap();
        *contents = serde_json::to_vec(&document).unwrap();
    }
    json(contents, chance);
}

/// Where the footer of a Parquet file is.
fn footer(file: &[u8]) -> std::ops::Range<usize> {
    let end = file.len() - 8;
    let size = u32::from_le_bytes([file[end], file[end + 1], file[end + 2], file[end + 3]]);
    end - size as usize..file.len()
}

/// A line with another object and the checksum of that, or other bytes.
fn journal(contents: &mut Vec<u8>, chance: &mut Chance) {
    let mut lines: Vec<String> =
        String::from_utf8(contents.clone()).unwrap().lines().map(str::to_owned).collect();
    if chance.below(4) == 0 {
        return mutation::text(contents, chance);
    }
    let at = chance.below(lines.len());
    let mut object: Value = serde_json::from_str(&lines[at]).unwrap();
    object.as_object_mut().unwrap().remove("crc");
    document::change(&mut object, chance);
    let text = object.to_string();
    let rest = text.strip_prefix('{').unwrap_or(&text);
    lines[at] = format!("{{\"crc\":\"{:08x}\",{rest}", crc32c(rest.as_bytes()));
    *contents = (lines.join("\n") + "\n").into_bytes();
}

/// The checksum of Castagnoli.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 },
        )
    })
}

/// Other bytes behind the head of a file of summaries, most of them with their checksum.
fn summaries(contents: &mut Vec<u8>, chance: &mut Chance) {
    const HEAD: usize = 16;
    let focus = HEAD..contents.len();
    mutation::bytes(contents, focus, chance);
    if contents.len() > HEAD && chance.below(8) != 0 {
        let checksum = crc32c(&contents[HEAD..]);
        contents[HEAD - 4..HEAD].copy_from_slice(&checksum.to_le_bytes());
    }
}

/// Changes the document of a report.
fn page(contents: &mut Vec<u8>, chance: &mut Chance) {
    let text = String::from_utf8(contents.clone()).unwrap();
    let open = "id=\"data\">";
    let start = text.find(open).unwrap() + open.len();
    let end = start + text[start..].find("</script>").unwrap();
    let mut data = text.as_bytes()[start..end].to_vec();
    json(&mut data, chance);
    contents.splice(start..end, data);
}
