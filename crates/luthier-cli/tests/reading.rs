//! Files as people have them: what could be fitted can be predicted, codes stay what they are, and messages say what to
//! write.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

struct Scene(TempDir);

impl Scene {
    /// A folder with a configuration: these lines of `[data]`, then the stages.
    fn new(data: &str, stages: &str) -> Self {
        let scene = Self(TempDir::new().unwrap());
        scene.write("c.toml", format!("[data]\nlabel = \"y\"\n{data}\n{stages}"));
        scene
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.0.path().join(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.path().join(name)).unwrap()
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_luthier"));
        command.current_dir(&self.0).args(arguments.split(' ')).stdin(Stdio::null());
        command
    }

    /// Runs the program, which must succeed; what it printed and its notes.
    #[track_caller]
    fn run(&self, arguments: &str) -> (String, String) {
        let output = self.command(arguments).output().unwrap();
        let (out, err) = texts(&output);
        assert!(output.status.success(), "{arguments}: {err}");
        (out, err)
    }

    #[track_caller]
    fn error(&self, arguments: &str) -> String {
        let output = self.command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments}: {output:?}");
        texts(&output).1
    }

    /// A metric of a file by the model `m.json`.
    #[track_caller]
    fn r2(&self, arguments: &str) -> f64 {
        let (out, _) = self.run(&format!("evaluate m.json {arguments} --metric r2"));
        let line = out.lines().find(|line| line.starts_with("r2")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

const LR: &str = "[[stage]]\nname = \"lr\"\ntype = \"linear_regression\"\n";
const FIT: &str = "fit c.toml --model m.json";

const IMPUTED: &str = "[[stage]]\ntype = \"imputer\"\ninput_cols = [\"x\", \"z\"]\noutput_cols = [\"x2\", \"z2\"]\n\
    [[stage]]\ntype = \"vector_assembler\"\ninput_cols = [\"x2\", \"z2\"]\n[[stage]]\ntype = \"linear_regression\"\n";

/// One-hot encodes `code`.
fn coded() -> String {
    "[[stage]]\nname = \"i\"\ntype = \"string_indexer\"\ninput_cols = [\"code\"]\noutput_cols = [\"index\"]\n\
     [[stage]]\ntype = \"one_hot_encoder\"\ninput_cols = [\"index\"]\noutput_cols = [\"is\"]\ndrop_last = false\n\
     [[stage]]\ntype = \"linear_regression\"\nfeatures_col = \"is\"\nreg_param = 0.0001\n"
        .to_owned()
}

#[test]
fn cells_that_only_pass_through_come_out_as_they_were() {
    let scene = Scene::new("path = \"d.csv\"\nfeatures = [\"x\"]", LR);
    let text = "id,zip,flag,price,who,x,y\n\
                12345678901234567890,00001,TRUE,1.50,\"Ann, Lee\",0,1\n\
                12345678901234567891,00002,False,NA,\"\",1,3.0\n\
                12345678901234567892,00003,true,,\" \"\"x\"\" \",2,5.0\n";
    scene.write("d.csv", text);
    scene.run(FIT);
    scene.run("predict m.json d.csv --out p.csv");
    let predicted = scene.read("p.csv");
    for (line, of_input) in predicted.lines().zip(text.lines()) {
        let (before, _) = of_input.split_at(
            of_input.len() - of_input.rsplit(',').take(2).map(|cell| cell.len() + 1).sum::<usize>(),
        );
        assert!(line.starts_with(before), "{line} of {of_input}");
    }
    assert!(predicted.lines().nth(2).unwrap().contains(",3.0,"), "{predicted}");
}

#[test]
fn cells_that_the_model_reads_come_out_as_they_were() {
    let scene = Scene::new("path = \"d.csv\"\nfeatures = []", &coded());
    let rows = "code,x,y\n007,1.50,1\n\"07\",1e3,2\n007, 2 ,1\n\"07\",+3,2\n";
    scene.write("d.csv", rows);
    scene.run(FIT);
    let inputs = |text: &str| {
        let line = |line: &str| line.rsplit_once(',').unwrap().0.to_owned() + "\n";
        text.lines().map(line).collect::<String>()
    };
    scene.run("predict m.json d.csv --out p.csv");
    assert_eq!(inputs(&scene.read("p.csv")), rows);
    // Numbers too, also by name and in another order.
    scene.write("c.toml", format!("[data]\npath = \"d.csv\"\nlabel = \"y\"\nfeatures = [\"x\"]\n{LR}"));
    scene.run(FIT);
    scene.run("predict m.json d.csv --out p.csv");
    assert_eq!(inputs(&scene.read("p.csv")), rows);
    scene.run("predict m.json d.csv --out p.csv --columns prediction,x");
    assert!(scene.read("p.csv").lines().nth(1).unwrap().ends_with(",1.50"));
    // A column that is missing is told from those that the file has.
    scene.write("less.csv", "code,z\n007,1\n");
    let error = scene.error("predict m.json less.csv --out p.csv");
    assert!(
        error.contains("the file lacks the column `x`, which the model needs; the file has: `code`, `z`"),
        "{error}"
    );
}

#[test]
fn columns_of_one_name_are_told_apart() {
    let scene = Scene::new("path = \"d.csv\"", LR);
    scene.write("d.csv", "x,x,y\n1,5,2\n2,3,4\n3,9,6\n4,1,8\n");
    let (_, notes) = scene.run(FIT);
    assert!(notes.contains("several columns have the same name: another `x` is renamed to `x_2`"), "{notes}");
    scene.run("predict m.json d.csv --out p.csv");
    assert!(scene.read("p.csv").starts_with("x,x_2,y,prediction\n1,5,2,"), "{}", scene.read("p.csv"));
}

#[test]
fn outputs_are_compressed_as_their_names_say() {
    let scene = Scene::new("path = \"d.csv\"", LR);
    scene.write("d.csv", "x,y\n1,2\n2,4\n3,6\n");
    scene.run(FIT);
    scene.run("predict m.json d.csv --out p.csv");
    for (name, magic) in [("p.csv.gz", &b"\x1f\x8b"[..]), ("p.csv.zst", b"\x28\xb5\x2f\xfd")] {
        scene.run(&format!("predict m.json d.csv --out {name}"));
        let bytes = std::fs::read(scene.0.path().join(name)).unwrap();
        assert!(bytes.starts_with(magic), "{name}");
        // It is read back as the same rows.
        scene.run(&format!("split {name} --out-train a.csv --out-test b.csv"));
        let rows = |name: &str| scene.read(name).lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
        let mut back = [rows("a.csv"), rows("b.csv")].concat();
        back.sort();
        assert_eq!(back, rows("p.csv"));
    }
    let error = scene.error("predict m.json d.csv --out p.parquet.gz");
    assert!(
        error.contains("use the file extension .csv (also .csv.gz, .csv.zst), .parquet or .pq"),
        "{error}"
    );
}

#[test]
fn categories_are_told_apart_by_their_spelling() {
    for (one, other) in [("\"1\"", "\"01\""), ("7", "007"), ("\"1.0\"", "\"1\""), ("\"TRUE\"", "\"true\"")] {
        let scene = Scene::new("path = \"d.csv\"\nfeatures = []", &coded());
        scene.write("d.csv", format!("code,y\n{}", format!("{one},0\n{other},1\n").repeat(6)));
        scene.run(FIT);
        assert!(scene.r2("d.csv") > 0.99, "{one} and {other}");
        let (document, _) = scene.run("inspect m.json --json");
        let bare = |code: &str| format!("\"{}\"", code.trim_matches('"'));
        assert!(document.contains(&bare(one)) && document.contains(&bare(other)), "{document}");
        // A file of one category only is read as the model's data were.
        scene.write("new.csv", format!("code\n{}\n", other.trim_matches('"')));
        scene.run("predict m.json new.csv --out p.csv");
        let predicted = scene.read("p.csv").replace('"', "");
        let expected = format!("code,prediction\n{},", other.trim_matches('"'));
        assert!(predicted.starts_with(&expected), "{predicted}");
    }
}

#[test]
fn types_can_be_declared() {
    let scene = Scene::new("path = \"d.csv\"\nfeatures = []\ntypes = { code = \"text\" }", &coded());
    scene.write("d.csv", format!("code,y\n{}", "1,0\n1.0,1\n".repeat(6)));
    scene.run(FIT);
    assert!(scene.r2("d.csv") > 0.99);
    scene.write(
        "c.toml",
        format!("[data]\nlabel = \"y\"\npath = \"d.csv\"\n[data.types]\ncoed = \"text\"\n{LR}"),
    );
    let error = scene.error(FIT);
    assert!(error.starts_with("error: c.toml:5: unknown column `coed`, did you mean `code`?"), "{error}");
    scene.write(
        "c.toml",
        format!("[data]\nlabel = \"y\"\npath = \"d.csv\"\n[data.types]\ncode = \"texts\"\n{LR}"),
    );
    let error = scene.error(FIT);
    assert!(error.starts_with("error: c.toml:5: unknown type \"texts\", expected \"text\""), "{error}");
    scene.write("c.toml", format!("[data]\nlabel = \"y\"\npath = \"q.csv\"\n{LR}"));
    scene.write("q.csv", "x,y\n\"1\",1\n\"02\",2\n\"3\",3\n\"4\",5\n");
    let error = scene.error(FIT);
    assert!(
        error.contains("`02` in line 3") || error.contains("are quoted, such as `1` in line 2"),
        "{error}"
    );
    assert!(error.contains("`types = { \"x\" = \"number\" }`"), "{error}");
    scene.write(
        "c.toml",
        format!("[data]\nlabel = \"y\"\npath = \"q.csv\"\ntypes = {{ \"x\" = \"number\" }}\n{LR}"),
    );
    scene.run(FIT);
    assert!(scene.r2("q.csv") > 0.8);
}

#[test]
fn a_model_keeps_how_its_data_were_read() {
    let scene = Scene::new("path = \"d.csv\"\nfeatures = []\nnull_values = [\"\", \"-999\"]", IMPUTED);
    let rows = |rows: std::ops::Range<i32>, gap: &str| -> String {
        let z = |row: i32| if row % 4 == 0 { gap.to_owned() } else { (row % 7).to_string() };
        let y = |row: i32| 2 * row - row % 7;
        rows.map(|row| format!("{row},{},{}\n", z(row), y(row))).collect()
    };
    scene.write("d.csv", format!("x,z,y\n{}", rows(0..40, "-999")));
    scene.run(FIT);
    let fitted = scene.r2("d.csv");
    assert!(fitted > 0.9, "{fitted}");
    assert_eq!(scene.r2("d.csv --null-value -999").to_bits(), fitted.to_bits());
    assert_eq!(scene.r2("d.csv --null-value=-999").to_bits(), fitted.to_bits());
    scene.write("e.csv", format!("x;z;y\n{}", rows(0..40, "-1").replace(',', ";")));
    assert_eq!(scene.r2("e.csv --null-value -1 --delimiter ;").to_bits(), fitted.to_bits());
    assert!(scene.r2("d.csv --null-value -1") < 0.5);

    let shown = scene.run("inspect m.json").0;
    assert!(shown.contains("data read with null_values = [\"\",\"-999\"]\n"), "{shown}");

    // A model of an earlier release does not know.
    let mut document: serde_json::Value = serde_json::from_str(&scene.read("m.json")).unwrap();
    assert!(document["reading"]["columns"][1]["nullable"].as_bool().unwrap());
    document.as_object_mut().unwrap().remove("reading");
    document.as_object_mut().unwrap().remove("checksum");
    scene.write("m.json", document.to_string());
    assert_eq!(scene.r2("d.csv --null-value -999").to_bits(), fitted.to_bits());
}

#[test]
fn what_could_be_fitted_can_be_predicted() {
    let data = "path = \"iris.data\"\nformat = \"csv\"\ndelimiter = \"\\\\t\"\nheader = false\nfeatures = [\"column_0\"]";
    let scene = Scene::new(&data.replace("label", ""), LR);
    let config = scene.read("c.toml").replace("label = \"y\"", "label = \"column_1\"");
    scene.write("c.toml", config);
    scene.write("iris.data", "1\t2\n2\t4\n3\t6\n");
    scene.run(FIT);
    scene.run("predict m.json iris.data --out p.csv");
    assert_eq!(scene.read("p.csv").lines().count(), 4);
    scene.write("new.txt", "5;1,5\n6;2,5\n");
    scene.run("predict m.json new.txt --delimiter ; --out p.csv");
    scene.write("headed.csv", "column_0\n7\n");
    scene.run("predict m.json headed.csv --header --delimiter , --out p.csv");
    scene.write("new.dat", "5\t1\n");
    let mut without: serde_json::Value = serde_json::from_str(&scene.read("m.json")).unwrap();
    without["reading"].as_object_mut().unwrap().remove("format");
    without.as_object_mut().unwrap().remove("checksum");
    scene.write("old.json", without.to_string());
    assert!(scene.error("predict old.json new.dat --out p.csv").contains("--format csv"));
    scene.run("predict old.json new.dat --format csv --out p.csv");
}

#[test]
fn missing_values_need_no_declaration() {
    let scene = Scene::new("path = \"d.csv\"\nfeatures = []", IMPUTED);
    let all_quoted = "\"x\",\"z\",\"y\"\n\"1\",\"NA\",\"2\"\n\"2\",\"3\",\"4.1\"\n\"3\",\"?\",\"5.9\"\n\"4\",\"7\",\"8\"\n";
    scene.write("d.csv", all_quoted);
    scene.run(FIT);
    scene.write("d.csv", "x,z,y\n1,N/A,2\n2, null ,4.1\n3,-,5.9\n4,7,8\n5,\"\",10\n6,NaN,12\n");
    scene.run(FIT);
}

#[test]
fn a_column_that_is_text_for_one_cell_is_explained() {
    let scene = Scene::new("path = \"d.csv\"", LR);
    scene.write("d.csv", "size,age,y\n1,2,2\n2,40+,4.1\n3,5,5.9\n4,7,8\n5,8,10\n");
    let (_, notes) = scene.run(FIT);
    let expected = "note: d.csv: column `age` is text: `40+` in line 3 is not a number; if it stands for a missing value, \
                    write `null_values = [\"\", \"NA\", \"?\", \"40+\"]` with all";
    assert!(notes.contains(expected), "{notes}");
    // Other signs.
    scene.write("d.csv", "x;y\n1,5;2\n2,5;4,1\n3,1;5,9\n4,2;8\n");
    let error = scene.error(FIT);
    assert!(error.contains("`1,5` in line 2") && error.contains("`decimal = \",\"`"), "{error}");
    let scene = Scene::new("path = \"d.csv\"\ndelimiter = \";\"\ndecimal = \",\"\nthousands = \".\"", LR);
    scene.write("d.csv", "x;y\n1,5;2.001\n2,5;4.001,1\n3,1;5.001,9\n4,2;8.001\n");
    scene.run(FIT);
    assert!(scene.r2("d.csv") > 0.9);
}

#[test]
fn row_names_of_r_are_a_column_without_name() {
    let scene = Scene::new("path = \"d.csv\"", LR);
    scene.write("d.csv", "\"x\",\"y\"\n\"a\",1,2\n\"b\",2,4.1\n\"c\",3,5.9\n");
    let (_, notes) = scene.run(FIT);
    assert!(
        notes.contains("note: d.csv: the first column has no name and is treated as row names"),
        "{notes}"
    );
    assert!(scene.run("inspect m.json").0.starts_with("1 features: x\n"));
    // Neither is the index of a table of pandas a feature.
    scene.write("d.csv", ",x,y\n0,1,2\n1,2,4.1\n2,3,5.9\n");
    scene.run(FIT);
    assert!(scene.run("inspect m.json").0.starts_with("1 features: x\n"));
    scene.write("d.csv", "\"x\",\"y\"\n\"a\",1,2\n\"b\",2,4.1\n\"c\",3,5.9\n");
    scene.run("predict m.json d.csv --out p.csv");
    assert!(scene.read("p.csv").starts_with("\"\",x,y,prediction\n\"a\",1,2,"), "{}", scene.read("p.csv"));
}

#[test]
fn compressed_files_and_other_encodings() {
    let scene = Scene::new("path = \"d.csv.gz\"\nfeatures = [\"größe\"]\nencoding = \"latin1\"", LR);
    let text = "größe,y\n1,2\n2,4\n3,6\n";
    let latin1: Vec<u8> = text.chars().map(|c| c as u8).collect();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&latin1).unwrap();
    scene.write("d.csv.gz", encoder.finish().unwrap());
    scene.run(FIT);
    scene.write("plain.csv", &latin1);
    assert!(scene.r2("plain.csv") > 0.99);
    scene.write("utf8.csv", text);
    assert!(scene.r2("utf8.csv --encoding utf-8") > 0.99);
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    scene.write("wide.csv", wide);
    assert!(scene.r2("wide.csv --encoding utf-16le") > 0.99);
}

#[test]
fn standard_input_and_output() {
    let scene = Scene::new("path = \"d.csv\"", LR);
    scene.write("d.csv", "x,y\n1,2\n2,4\n3,6\n");
    scene.run(FIT);
    let through = |arguments: &str, text: &str| {
        let mut command = scene.command(arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code(), texts(&output))
    };
    let (code, (out, err)) = through("predict m.json - --out -", "id,x\n007,4\n");
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(out.starts_with("id,x,prediction\n007,4,") && out.lines().count() == 2, "{out}");
    let config = scene.read("c.toml").replace("d.csv", "-");
    scene.write("c.toml", config);
    let (code, (out, _)) = through("fit c.toml --model n.json", "x,y\n1,2\n2,4\n3,6\n");
    assert!(code == Some(0) && out.starts_with("fitted on 3 rows"), "{out}");
    let (code, (out, _)) = through("evaluate m.json - --metric r2", "x,y\n1,2\n2,4\n");
    assert!(code == Some(0) && out.contains("2 rows of standard input"), "{out}");
    let (code, (out, _)) =
        through("evaluate m.json - --missing-label drop --metric r2", "x,y\n1,2\n2,\n3,6\n");
    assert!(code == Some(0) && out.contains("2 rows of standard input"), "{out}");
    let (code, (_, err)) = through("evaluate m.json -", "x,y\n1,2\n2,\n3,6\n");
    assert_eq!(code, Some(1));
    assert!(
        err.starts_with("error: standard input:3: column `y` is missing, expected a value: fill it, or"),
        "{err}"
    );
    let (code, (_, err)) = through("predict m.json - --out p.csv", "x\n1\nabc\n3\n");
    assert_eq!(code, Some(1));
    assert!(err.starts_with("error: standard input:3: `abc` is not a number; "), "{err}");
    let (code, (_, err)) =
        through("predict m.json - --max-bytes 100 --out p.csv", &format!("x\n{}", "1\n".repeat(200)));
    assert!(code == Some(1) && err.contains("more than 100 bytes"), "{err}");
}

#[cfg(unix)]
#[test]
fn a_bad_row_of_a_pipe_is_an_error() {
    let scene = Scene::new("path = \"d.csv\"", LR);
    scene.write("d.csv", "x,y\n1,2\n2,4\n3,6\n");
    scene.run(FIT);
    let pipe = scene.0.path().join("pipe.csv");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let writer = std::thread::spawn(move || std::fs::write(pipe, "x,y\n1,2\nabc,4\n3,6\n"));
    let error = scene.error("predict m.json pipe.csv --out p.csv");
    assert!(error.starts_with("error: pipe.csv:3: `abc` is not a number; "), "{error}");
    writer.join().unwrap().unwrap();
    // A configuration may name one, too.
    let config = scene.read("c.toml").replace("d.csv", "pipe.csv");
    scene.write("c.toml", config);
    let pipe = scene.0.path().join("pipe.csv");
    let writer = std::thread::spawn(move || std::fs::write(pipe, "x,y\n1,2\n2,4\n3,6\n"));
    scene.run(FIT);
    writer.join().unwrap().unwrap();
}

#[test]
fn escape_codes_are_shown_and_not_obeyed() {
    let scene = Scene::new("path = \"d.csv\"", LR);
    scene.write("d.csv", "x,\u{1b}[31mred,y\n1,2,2\n2,\u{1b}[2Jwipe,4\n3,6,6\n4,5,8\n");
    let (_, notes) = scene.run(FIT);
    assert!(
        !notes.contains('\u{1b}') && notes.contains("\\u{1b}[31mred") && notes.contains("\\u{1b}[2J"),
        "{notes}"
    );
    scene.write("d.csv", "\u{1b}[31mred\n1\n");
    let error = scene.error("predict m.json d.csv --out p.csv");
    assert!(!error.contains('\u{1b}') && error.contains("\\u{1b}[31mred"), "{error}");
}
