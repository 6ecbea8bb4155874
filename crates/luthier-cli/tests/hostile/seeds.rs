//! Good files, most of them written by the program.

use std::fmt::Write;
use std::path::Path;

use crate::chance::Chance;
use crate::parquet_seeds;

const TEXTS: [(&str, &str); 7] = [
    ("all.toml", include_str!("seeds/all.toml")),
    ("axes.toml", include_str!("seeds/axes.toml")),
    ("scalers.toml", include_str!("seeds/scalers.toml")),
    ("classes.toml", include_str!("seeds/classes.toml")),
    ("buckets.toml", include_str!("seeds/buckets.toml")),
    ("parquet.toml", include_str!("seeds/parquet.toml")),
    ("scaled.toml", include_str!("seeds/scaled.toml")),
];

pub(crate) const CONFIGURATIONS: [&str; 4] = ["axes.toml", "scalers.toml", "classes.toml", "buckets.toml"];

pub(crate) const MODELS: [&str; 5] =
    ["all.json", "axes/model.json", "scalers/model.json", "classes/model.json", "buckets/model.json"];

/// The rows of all files.
pub(crate) const ROWS: usize = 60;

/// Written last.
const READY: &str = "ready";

pub(crate) fn are_there(folder: &Path) -> bool {
    folder.join(READY).exists()
}

pub(crate) fn make(folder: &Path) {
    for (name, text) in TEXTS {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let csv = TEXTS[0].1.replace("rows.csv", "d/d.csv");
    std::fs::write(folder.join("csv.toml"), csv).unwrap();
    let rows = rows();
    std::fs::write(folder.join("rows.csv"), &rows).unwrap();
    let quoted = rows.replace("red", "\"re\"\"d\"").replace("green", "\"gr\neen\"").replace('\n', "\r\n");
    std::fs::write(folder.join("quoted.csv"), quoted).unwrap();
    parquet_seeds::write(folder);
    luthier("fit all.toml --model all.json");
    for name in ["axes", "scalers", "classes", "buckets"] {
        luthier(&format!("tune {name}.toml --out {name} --quiet"));
    }
    luthier("summarize scaled.toml --out scaled.lsum");
    for place in ["r", "e", "g"] {
        std::fs::create_dir_all(folder.join(place)).unwrap();
        for file in ["results.json", "events.json"] {
            std::fs::copy(folder.join("buckets").join(file), folder.join(place).join(file)).unwrap();
        }
    }
    std::fs::write(folder.join(READY), "").unwrap();
}

fn luthier(command: &str) {
    let code = luthier_cli::run(std::iter::once("luthier").chain(command.split(' ')));
    assert_eq!(format!("{code:?}"), format!("{:?}", std::process::ExitCode::SUCCESS), "{command}");
}

fn rows() -> String {
    let mut text = "x0,x1,x2,x3,i,cat,flag,day,w,y,cls\n".to_owned();
    for row in 0..ROWS {
        let x = numbers(row);
        let x0 = if row % 7 == 3 { String::new() } else { x[0].to_string() };
        let x1 = if row % 11 == 5 { "NA".to_owned() } else { x[1].to_string() };
        let (cat, flag) = (["red", "green", "blue"][row % 3], row % 2 == 0);
        let (month, day) = (1 + row % 12, 1 + row % 28);
        let (y, cls) = (x[2] - x[3] + 0.1 * x[0], u8::from(x[2] + 0.3 * x[3] > 0.0));
        writeln!(
            text,
            "{x0},{x1},{},{},{},{cat},{flag},2024-{month:02}-{day:02},1.5,{y},{cls}",
            x[2],
            x[3],
            row % 4
        )
        .unwrap();
    }
    text
}

/// The numbers of a row.
pub(crate) fn numbers(row: usize) -> [f64; 4] {
    let mut chance = Chance::new(row as u64);
    std::array::from_fn(|_| (chance.below(4000) as f64 - 2000.0) / 1000.0)
}
